/** The inbox, as operators use it: what is listed, what is done with it, and every state of the board. */

import { randomBytes } from 'node:crypto';
import type { APIRequestContext, Page } from '@playwright/test';
import { findings, LOOKS } from '../support/accessibility.ts';
import { type Desk, PASSWORD, startDesk, WIDGET_KEY } from '../support/desk.ts';
import { expect, signIn, test } from '../support/test.ts';

/** A visitor who writes over the API, from a page of the website. */
async function write(request: APIRequestContext, desk: Desk, message: string, more: object = {}): Promise<string> {
  const reply = await request.post(`${desk.api}/v1/chat`, {
    headers: { 'x-api-key': WIDGET_KEY, 'x-session-secret': randomBytes(32).toString('base64url') },
    data: { sessionId: `visitor-${Math.random()}`, message, page: 'https://shop.example/rates?from=porto', ...more },
  });
  expect(reply.ok()).toBe(true);
  return (await reply.json()).conversationId;
}

const thread = (page: Page) => page.getByRole('log', { name: 'Messages' });
const rows = (page: Page) => page.locator('.ilist .cv');
const button = (page: Page, name: string) =>
  page.getByRole('button', { name, exact: true }).filter({ visible: true }).first();

async function open(page: Page, desk: Desk, id: string): Promise<void> {
  await page.goto(`${desk.dashboard}/conversations/${id}`);
  await expect(thread(page)).toBeVisible();
}

const fits = (page: Page) => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);

test('a new conversation enters on top, and waits while somebody is about to press a row', async ({
  page,
  model,
  request,
}) => {
  const desk = await startDesk({ OPENAI_BASE_URL: model });
  for (const text of ['First', 'Second']) await write(request, desk, text);
  await signIn(page, desk);
  await expect(page.getByText('Live', { exact: true })).toBeVisible();
  await write(request, desk, 'Third');
  await expect(rows(page).first()).toContainText('Third');

  const first = rows(page).first();
  await first.hover();
  const before = await first.boundingBox();
  await write(request, desk, 'Fourth');
  const bar = page.getByRole('button', { name: '1 new conversation' });
  await expect(bar).toBeVisible();
  await expect(rows(page).first()).toContainText('Third');
  expect((await first.boundingBox())?.y, 'nothing moves under the pointer').toBe(before?.y);
  await bar.click();
  await expect(rows(page).first()).toContainText('Fourth');
  await expect(rows(page).first()).toBeFocused();
  await expect(bar).toBeHidden();

  await page.locator('.thread').hover();
  await page.locator('.thread').click();
  await write(request, desk, 'Fifth');
  await expect(rows(page).first()).toContainText('Fifth');
  await desk.end();
});

test('eight tabs are live over the few connections that a browser has for a host, also when the first is closed', async ({
  context,
  page,
  model,
  request,
}) => {
  test.slow();
  const desk = await startDesk({ OPENAI_BASE_URL: model });
  await signIn(page, desk);
  await write(request, desk, 'Zero');
  const tabs = [page];
  while (tabs.length < 8) {
    const tab = await context.newPage();
    await tab.goto(desk.dashboard);
    tabs.push(tab);
  }
  for (const tab of tabs) await expect(tab.getByText('Live', { exact: true })).toBeVisible();
  await write(request, desk, 'One');
  for (const tab of tabs) await expect(rows(tab).first()).toContainText('One');
  await page.close();
  await write(request, desk, 'Two');
  for (const tab of tabs.slice(1)) await expect(rows(tab).first()).toContainText('Two');
  await desk.end();
});

