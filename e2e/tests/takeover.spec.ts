/** A person steps in: what the visitor sees of it, what another operator is told, and how soon. */

import type { Browser, Page } from '@playwright/test';
import type { Desk } from '../support/desk.ts';
import { expect, signIn, test } from '../support/test.ts';
import { snippet, Widget } from '../support/widget.ts';

/** How long silence, or a word, may take on a machine that does much else. What was measured is printed. */
const SOON = 3_000;

/** An operator of that name, in a browser of their own. */
async function operator(browser: Browser, desk: Desk, name: string, javaScriptEnabled = true): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, javaScriptEnabled });
  const page = await context.newPage();
  await signIn(page, desk, undefined, name);
  return page;
}

/** Opens the conversation in which this was said. */
async function openConversation(page: Page, said: string): Promise<void> {
  await page.getByRole('link', { name: new RegExp(said) }).click();
  await page.getByRole('log', { name: 'Messages' }).getByText(said).first().waitFor();
}

/** Notes when a text last grew that the page shows in an element. Runs in the page. */
const watchGrowth = (element: Element) => {
  const grown = { length: element.textContent?.length ?? 0, at: 0 };
  Object.assign(window, { grown });
  const look = () => {
    const length = element.textContent?.length ?? 0;
    if (length > grown.length) Object.assign(grown, { length, at: performance.timeOrigin + performance.now() });
  };
  new MutationObserver(look).observe(element, { childList: true, subtree: true, characterData: true });
};

const lastGrowth = (page: Page) => page.evaluate(() => (window as unknown as { grown: { at: number } }).grown.at);

/** When a button is pressed, by the clock of the page. */
async function press(page: Page, name: string): Promise<number> {
  const button = page.getByRole('button', { name, exact: true }).filter({ visible: true }).first();
  await button.evaluate((element) =>
    element.addEventListener('click', () => {
      sessionStorage.setItem('pressed', String(performance.timeOrigin + performance.now()));
    }),
  );
  await button.click();
  return Number(await page.evaluate(() => sessionStorage.getItem('pressed')));
}

test.setTimeout(60_000);

test('a person takes over in the middle of an answer, talks, and hands back', async ({ browser, widget, desk }) => {
  const question = `Tell me slowly ${Math.random()}`;
  await widget.open();
  await widget.send(question);
  const answer = widget.answers().first();
  await expect(answer).toContainText('word5');
  const maya = await operator(browser, desk, 'Maya');
  await openConversation(maya, question);
  await answer.evaluate(watchGrowth);
  const pressed = await press(maya, 'Take over');
  await expect(widget.log).toContainText('Maya joined');
  await expect(widget.stop).toHaveCount(0);
  const kept = await answer.textContent();
  await widget.page.waitForTimeout(500);
  expect(await answer.textContent()).toBe(kept);
  const silence = (await lastGrowth(widget.page)) - pressed;

  await widget.log.evaluate(watchGrowth);
  await maya.getByLabel('Reply to the visitor').fill('Maya here. What can I do?');
  const sent = await press(maya, 'Send');
  await expect(widget.log).toContainText('Maya here. What can I do?');
  const heard = (await lastGrowth(widget.page)) - sent;
  console.log(
    `from the press: silence after ${Math.max(0, silence).toFixed(0)} ms, words after ${heard.toFixed(0)} ms`,
  );
  expect(silence).toBeLessThan(SOON);
  expect(heard).toBeLessThan(SOON);

  await widget.send('I want a refund');
  const thread = maya.getByRole('log', { name: 'Messages' });
  await expect(thread).toContainText('I want a refund');
  await expect(widget.log).not.toContainText('You asked: I want a refund');
  await maya.getByRole('button', { name: 'Return to AI' }).filter({ visible: true }).click();
  await expect(widget.log).toContainText('Maya left');
  await widget.ask('And now?');
  await expect(widget.log).toContainText('You asked: And now?');
  await maya.context().close();
});

test('of two operators one wins, and the other is told who', async ({ browser, widget, desk }) => {
  const question = `A hard one ${Math.random()}`;
  await widget.open();
  await widget.ask(question);
  const [maya, tom] = [await operator(browser, desk, 'Maya'), await operator(browser, desk, 'Tom')];
  await Promise.all([openConversation(maya, question), openConversation(tom, question)]);
  await Promise.all([
    maya.getByRole('button', { name: 'Take over', exact: true }).filter({ visible: true }).first().click(),
    tom.getByRole('button', { name: 'Take over', exact: true }).filter({ visible: true }).first().click(),
  ]);
  await expect(widget.log).toContainText(/(Maya|Tom) joined/);
  const winner = (await widget.log.textContent())?.includes('Maya joined') ? 'Maya' : 'Tom';
  const loser = winner === 'Maya' ? tom : maya;
  await expect(loser.getByText(new RegExp(`${winner} took over`)).first()).toBeVisible();
  await expect(widget.log.getByText(/joined/)).toHaveCount(1);
  await Promise.all([maya.context().close(), tom.context().close()]);
});

