/** What a visitor can do besides asking: rate, copy, save, delete, edit, go back; and the people who may answer. */

import { readFile } from 'node:fs/promises';
import { expect, test } from '../support/stage.ts';
import { ask, comeBack, PEOPLE, press, STATES, told } from '../support/states.ts';
import { expect as desktop, test as real } from '../support/test.ts';

real('a rating is kept, can be explained, and can be taken back', async ({ widget, page }) => {
  await widget.open();
  await widget.ask('Is it waterproof?');
  const good = page.getByRole('button', { name: 'Good answer' });
  const bad = page.getByRole('button', { name: 'Bad answer' });
  await good.click();
  await desktop(good).toHaveAttribute('aria-pressed', 'true');
  await desktop(widget.status).toHaveText('Thanks for telling us');
  await bad.click();
  await desktop(good).toHaveAttribute('aria-pressed', 'false');
  await page.getByRole('button', { name: 'Out of date' }).click();
  await page.getByRole('textbox', { name: 'Tell us more (optional)' }).fill('The old model was.');
  const sent = page.waitForRequest((request) => request.postDataJSON()?.comment === 'The old model was.');
  await page.getByRole('button', { name: 'Send feedback' }).click();
  desktop((await sent).postDataJSON()).toMatchObject({ rating: 'down', reason: 'outdated' });
  await desktop(bad).toBeFocused();
  await desktop(page.getByRole('group', { name: 'What went wrong?' })).toHaveCount(0);
  await desktop.poll(async () => (await (await sent).response())?.status()).toBe(200);
  await page.reload();
  await desktop(bad).toHaveAttribute('aria-pressed', 'true');
  await bad.click();
  await desktop(widget.status).toHaveText('Rating removed');
  await page.reload();
  await desktop(bad).toHaveAttribute('aria-pressed', 'false');
});

real('the transcript is a file with the conversation in it', async ({ widget, page }) => {
  await widget.open();
  await widget.ask('Is it waterproof?');
  await page.getByRole('button', { name: 'More options' }).click();
  const download = page.waitForEvent('download');
  await page.getByRole('menuitem', { name: 'Save transcript' }).click();
  const file = await download;
  desktop(file.suggestedFilename()).toMatch(/\.md$/);
  const text = await readFile(await file.path(), 'utf8');
  desktop(text).toContain('You asked: Is it waterproof?');
});

real('a deleted conversation is gone from the server and from the browser', async ({ widget, page }) => {
  await widget.open();
  await widget.ask('Something private');
  await page.getByRole('button', { name: 'More options' }).click();
  await page.getByRole('menuitem', { name: 'Delete this conversation' }).click();
  await desktop(page.getByRole('button', { name: 'Keep it' })).toBeFocused();
  const erased = page.waitForResponse((response) => response.request().method() === 'DELETE');
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  desktop((await erased).ok()).toBe(true);
  await desktop(widget.questions()).toHaveCount(0);
  await desktop(widget.status).toHaveText('Conversation deleted');
  desktop(await page.evaluate(() => Object.keys(localStorage))).toEqual([]);
  const secret = (await (await erased).request().allHeaders())['x-session-secret'] as string;
  const after = await page.request.get(`${(await erased).url()}/messages`, {
    headers: { 'x-session-secret': secret, 'x-api-key': 'widget-key-of-the-tests-1' },
  });
  desktop(after.status()).toBe(404);
});

test('what cannot be done is said, and the rating goes back to what it was', async ({ stage }) => {
  const { page, desk, widget } = stage;
  desk.handle = ({ path }, response) => path.includes('/feedback') && !!response.writeHead(500).end('{}');
  await ask(stage);
  await press(stage, 'Bad answer');
  await expect(widget.log.getByRole('alert')).toContainText('That did not work');
  await expect(page.getByRole('button', { name: 'Bad answer' })).toHaveAttribute('aria-pressed', 'false');
  desk.handle = () => false;
  await press(stage, 'Good answer');
  await expect(widget.log.getByRole('alert')).toHaveCount(0);
});

test('a suggestion is sent with one press', async ({ stage }) => {
  const { widget, page } = stage;
  await widget.open();
  await page.getByRole('button', { name: 'Where is my parcel?' }).click();
  await expect(widget.questions()).toHaveText('Where is my parcel?');
  await expect(widget.answers()).toHaveText('You asked: Where is my parcel?');
  await expect(widget.field).toBeFocused();
});

test('numbers become links to the sources, and stay with their word', async ({ stage }) => {
  await ask(stage, 'Tomorrow [1], or `list[2]` and [9].');
  const { widget } = stage;
  const chip = widget.answers().getByRole('link', { name: 'Source 1: Rates within the EU' });
  await expect(chip).toHaveAttribute('href', 'https://help.example/rates');
  await expect(chip).toHaveAttribute('rel', /noopener/);
  await expect(widget.answers()).toHaveText('Tomorrow\u20601, or list[2] and [9].');
  await expect(widget.log.getByRole('link', { name: '2 What cover includes' })).toBeVisible();
});

test('the arrow key brings a message back that was not sent, and it is not sent twice', async ({ stage }) => {
  await STATES.unsent?.(stage);
  const { widget, page, desk } = stage;
  await expect(widget.field).toBeFocused();
  await page.keyboard.press('ArrowUp');
  await expect(widget.field).toHaveValue('And to Malta?');
  await expect(widget.questions()).toHaveCount(0);
  desk.handle = () => false;
  await page.keyboard.type('!');
  await page.keyboard.press('Enter');
  await expect(widget.answers()).toHaveText('You asked: And to Malta?!');
  expect(desk.asked.filter(({ path }) => path === '/chat')).toHaveLength(2);
});