test('everything can be done with the keyboard', async ({ page, desk, request }) => {
  const id = await write(request, desk, `Keys ${Math.random()}`);
  await signIn(page, desk, undefined, 'Maya');
  await open(page, desk, id);
  await page.locator('.thread h1').focus();
  await page.keyboard.press('n');
  const note = page.getByLabel('Internal note, never shown to the visitor');
  await expect(note).toBeFocused();
  await page.keyboard.type('They ship a lot.');
  await page.keyboard.press('Control+Enter');
  await expect(thread(page).getByRole('article', { name: 'Internal note by you' })).toContainText('They ship a lot.');

  await page.locator('.thread h1').focus();
  await page.keyboard.press('t');
  await expect(thread(page)).toContainText('You took over.');
  const reply = page.getByLabel('Reply');
  await expect(reply).toBeFocused();
  await page.keyboard.type('Hello from Maya');
  await page.keyboard.press('Control+Enter');
  await expect(thread(page).getByRole('article', { name: 'You', exact: true })).toContainText('Hello from Maya');
  await expect(reply).toHaveValue('');
  await expect(reply).toBeFocused();

  await page.locator('.thread h1').focus();
  await page.keyboard.press('e');
  await expect(page.locator('.toast')).toContainText('Conversation closed');
  await page.locator('.toast').getByRole('button', { name: 'Undo' }).click();
  await expect(page.locator('.toast')).toContainText('Conversation reopened');
  await expect(page.getByText('This conversation is closed')).toBeHidden();
});

test('a canned reply is offered after a slash', async ({ page, desk, request }) => {
  const id = await write(request, desk, `Canned ${Math.random()}`);
  await signIn(page, desk, undefined, 'Maya');
  await page.goto(`${desk.dashboard}/replies`);
  for (const [shortcut, text] of [
    ['refund', 'Your money is on its way back.'],
    ['return', 'Send it back to us.'],
  ] as const) {
    const form = page.locator('section', { has: page.getByRole('heading', { name: 'A new reply' }) });
    await form.getByLabel('Shortcut').fill(shortcut);
    await form.getByLabel('Text').fill(text);
    await form.getByRole('button', { name: 'Add' }).click();
    await expect(page.getByRole('heading', { name: `/${shortcut}` })).toBeVisible();
  }
  await open(page, desk, id);
  await button(page, 'Take over').click();
  const reply = page.getByLabel('Reply');
  await reply.pressSequentially('Hi. /re');
  const offered = page.getByRole('listbox', { name: 'Canned replies' }).getByRole('option');
  await expect(offered).toHaveCount(2);
  await page.keyboard.press('ArrowDown');
  await expect(offered.last()).toHaveAttribute('aria-selected', 'true');
  await page.keyboard.press('Enter');
  await expect(reply).toHaveValue('Hi. Send it back to us.');
  await expect(offered).toHaveCount(0);
  await reply.pressSequentially(' /ref');
  await page.keyboard.press('Escape');
  await expect(offered).toHaveCount(0);
});

test('what was written is kept: over a reload, and when it could not be sent', async ({ page, desk, request }) => {
  const id = await write(request, desk, `Draft ${Math.random()}`);
  await signIn(page, desk, undefined, 'Maya');
  await open(page, desk, id);
  await button(page, 'Take over').click();
  const reply = page.getByLabel('Reply');
  await reply.fill('Half a sentence');
  await expect(page.getByText('Saved as draft').filter({ visible: true })).toBeVisible();
  await page.reload();
  await expect(reply).toHaveValue('Half a sentence');
  await page.context().setOffline(true);
  await button(page, 'Send').click();
  await expect(page.getByRole('alert').filter({ hasText: 'Not sent. Your text is kept' })).toBeVisible();
  await expect(reply).toHaveValue('Half a sentence');
  await page.context().setOffline(false);
  await button(page, 'Send').click();
  await expect(thread(page).getByRole('article', { name: 'You', exact: true })).toHaveCount(1);
  await page.reload();
  await expect(reply).toHaveValue('');
});

test('the visitor’s typing is shown, and the operator’s is told', async ({ context, widget, desk }) => {
  await widget.open();
  const question = `Typing ${Math.random()}`;
  await widget.ask(question);
  const operator = await context.newPage();
  await signIn(operator, desk, undefined, 'Maya');
  await operator.getByRole('link', { name: new RegExp(question) }).click();
  await expect(operator.locator('.th-h')).toContainText('now');
  await button(operator, 'Take over').click();
  await operator.getByLabel('Reply').pressSequentially('Let me see');
  await expect(widget.log.getByText('Maya is typing')).toBeVisible();
  await operator.keyboard.press('Control+Enter');
  await expect(widget.log).toContainText('Let me see');
  // Sooner than it would be forgotten.
  await expect(widget.log.getByText('Maya is typing')).toBeHidden({ timeout: 4000 });
});