test('a reply that comes too late is kept, and sent when it is taken over again', async ({ browser, widget, desk }) => {
  const question = `Too late ${Math.random()}`;
  await widget.open();
  await widget.ask(question);
  const [maya, tom] = [await operator(browser, desk, 'Maya'), await operator(browser, desk, 'Tom')];
  await Promise.all([openConversation(maya, question), openConversation(tom, question)]);
  await press(maya, 'Take over');
  const reply = maya.getByLabel('Reply to the visitor');
  await reply.fill('Half a sentence');
  // She does not hear of it before she sends.
  await maya.route('**', (route) => (route.request().method() === 'GET' ? route.abort() : route.fallback()));
  await press(tom, 'Take over from Maya');
  await expect(widget.log).toContainText('Tom joined');
  await press(maya, 'Send');
  await expect(maya.getByText(/Tom took over/).first()).toBeVisible();
  await expect(reply).toHaveValue('Half a sentence');
  await expect(maya).toHaveURL(/\/conversations\/[^/]+$/);
  await maya.unrouteAll();
  await press(maya, 'Take over from Tom and send');
  await expect(widget.log).toContainText('Half a sentence');
  await expect(reply).toHaveValue('');
  await Promise.all([maya.context().close(), tom.context().close()]);
});

test('without JavaScript an operator can take over, reply and hand back', async ({ browser, widget, desk }) => {
  const question = `Is anybody there ${Math.random()}`;
  await widget.open();
  await widget.ask(question);
  const plain = await operator(browser, desk, 'Tom', false);
  await openConversation(plain, question);
  await plain.getByRole('button', { name: 'Take over', exact: true }).filter({ visible: true }).first().click();
  await expect(widget.log).toContainText('Tom joined');
  await plain.getByLabel('Reply to the visitor').fill('Yes, I am.');
  await plain.getByRole('button', { name: 'Send', exact: true }).click();
  await expect(widget.log).toContainText('Yes, I am.');
  await plain.getByRole('button', { name: 'Return to AI' }).filter({ visible: true }).click();
  await expect(widget.log).toContainText('Tom left');
  await plain.context().close();
});

test('a visitor asks for a person, and the dashboard says so at once', async ({ browser, page, desk, site }) => {
  const maya = await operator(browser, desk, 'Maya');
  const widget = new Widget(page);
  await widget.visit(site.add({ body: snippet(desk) }));
  await widget.open();
  const question = `Where is my parcel ${Math.random()}`;
  await widget.ask(question);
  await page.getByRole('button', { name: 'More options' }).click();
  await page.getByRole('menuitem', { name: 'Talk to a person' }).click();
  await expect(widget.log).toContainText('We told the team');
  await expect(maya.getByRole('link', { name: new RegExp(question) })).toContainText('Needs a person');
  await expect(maya).toHaveTitle(/\(1\)|\(\d+\)/);
  await maya.context().close();
});

test('what is said while an operator is offline is there when they are back, without a reload', async ({
  browser,
  widget,
  desk,
}) => {
  const question = `First ${Math.random()}`;
  await widget.open();
  await widget.ask(question);
  const maya = await operator(browser, desk, 'Maya');
  await openConversation(maya, question);
  await maya.evaluate(() => Object.assign(window, { isSamePage: true }));
  const thread = maya.getByRole('log', { name: 'Messages' });
  await thread.getByText(question, { exact: true }).evaluate((said) => Object.assign(said, { isSame: true }));
  await maya.context().setOffline(true);
  await expect(maya.getByText('Reconnecting…', { exact: true })).toBeVisible();
  for (const text of ['Second', 'Third', 'Fourth']) await widget.ask(text);
  await maya.context().setOffline(false);
  await expect(maya.getByText('Live', { exact: true })).toBeVisible();
  await expect(thread).toContainText('You asked: Fourth', { timeout: 20_000 });
  for (const text of ['Second', 'Third']) await expect(thread).toContainText(`You asked: ${text}`);
  expect(await maya.evaluate(() => 'isSamePage' in window)).toBe(true);
  // What is as it was stays where it is, so that nobody who reads or marks it is disturbed.
  expect(await thread.getByText(question, { exact: true }).evaluate((said) => 'isSame' in said)).toBe(true);
  await maya.context().close();
});

test('a page that hears nothing for long says since when, and is live again when it is back', async ({
  browser,
  desk,
}) => {
  const maya = await operator(browser, desk, 'Maya');
  await expect(maya.getByText('Live', { exact: true })).toBeVisible();
  await maya.clock.install();
  await maya.reload();
  await expect(maya.getByText('Live', { exact: true })).toBeVisible();
  await maya.context().setOffline(true);
  await expect(maya.getByText('Reconnecting…', { exact: true })).toBeVisible();
  await maya.clock.fastForward('00:25');
  await expect(maya.getByText(/^Offline since \d{1,2}:\d{2}/)).toBeVisible();
  await maya.context().setOffline(false);
  await expect(maya.getByText('Live', { exact: true })).toBeVisible();
  await maya.context().close();
});