test('a message of a person is counted and shown beside the launcher, and opening the chat leads to it', async ({
  stage,
}) => {
  await STATES.peek?.(stage);
  const { widget, page, desk } = stage;
  await expect(widget.launcher).toHaveAccessibleName('Open chat, 1 unread message');
  const peek = page.locator('.peek');
  await expect(peek).toContainText('Maya Olsen');
  await page.getByRole('button', { name: 'Dismiss preview' }).click();
  await expect(peek).toHaveCount(0);
  desk.tell(told({ role: 'operator', name: 'Maya Olsen', content: 'Are you there?' }, 10));
  await expect(widget.launcher).toHaveAccessibleName('Open chat, 2 unread messages');
  await peek.getByText('Are you there?').click();
  await expect(widget.log).toContainText('Are you there?');
  await expect(peek).toHaveCount(0);
  await expect(page.locator('.badge')).toHaveCount(0);
});

test('while a person answers, the chat says so, and when they have left, too', async ({ stage }) => {
  await comeBack(stage, PEOPLE);
  const { widget, desk, page } = stage;
  await expect(widget.panel).toHaveAccessibleName('Maya Olsen');
  await expect(widget.field).toHaveAttribute('placeholder', 'Reply to Maya Olsen');
  await expect(widget.panel).toContainText('You are talking to a person.');
  await expect(page.locator('.them .by')).toHaveCount(1);
  desk.tell(told({ role: 'operator', name: 'Maya Olsen', content: 'No, it fits the box.' }, 8));
  await expect(widget.status).toHaveText('Maya Olsen: No, it fits the box.');
  desk.tell(told({ role: 'event', content: 'left', name: 'Maya Olsen' }, 9));
  await expect(widget.status).toHaveText('Maya Olsen left. Wren is answering again.');
  await expect(widget.panel).toHaveAccessibleName('Wren');
  desk.tell(told({ role: 'event', content: 'closed' }, 10));
  await press(stage, 'Start a new one');
  await expect(widget.questions()).toHaveCount(0);
  await expect(widget.field).toBeVisible();
});

test('a reader who has scrolled up is not moved, and told what is new', async ({ stage }) => {
  await STATES['new-answer']?.(stage);
  const { widget, page, desk } = stage;
  const top = () => widget.log.evaluate((log) => log.scrollTop);
  expect(await top()).toBe(0);
  for (const place of [10, 11]) desk.tell(told({ role: 'operator', name: 'Maya', content: 'One more thing.' }, place));
  await expect(page.getByRole('button', { name: '2 new messages' })).toBeVisible();
  expect(await top()).toBe(0);
  await page.getByRole('button', { name: '2 new messages' }).click();
  await expect.poll(top).toBeGreaterThan(100);
  await expect(page.getByRole('button', { name: 'new messages' })).toHaveCount(0);
  await expect(widget.field).toBeFocused();
});

test('on a phone going back closes the chat, once, and the page is where it was', async ({ stage }) => {
  const { widget, page } = stage;
  await page.setViewportSize({ width: 390, height: 844 });
  const entries = await page.evaluate(() => history.length);
  await widget.open();
  await expect(page.locator('main')).toHaveAttribute('inert');
  await page.goBack();
  await expect(widget.panel).toBeHidden();
  await expect(widget.launcher).toBeFocused();
  await expect(page.locator('main')).not.toHaveAttribute('inert');
  await widget.open();
  await press(stage, 'Minimise chat');
  await expect.poll(() => page.evaluate(() => history.state?.frontdesk)).toBeUndefined();
  expect(await page.evaluate(() => history.length)).toBe(entries + 1);
});

test('nothing of the chat is printed', async ({ stage }) => {
  await ask(stage);
  await stage.page.emulateMedia({ media: 'print' });
  await expect(stage.widget.panel).toBeHidden();
  await expect(stage.widget.launcher).toBeHidden();
});

test('in forced colours every shape has an edge, and what is pressed stands out', async ({ stage }) => {
  await stage.page.emulateMedia({ forcedColors: 'active' });
  await STATES['rated-up']?.(stage);
  for (const part of ['.panel', '.bubble', '.field', '.send', '.launcher'])
    await expect(stage.page.locator(part).first()).toHaveCSS('border-top-style', 'solid');
  const colours = await stage.page
    .locator('[aria-pressed=true]')
    .evaluate((pressed) => [
      getComputedStyle(pressed).backgroundColor,
      getComputedStyle(pressed.parentElement as Element).backgroundColor,
    ]);
  expect(colours[0]).not.toBe(colours[1]);
});

test('at 400 percent zoom nothing is cut off', async ({ stage }) => {
  // A window of 1280 by 1024 pixels at 400 percent.
  await stage.page.setViewportSize({ width: 320, height: 256 });
  await STATES.feedback?.(stage);
  const wider = await stage.widget.panel.evaluate((panel) =>
    [...panel.querySelectorAll('*')]
      .filter((part) => !part.closest('.table, pre, .sr') && part.getBoundingClientRect().right > innerWidth + 1)
      .map((part) => part.className),
  );
  expect(wider).toEqual([]);
  await expect(stage.widget.field).toBeInViewport();
});