test('rows say who types and who is on the site now, and stay where they are', async ({
  context,
  widget,
  desk,
  request,
}) => {
  await widget.open();
  const question = `Rows ${Math.random()} ${'and a long line '.repeat(12)}`;
  await widget.ask(question);
  const operator = await context.newPage();
  await signIn(operator, desk, undefined, 'Maya');
  const row = rows(operator).filter({ hasText: question.slice(0, 20) });
  await expect(row).toContainText('On the site now');
  await row.click();
  await button(operator, 'Take over').click();
  await expect(widget.log).toContainText('Maya joined');
  await write(request, desk, `Above ${Math.random()}`);
  await expect(rows(operator).first()).toContainText('Above');
  await row.hover();
  const before = await row.boundingBox();
  await widget.field.pressSequentially('Let me');
  await expect(row.getByText('is typing…')).toBeVisible();
  await expect(row.getByText('You asked')).toBeHidden();
  expect(await row.boundingBox(), 'nothing moves under the pointer').toEqual(before);
  await expect(row.getByText('is typing…'), 'it is over after a silence').toBeHidden({ timeout: 12_000 });
  await widget.page.close();
  await expect(row).not.toContainText('On the site now');
});

test('deleting asks, begins with what keeps, and goes on with the next row', async ({ page, model, request }) => {
  const desk = await startDesk({ OPENAI_BASE_URL: model });
  const ids = [];
  for (const text of ['One', 'Two', 'Three']) ids.push(await write(request, desk, text));
  await signIn(page, desk);
  await rows(page).filter({ hasText: 'Two' }).click();
  await expect(thread(page)).toContainText('You asked: Two');
  const link = page.getByRole('link', { name: 'Delete conversation' });
  await link.click();
  const dialog = page.getByRole('alertdialog', { name: 'Delete this conversation?' });
  await expect(dialog.getByRole('button', { name: 'Keep it' })).toBeFocused();
  await expect(dialog).toContainText('All 2 messages');
  await page.keyboard.press('Escape');
  await expect(dialog).toBeHidden();
  await expect(link).toBeFocused();
  await link.click();
  await dialog.getByRole('button', { name: 'Delete conversation' }).click();
  await expect(page.locator('.toast')).toContainText('Conversation deleted');
  await expect(rows(page)).toHaveCount(2);
  await expect(rows(page).filter({ hasText: 'One' })).toBeFocused();
  await desk.end();
});

test('several conversations are chosen, closed, and opened again', async ({ page, model, request }) => {
  const desk = await startDesk({ OPENAI_BASE_URL: model });
  for (const text of ['One', 'Two', 'Three']) await write(request, desk, text);
  await signIn(page, desk);
  await page.getByRole('link', { name: 'Select several' }).click();
  await page.getByRole('checkbox').first().check();
  await page.getByRole('checkbox').nth(1).check();
  await button(page, 'Close').click();
  await expect(page.locator('.toast')).toContainText('2 conversations closed');
  await expect(rows(page)).toHaveCount(1);
  await page.locator('.toast').getByRole('button', { name: 'Undo' }).click();
  await expect(rows(page)).toHaveCount(3);
  await desk.end();
});

test('tags, filters and searches are in the address', async ({ page, desk, request }) => {
  const word = `word${Math.random().toString(36).slice(2)}`;
  const id = await write(request, desk, `About ${word}`);
  await signIn(page, desk, undefined, 'Maya');
  await open(page, desk, id);
  await page.getByLabel('Add a tag').fill('Parcel');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('button', { name: 'Remove tag parcel' })).toBeVisible();
  await page.getByRole('combobox', { name: 'Assigned to' }).last().selectOption('Maya');
  await page.locator('#filters summary').click();
  await page.getByLabel('Tag', { exact: true }).fill('parcel');
  await button(page, 'Filter').click();
  await expect(page).toHaveURL(/\?tag=parcel/);
  await expect(rows(page)).toHaveCount(1);
  await page.getByRole('searchbox').fill('nothing like it');
  await expect(page.getByText('Nothing for “nothing like it”')).toBeVisible();
  await page.getByRole('link', { name: 'Clear search' }).click();
  await expect(rows(page).filter({ hasText: word })).toBeVisible();
});

