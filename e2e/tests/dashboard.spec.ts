/** The dashboard, as an operator uses it. */

import { startDesk, WIDGET_KEY } from '../support/desk.ts';
import { expect, signIn, test } from '../support/test.ts';
import { snippet, Widget } from '../support/widget.ts';

test('whoever is not signed in is asked to, and then gets where they wanted', async ({ page, desk }) => {
  await page.goto(`${desk.dashboard}/conversations/00000000-0000-7000-8000-000000000000`);
  await expect(page).toHaveURL(/\/login\?next=/);
  await page.getByLabel('Password', { exact: true }).fill('correct horse battery');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/conversations\/00000000-/);
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
});

test('a wrong password says so, and keeps everybody out', async ({ page, model }) => {
  const desk = await startDesk({ OPENAI_BASE_URL: model });
  await signIn(page, desk, 'guess');
  await expect(page.getByRole('alert')).toContainText('That password is not right.');
  await expect(page.getByLabel('Password', { exact: true })).toBeFocused();
  await page.goto(desk.dashboard);
  await expect(page).toHaveURL(/\/login/);
  await desk.end();
});

test('signing out ends the session on the server too', async ({ operator, desk, context }) => {
  await expect(operator.getByRole('heading', { level: 1 })).toHaveText('Conversations');
  const cookies = await context.cookies();
  await operator.getByRole('button', { name: 'Sign out' }).filter({ visible: true }).click();
  await expect(operator).toHaveURL(/\/login/);
  await context.addCookies(cookies);
  await operator.goto(desk.dashboard);
  await expect(operator).toHaveURL(/\/login/);
});

test('a forged cookie opens nothing', async ({ operator, desk, context }) => {
  const [cookie] = await context.cookies();
  if (!cookie) throw new Error('there is no cookie');
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Lax' });
  await context.addCookies([{ ...cookie, value: `${cookie.value.slice(0, -4)}AAAA` }]);
  await operator.goto(desk.dashboard);
  await expect(operator).toHaveURL(/\/login/);
});

test('a conversation from the widget can be read in the dashboard', async ({ widget, page, desk }) => {
  await widget.open();
  const question = `Question ${Math.random()}`;
  await widget.ask(question);
  await signIn(page, desk);
  await page.getByRole('link', { name: new RegExp(question) }).click();
  const thread = page.getByRole('log', { name: 'Messages' });
  await expect(thread).toContainText(question);
  await expect(thread.getByRole('article', { name: 'AI' })).toContainText(`You asked: ${question}`);
});

test('an operator sees what is said as it is said', async ({ context, page, site, model }) => {
  const desk = await startDesk({ OPENAI_BASE_URL: model, CORS_ORIGIN: site.url });
  const widget = new Widget(page);
  await widget.visit(site.add({ body: snippet(desk) }));
  await widget.open();
  await widget.ask('Hello');
  const operator = await context.newPage();
  await signIn(operator, desk);
  await operator.getByRole('link', { name: /Hello/ }).click();
  const thread = operator.getByRole('log', { name: 'Messages' });
  const answers = thread.getByRole('article', { name: 'AI' });
  await expect(answers).toHaveCount(1);
  await operator.evaluate(() => {
    document.body.dataset.loaded = 'once';
  });

  await widget.send('Tell me slowly');
  await expect(thread.getByRole('article', { name: 'Visitor' }).last()).toContainText('Tell me slowly');
  await expect(operator.locator('.th-h').getByText('AI is answering')).toBeVisible();
  await expect(answers.last()).toContainText('word1 ');
  const sofar = await answers.last().locator('.said').innerText();
  expect(sofar.split(' ').length, 'it comes while it is being written').toBeLessThan(200);
  await expect(answers.last()).toContainText('Being written');
  await expect(operator.locator('.cv').first()).toContainText('Tell me slowly');
  await page.getByRole('button', { name: 'Stop' }).click();
  await expect(answers.last()).toContainText('Stopped by the visitor');
  await expect(operator.locator('.th-h').getByText('AI is answering')).toBeHidden();
  const shown = (await answers.last().locator('.m-b').innerText()).trim();
  expect(shown).toBe(Array.from(shown.split(/\s+/), (_, n) => `word${n}`).join(' '));

  await widget.send('Again slowly');
  await expect(answers).toHaveCount(3);
  // By then a part of it is stored.
  await expect(answers.last()).toContainText('word60 ');
  await desk.crashAndRestart();
  await expect(answers.last()).toContainText('Incomplete', { timeout: 15_000 });
  await expect(operator.locator('body[data-loaded=once]')).toHaveCount(1);
  await desk.end();
});

