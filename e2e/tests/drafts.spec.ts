/** What operators have begun to write, on every device of theirs; and what visitors are told of being read. */

import type { Browser, Page } from '@playwright/test';
import type { Desk } from '../support/desk.ts';
import { expect, signIn, test } from '../support/test.ts';

async function operator(browser: Browser, desk: Desk, name: string, javaScriptEnabled = true): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, javaScriptEnabled });
  const page = await context.newPage();
  await signIn(page, desk, undefined, name);
  return page;
}

const reply = (page: Page) => page.getByLabel('Reply to the visitor');
const kept = (page: Page) => page.getByText('Saved as draft').filter({ visible: true });
const press = (page: Page, name: string) =>
  page.getByRole('button', { name, exact: true }).filter({ visible: true }).first().click();

test('a draft is there on another device, and gone when it was sent', async ({ browser, widget, desk }) => {
  const question = `Draft ${Math.random()}`;
  await widget.open();
  await widget.send(question);
  const maya = await operator(browser, desk, 'Maya');
  await maya.getByRole('link', { name: new RegExp(question) }).click();
  await press(maya, 'Take over');
  await reply(maya).fill('Good mor');
  await expect(kept(maya)).toBeVisible();
  // Leaving does not wait for a pause.
  await reply(maya).pressSequentially('ning');
  const isSaved = maya.waitForResponse((response) => response.url().endsWith('/draft') && response.status() === 204);
  await maya.getByRole('link', { name: 'Conversations', exact: true }).filter({ visible: true }).first().click();
  await isSaved;

  const phone = await operator(browser, desk, 'Maya', false);
  await phone.getByRole('link', { name: new RegExp(question) }).click();
  await expect(reply(phone)).toHaveValue('Good morning');
  await reply(phone).fill('Good morning, Ana');
  await press(phone, 'Save draft');
  await expect(reply(phone)).toHaveValue('Good morning, Ana');
  await expect(kept(phone)).toBeVisible();
  const tom = await operator(browser, desk, 'Tom');
  await tom.goto(phone.url());
  await press(tom, 'Take over from Maya');
  await expect(reply(tom)).toHaveValue('');
  await maya.goto(phone.url());
  await press(maya, 'Take over from Tom');
  await expect(reply(maya)).toHaveValue('Good morning, Ana');
  await press(maya, 'Send');
  await expect(widget.log).toContainText('Good morning, Ana');
  await expect(reply(maya)).toHaveValue('');
  await phone.reload();
  await expect(reply(phone)).toHaveValue('');
});

test('the server was away: the text is in its field, and is saved when it is back', async ({
  browser,
  widget,
  desk,
}) => {
  const question = `Away ${Math.random()}`;
  await widget.open();
  await widget.send(question);
  const maya = await operator(browser, desk, 'Maya');
  await maya.getByRole('link', { name: new RegExp(question) }).click();
  await press(maya, 'Take over');
  await expect(reply(maya)).toBeFocused();
  await maya.context().setOffline(true);
  await reply(maya).fill('Half a sentence');
  await maya.waitForTimeout(1_200);
  await expect(kept(maya)).toHaveCount(0);
  await expect(reply(maya)).toHaveValue('Half a sentence');
  await maya.context().setOffline(false);
  await expect(kept(maya)).toBeVisible({ timeout: 15_000 });
});

test('the visitor sees that a message was read, and only while a person has the conversation', async ({
  browser,
  widget,
  desk,
}) => {
  const question = `Read ${Math.random()}`;
  const seen = widget.log.getByText('Seen', { exact: true });
  await widget.open();
  await widget.send(question);
  const maya = await operator(browser, desk, 'Maya');
  await maya.getByRole('link', { name: new RegExp(question) }).click();
  await expect(maya.getByRole('log', { name: 'Messages' })).toContainText(question);
  await maya.waitForTimeout(500);
  await expect(seen).toHaveCount(0);
  await press(maya, 'Take over');
  await expect(widget.log).toContainText('Maya joined');
  await widget.send('Are you there?');
  await expect(seen).toHaveCount(1);
  await widget.page.reload();
  await expect(widget.log).toContainText('Are you there?');
  await expect(seen).toHaveCount(1);
  await press(maya, 'Return to AI');
  await expect(widget.log).toContainText('Maya left');
  await expect(seen).toHaveCount(0);
});