test.describe('without JavaScript', () => {
  test.use({ javaScriptEnabled: false });
  test('what is written is kept between reply and note, and when somebody else was faster', async ({
    page,
    browser,
    desk,
    request,
  }) => {
    const id = await write(request, desk, `Switching ${Math.random()}`);
    await signIn(page, desk, undefined, 'Maya');
    await open(page, desk, id);
    const [reply, note] = [page.getByLabel('Reply to the visitor'), page.getByLabel('Internal note, never shown')];
    await expect(reply.or(note)).toHaveCount(1);
    await expect(note).toBeHidden();
    await page.getByRole('link', { name: 'Note', exact: true }).click();
    await expect(note).toBeFocused();
    await page.getByRole('link', { name: 'Cancel' }).click();
    await expect(note).toBeHidden();
    await button(page, 'Take over').click();

    await reply.fill('Half a reply');
    await page.getByRole('link', { name: 'Internal note' }).click();
    await expect(reply).toBeHidden();
    await expect(note).toBeFocused();
    await note.fill('Half a note');
    await expect(button(page, 'Send')).toBeHidden();
    await page.getByRole('link', { name: 'Reply', exact: true }).click();
    await expect(note).toBeHidden();
    await expect(reply).toHaveValue('Half a reply');
    await expect(note).toHaveValue('Half a note');

    const other = await browser.newPage();
    await signIn(other, desk, undefined, 'Tom');
    await open(other, desk, id);
    await button(other, 'Take over from Maya').click();
    await expect(thread(other)).toContainText('You took over.');
    await button(page, 'Send').click();
    await expect(page.getByRole('alert').filter({ hasText: 'Tom took over' })).toBeVisible();
    await expect(reply).toHaveValue('Half a reply');
    await button(page, 'Take over from Tom and send').click();
    await expect(thread(page).getByRole('article', { name: 'You', exact: true })).toContainText('Half a reply');

    await reply.fill('While signed out');
    await page.context().clearCookies();
    await button(page, 'Send').click();
    await expect(page.getByRole('heading', { name: 'You were signed out' })).toBeVisible();
    const [login] = await Promise.all([
      page.waitForEvent('popup'),
      page.getByRole('link', { name: 'Sign in' }).click(),
    ]);
    await login.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await login.getByLabel('Your name').fill('Maya');
    await login.getByRole('button', { name: 'Sign in' }).click();
    await button(page, 'Try again').click();
    await expect(thread(page)).toContainText('While signed out');
    await other.close();
  });

  test('an operator can note, close, undo, tag, filter and delete', async ({ page, desk, request }) => {
    const id = await write(request, desk, `Plain ${Math.random()}`);
    await signIn(page, desk, undefined, 'Tom');
    await open(page, desk, id);
    await page.getByRole('link', { name: 'Note', exact: true }).click();
    await page.getByLabel('Internal note, never shown to the visitor').fill('A plain note');
    await button(page, 'Save note').click();
    await expect(thread(page)).toContainText('A plain note');
    await button(page, 'Close conversation').click();
    await expect(page.locator('.toast')).toContainText('Conversation closed');
    await page.locator('.toast').getByRole('button', { name: 'Undo' }).click();
    await expect(page.locator('.toast')).toContainText('Conversation reopened');
    await page.getByLabel('Add a tag').fill('plain');
    await button(page, 'Add').click();
    await page.goto(`${desk.dashboard}/?tag=plain`);
    await expect(page.getByRole('link', { name: /Plain/ })).toBeVisible();
    await page.getByRole('link', { name: /Plain/ }).click();
    await page.getByRole('link', { name: 'Delete conversation' }).click();
    await button(page, 'Delete conversation').click();
    await expect(page.locator('.toast')).toContainText('Conversation deleted');
  });
});