test('long lists have pages, and nothing is missing or doubled', async ({ page, model, request }) => {
  const desk = await startDesk({ OPENAI_BASE_URL: model });
  const count = 60;
  for (let n = 0; n < count; n++) {
    const reply = await request.post(`${desk.api}/v1/chat`, {
      headers: { 'x-api-key': WIDGET_KEY },
      data: { sessionId: `session-${n}`, message: `message number ${n}.` },
    });
    expect(reply.ok()).toBe(true);
  }
  await signIn(page, desk);
  await expect(page.getByRole('link', { name: 'Open' })).toContainText(`${count}`);
  const seen: string[] = [];
  for (;;) {
    const rows = await page.locator('.cv').allInnerTexts();
    seen.push(...rows.map((row) => /number (\d+)\./.exec(row)?.[1] ?? row));
    const older = page.getByRole('link', { name: 'Older conversations' });
    if (!(await older.isVisible())) break;
    await older.click();
  }
  expect(seen).toEqual(Array.from({ length: count }, (_, n) => `${count - 1 - n}`));
  await desk.end();
});

test('a long thread opens at its end, and older messages are a press away', async ({ page, desk, request }) => {
  const sessionId = `long-${Math.random()}`;
  for (let n = 0; n < 60; n++)
    await request.post(`${desk.api}/v1/chat`, {
      headers: { 'x-api-key': WIDGET_KEY },
      data: { sessionId, message: `long thread, message ${n}.` },
    });
  await signIn(page, desk);
  await page.getByRole('link', { name: /long thread, message 59\./ }).click();
  const thread = page.getByRole('log', { name: 'Messages' });
  const newest = thread.getByText('You asked: long thread, message 59.');
  await expect(newest).toBeInViewport();
  await page.setViewportSize({ width: 1440, height: 500 });
  await expect(newest).toBeInViewport();
  const older = page.getByRole('link', { name: 'Older messages' });
  let pages = 1;
  for (; await older.isVisible(); pages++) {
    const address = await older.getAttribute('href');
    await older.click();
    await expect(page).toHaveURL((url) => url.href.endsWith(address ?? '-'));
    await expect(page.locator(`.older[href="${address}"]`)).toHaveCount(0);
  }
  expect(pages).toBeGreaterThan(1);
  await expect(thread).toContainText('long thread, message 0.');
});

test('what a visitor writes is text, whatever it looks like', async ({ page, desk, request }) => {
  const message = `<script>window.attacked=1</script><img src=x onerror="window.attacked=1"> ${Math.random()}`;
  await request.post(`${desk.api}/v1/chat`, {
    headers: { 'x-api-key': WIDGET_KEY },
    data: { sessionId: `attack-${Math.random()}`, message },
  });
  await signIn(page, desk);
  await page.locator('.cv').first().click();
  await expect(page.getByRole('article', { name: 'Visitor' })).toContainText(message);
  expect(await page.evaluate('window.attacked')).toBeUndefined();
});

test.describe('without JavaScript', () => {
  test.use({ javaScriptEnabled: false });
  test('an operator can sign in, read and sign out', async ({ page, desk, request }) => {
    const message = `No scripts ${Math.random()}`;
    await request.post(`${desk.api}/v1/chat`, {
      headers: { 'x-api-key': WIDGET_KEY },
      data: { sessionId: `plain-${Math.random()}`, message },
    });
    await signIn(page, desk);
    await page.getByRole('link', { name: new RegExp(message) }).click();
    await expect(page.getByRole('log', { name: 'Messages' })).toContainText(message);
    await page.getByRole('button', { name: 'Sign out' }).filter({ visible: true }).click();
    await expect(page).toHaveURL(/\/login/);
  });
});

test.describe('on a phone', () => {
  test.use({ viewport: { width: 390, height: 844 } });
  test('the list and a thread are pages of their own, and nothing is wider than the screen', async ({
    page,
    desk,
    request,
  }) => {
    const message = `From a phone ${Math.random()} ${'long'.repeat(60)}`;
    await request.post(`${desk.api}/v1/chat`, {
      headers: { 'x-api-key': WIDGET_KEY },
      data: { sessionId: `phone-${Math.random()}`, message },
    });
    await signIn(page, desk);
    const fits = () => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
    expect(await fits()).toBe(true);
    await page.locator('.cv').first().click();
    await expect(page.getByRole('log', { name: 'Messages' })).toContainText('From a phone');
    expect(await fits()).toBe(true);
    await page.getByRole('link', { name: 'Back to list' }).click();
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('Conversations');
  });
});