for (const { name, ...look } of LOOKS) {
  test.describe(name, () => {
    test.use(look);
    const isPhone = look.viewport.width < 760;

    test('every state of the inbox is accessible and fits', async ({ page, model, request }) => {
      test.slow();
      const desk = await startDesk({ OPENAI_BASE_URL: model });
      const check = async (state: string) => {
        await page.evaluate(() => document.fonts.ready);
        if (process.env.FRONTDESK_SHOTS)
          await page.screenshot({ path: `${process.env.FRONTDESK_SHOTS}/${state}-${name.replace(', ', '-')}.png` });
        expect(await findings(page), state).toEqual([]);
        for (const width of isPhone ? [360, 390, 760] : [761, 1100, 1240, 1440]) {
          await page.setViewportSize({ width, height: look.viewport.height });
          expect(await fits(page), `${state} at ${width} px`).toBeLessThanOrEqual(0);
        }
        await page.setViewportSize(look.viewport);
      };
      await signIn(page, desk, undefined, 'Maya');
      await expect(page.getByText('No conversations yet').filter({ visible: true }).first()).toBeVisible();
      await check('empty');

      await write(request, desk, 'Do you collect on public holidays?');
      const id = await write(request, desk, 'In Markdown please', { referrer: 'https://search.example/' });
      await write(request, desk, 'Thanks, that worked!');
      await page.goto(`${desk.dashboard}/`);
      await expect(rows(page)).toHaveCount(3);
      await check('list');
      await page.locator('#filters summary').click();
      await check('filters');
      await page.goto(`${desk.dashboard}/?select=1`);
      await check('select');
      await page.goto(`${desk.dashboard}/?q=refund+norway`);
      await check('no-results');

      await open(page, desk, id);
      await check('thread');
      await page.getByLabel('More actions').click();
      await check('menu');
      await page.getByRole('link', { name: 'Delete…' }).click();
      await expect(page.getByRole('alertdialog')).toBeVisible();
      await check('delete');
      await page.keyboard.press('Escape');
      await page.goto(`${desk.dashboard}/conversations/${id}?details=1`);
      await check('details');
      await page.goto(`${desk.dashboard}/conversations/${id}?compose=note`);
      await page.getByLabel('Internal note, never shown to the visitor').fill('They shipped 212 labels. Offer net 14.');
      await check('note');
      await button(page, 'Save note').click();
      await expect(thread(page)).toContainText('212 labels');
      await button(page, 'Take over').click();
      await page.getByLabel('Reply').fill('Maya here. We can invoice at month end.');
      await button(page, 'Send').click();
      await expect(thread(page)).toContainText('month end');
      await page.getByLabel('Reply').fill('Just your company name');
      await check('human');
      await page.getByLabel('More actions').click();
      await page
        .locator('#thread-menu')
        .getByRole('button', { name: /^Close/ })
        .click();
      await expect(page.getByText('This conversation is closed')).toBeVisible();
      await check('closed');
      for (const path of ['replies', 'office-hours', 'profile']) {
        await page.goto(`${desk.dashboard}/${path}`);
        await check(path);
      }
      await desk.end();
    });
  });
}

test('what answers cost is said with each and of the whole conversation', async ({ page, model, request }) => {
  const desk = await startDesk({
    OPENAI_BASE_URL: model,
    MODEL_PRICES: 'gpt-4.1-mini=0.40/1.60',
    PRICE_CURRENCY: 'EUR',
  });
  const id = await write(request, desk, 'How many tokens is this?');
  await signIn(page, desk);
  await open(page, desk, id);
  await expect(thread(page)).toContainText('612 tokens');
  await expect(thread(page)).toContainText('EUR 0.0027');
  const usage = page.locator('.side section', { hasText: 'Usage' });
  await expect(usage).toContainText('4,218 in, 612 out');
  await expect(usage).toContainText('EUR 0.0027');
  await desk.end();
});
