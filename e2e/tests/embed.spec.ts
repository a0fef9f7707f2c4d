/** What a page can do with the chat: its API, its element, several chats, languages, and tabs that show the same. */

import { createHmac } from 'node:crypto';
import type { Page } from '@playwright/test';
import type { Frontdesk } from '../../widget/src/frontdesk.ts';
import { startDesk, WIDGET_KEY } from '../support/desk.ts';
import { expect, test } from '../support/test.ts';
import { snippet, Widget } from '../support/widget.ts';

/** Notes every event of the chat, from before its script is there. */
const LISTEN = `<script>
  window.heard = [];
  window.Frontdesk = [];
  for (const name of ['ready', 'open', 'close', 'message', 'answer', 'error', 'unread'])
    Frontdesk.push(['on', name, (detail) => heard.push([name, detail])]);
</script>`;

const call = (page: Page, code: string) => page.evaluate(code);
const names = async (page: Page) => ((await page.evaluate('heard')) as [string][]).map(([name]) => name);

test('a page opens, fills, hears and closes the chat through its API, also before the script is there', async ({
  page,
  desk,
  site,
}) => {
  const widget = new Widget(page);
  await widget.visit(site.add({ head: `${LISTEN}<script>Frontdesk.push(['open'])</script>`, body: snippet(desk) }));
  await expect(widget.panel).toBeVisible();
  await call(page, `Frontdesk.send('Do you ship to Norway?')`);
  await expect(widget.answers()).toHaveText('You asked: Do you ship to Norway?');
  await call(page, 'Frontdesk.close()');
  await expect(widget.panel).toBeHidden();
  await call(page, 'Frontdesk.toggle()');
  await expect(widget.panel).toBeVisible();
  await expect.poll(() => names(page)).toEqual(expect.arrayContaining(['ready', 'open', 'message', 'answer', 'close']));
  const heard = (await page.evaluate('heard')) as [string, { text?: string }][];
  expect(heard.find(([name]) => name === 'answer')?.[1].text).toBe('You asked: Do you ship to Norway?');
  await call(page, 'Frontdesk.reset()');
  await expect(widget.questions()).toHaveCount(0);
});

test('an answer that comes while the chat is closed is counted, and is read when it is opened', async ({
  page,
  desk,
  site,
}) => {
  const widget = new Widget(page);
  await widget.visit(site.add({ head: LISTEN, body: snippet(desk) }));
  await widget.open();
  // The answer must not be there before the chat is closed.
  let isClosed = () => {};
  const closed = new Promise<void>((resolve) => {
    isClosed = resolve;
  });
  await page.route('**/chat', async (route) => {
    await closed;
    await route.continue();
  });
  await widget.send('Show me Markdown');
  await call(page, 'Frontdesk.close()');
  isClosed();
  const counts = async () =>
    ((await page.evaluate('heard')) as [string, { count: number }][])
      .filter(([name]) => name === 'unread')
      .map(([, { count }]) => count);
  await expect.poll(counts).toEqual([1]);
  await widget.open();
  await expect.poll(counts).toEqual([1, 0]);
});

test('a chat that is destroyed leaves the page as it was', async ({ page, desk, site }) => {
  const widget = new Widget(page);
  const url = site.add({ body: snippet(desk) });
  await widget.visit(url);
  await widget.open();
  await widget.ask('Hello');
  await widget.send('Please answer slowly');
  await expect(widget.answers().last()).toContainText('word3');
  const requests: string[] = [];
  await call(page, 'Frontdesk.destroy()');
  page.on('request', (request) => requests.push(request.url()));
  await expect(page.locator('[data-frontdesk]')).toHaveCount(0);
  await page.evaluate(() => {
    for (const name of ['online', 'offline']) dispatchEvent(new Event(name));
    document.dispatchEvent(new Event('visibilitychange'));
  });
  await page.waitForTimeout(1000);
  expect(requests).toEqual([]);
});

test('<frontdesk-chat> fills the place that it has, and goes with its element', async ({ page, desk, site }) => {
  const widget = new Widget(page);
  await widget.look();
  const attributes = `data-api-url="${desk.api}/chat" data-api-key="${WIDGET_KEY}" data-title="Help"`;
  await page.goto(
    site.add({
      body: `<style>frontdesk-chat { display: block; width: 420px; height: 500px }</style>
      <frontdesk-chat ${attributes}></frontdesk-chat>
      <script src="${desk.api}/widget/chat-widget.js" data-manual="true"></script>`,
    }),
  );
  const panel = page.getByRole('group', { name: 'Help' });
  await expect(panel).toBeVisible();
  const [inside, around] = [await panel.boundingBox(), await page.locator('frontdesk-chat').boundingBox()];
  expect(inside).toEqual(around);
  await expect(widget.launcher).toHaveCount(0);
  await widget.ask('Are you in the page?');
  await expect(widget.answers()).toHaveText('You asked: Are you in the page?');
  expect(await page.evaluate('scrollY')).toBe(0);
  await page.evaluate(() => document.querySelector('frontdesk-chat')?.remove());
  await expect(page.locator('[data-frontdesk]')).toHaveCount(0);
});

test('several chats stand on one page, each with a site, a place and a conversation of its own', async ({
  page,
  model,
  site,
}) => {
  const desk = await startDesk({
    OPENAI_BASE_URL: model,
    CORS_ORIGIN: site.url,
    WIDGET_API_KEY: `${WIDGET_KEY},another-key-of-the-tests-2`,
  });
  const widget = new Widget(page);
  await widget.visit(
    site.add({
      body: `<div id="sales" style="height: 460px"></div>${snippet(desk, 'data-title="Support"')}
      <script src="${desk.api}/widget/chat-widget.js" data-api-url="${desk.api}/chat" data-api-key="another-key-of-the-tests-2" data-title="Sales" data-target="#sales" defer></script>`,
    }),
  );
  const sales = page.getByRole('group', { name: 'Sales' });
  await sales.getByRole('textbox').fill('What does it cost?');
  await sales.getByRole('button', { name: 'Send message' }).click();
  await expect(sales.getByRole('log')).toContainText('You asked: What does it cost?');
  await widget.open();
  const support = page.getByRole('dialog', { name: 'Support' });
  await expect(support.getByRole('log')).not.toContainText('What does it cost?');
  await support.getByRole('textbox').fill('It does not start');
  await support.getByRole('button', { name: 'Send message' }).click();
  await expect(support.getByRole('log')).toContainText('You asked: It does not start');
  await expect(sales.getByRole('log')).not.toContainText('It does not start');
  await desk.end();
});

test('the chat speaks the language of the page, and the page may put words of its own in their place', async ({
  page,
  desk,
  site,
}) => {
  const widget = new Widget(page);
  const words = `data-words='{"finePrint":"Antworten ohne Gewähr.","nonsense":1}'`;
  await widget.visit(site.add({ html: 'lang="de-AT"', body: snippet(desk, words) }));
  await widget.launcher.click();
  await expect(page.getByRole('textbox', { name: 'Ihre Nachricht' })).toBeVisible();
  await expect(widget.panel).toContainText('Antworten ohne Gewähr.');
  await expect(widget.panel).toContainText('Hallo. Wie können wir helfen?');
  await expect(page.locator('section.chat')).toHaveAttribute('lang', 'de-AT');
});

test('Arabic is read from right to left, on any page', async ({ page, desk, site }) => {
  const widget = new Widget(page);
  await widget.visit(site.add({ body: snippet(desk, 'data-locale="ar"') }));
  expect((await widget.launcher.boundingBox())?.x).toBeLessThan(60);
  await widget.launcher.click();
  await expect(widget.panel).toContainText('كيف يمكننا مساعدتك');
  await expect(widget.panel).toHaveCSS('direction', 'rtl');
});

test('before the first open there is one request, whatever the language', async ({ page, desk, site }) => {
  const asked: string[] = [];
  page.on('request', (request) => request.url().startsWith(desk.api) && asked.push(new URL(request.url()).pathname));
  const widget = new Widget(page);
  await widget.visit(site.add({ html: 'lang="fr"', body: snippet(desk) }));
  await page.waitForTimeout(300);
  expect(asked).toEqual(['/widget/chat-widget.js']);
  await widget.launcher.click();
  await expect.poll(() => asked).toContain('/widget/locales/fr.json');
  await widget.launcher.click();
  await widget.launcher.click();
  expect(asked.filter((path) => path.includes('locales'))).toHaveLength(1);
});

test('what is said in one tab stands in the other as it is said', async ({ page, context, desk, site }) => {
  const url = site.add({ body: snippet(desk) });
  const one = new Widget(page);
  await one.visit(url);
  await one.open();
  await one.ask('First');
  const other = new Widget(await context.newPage());
  await other.visit(url);
  await other.open();
  await expect(other.answers()).toHaveText(['You asked: First']);
  await one.ask('Second');
  await expect(other.answers()).toHaveText(['You asked: First', 'You asked: Second']);
  await other.ask('Third');
  const all = ['First', 'Second', 'Third'];
  for (const { questions, log } of [one, other].map((widget) => ({ questions: widget.questions(), log: widget.log }))) {
    await expect(questions).toHaveText(all);
    await expect(log.locator('.md')).toHaveText(all.map((text) => `You asked: ${text}`));
  }
  await other.page.evaluate('Frontdesk.reset()');
  await expect(one.questions()).toHaveCount(0);
});

test('a visitor of two browsers sees an answer grow in both, and it is one answer', async ({
  page,
  browser,
  desk,
  site,
}) => {
  const url = site.add({ body: snippet(desk) });
  const one = new Widget(page);
  await one.visit(url);
  await one.open();
  await one.ask('Hello');
  const storageState = await page.context().storageState();
  const context = await browser.newContext({ storageState });
  const other = new Widget(await context.newPage());
  await other.visit(url);
  await other.open();
  await expect(other.answers()).toHaveCount(1);
  await one.send('Please answer slowly');
  await expect(other.answers().last()).toContainText('word9');
  await context.setOffline(true);
  await expect(one.answers().last()).toContainText('word60', { timeout: 15_000 });
  await context.setOffline(false);
  await expect(other.answers().last()).toContainText('word80', { timeout: 15_000 });
  const text = await other.answers().last().innerText();
  for (const word of ['word7', 'word30', 'word55']) expect(text.match(new RegExp(`${word}\\b`, 'g'))).toHaveLength(1);
  await other.stop.click();
  await expect(one.log).toContainText('You stopped this answer');
  await context.close();
});

test('without consent nothing is stored, and with it the conversation outlives the page', async ({
  page,
  desk,
  site,
}) => {
  const url = site.add({ body: snippet(desk, 'data-consent="required"') });
  const widget = new Widget(page);
  await widget.visit(url);
  await widget.open();
  await widget.ask('Keep this?');
  const stored = () => page.evaluate(() => localStorage.length + sessionStorage.length);
  expect(await stored()).toBe(0);
  await call(page, 'Frontdesk.consent(true)');
  expect(await stored()).toBe(2);
  await page.reload();
  await widget.launcher.click();
  await expect(widget.questions()).toHaveCount(0);
  await call(page, 'Frontdesk.consent(true)');
  await expect(widget.questions()).toHaveText(['Keep this?']);
  await call(page, 'Frontdesk.consent(false)');
  expect(await stored()).toBe(0);
});

test('the page dresses the chat with custom properties', async ({ page, desk, site }) => {
  const style =
    '<style>body { --frontdesk-inset: 40px; --frontdesk-width: 360px; --frontdesk-radius: 4px; --frontdesk-font: monospace }</style>';
  const widget = new Widget(page);
  await widget.visit(site.add({ head: style, body: snippet(desk) }));
  await widget.open();
  await expect(widget.panel).toHaveCSS('border-radius', '4px');
  await expect(widget.panel).toHaveCSS('width', '360px');
  await expect(widget.field).toHaveCSS('font-family', /^monospace/);
  const box = await widget.launcher.boundingBox();
  expect(Math.round(1440 - (box?.x ?? 0) - (box?.width ?? 0))).toBe(40);
});

/** What a site's server makes for a visitor who has signed in there. */
function vouch(secret: string, claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const head = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`;
  return `${head}.${createHmac('sha256', secret).update(head).digest('base64url')}`;
}

test('whom the site vouches for is known to its team, and a token that is over can be replaced', async ({
  page,
  model,
  site,
  request,
}) => {
  const secret = 'an-identity-secret-of-the-tests-1';
  const admin = 'an-admin-key-that-is-long-enough';
  const desk = await startDesk({
    OPENAI_BASE_URL: model,
    CORS_ORIGIN: site.url,
    IDENTITY_SECRET: secret,
    ADMIN_API_KEY: admin,
  });
  const now = Math.floor(Date.now() / 1000);
  const visitor = { sub: 'customer-7', name: 'Ada' };
  const widget = new Widget(page);
  await widget.visit(site.add({ head: LISTEN, body: snippet(desk) }));
  await page.evaluate(
    (token) => (window as never as { Frontdesk: Frontdesk }).Frontdesk.identify({ token }),
    vouch(secret, { ...visitor, exp: now - 3600 }),
  );
  await widget.open();
  await widget.send('Who am I?');
  await expect(widget.log).toContainText('Not sent.');
  const heard = (await page.evaluate('heard')) as [string, { code?: string }][];
  expect(heard.find(([name]) => name === 'error')?.[1].code).toBe('expired_identity_token');
  await page.evaluate(
    (token) => (window as never as { Frontdesk: Frontdesk }).Frontdesk.identify({ token }),
    vouch(secret, { ...visitor, exp: now + 3600 }),
  );
  await widget.log.getByRole('button', { name: 'Try again' }).click();
  await expect(widget.answers()).toHaveText('You asked: Who am I?');
  expect(await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }))).not.toContain('eyJ');
  const headers = { 'x-admin-api-key': admin };
  const list = await (await request.get(`${desk.api}/v1/admin/conversations`, { headers })).json();
  const one = await request.get(`${desk.api}/v1/admin/conversations/${list.conversations[0]._id}`, { headers });
  expect((await one.json()).conversation.visitor).toMatchObject({ id: 'customer-7', name: 'Ada' });
  await desk.end();
});

test('what the owner sets on the server is shown on the page', async ({ page, model, site, request }) => {
  const admin = 'an-admin-key-that-is-long-enough';
  const desk = await startDesk({ OPENAI_BASE_URL: model, CORS_ORIGIN: site.url, ADMIN_API_KEY: admin });
  const set = await request.put(`${desk.api}/v1/admin/widget-config`, {
    headers: { 'x-admin-api-key': admin },
    data: {
      title: 'Wren',
      welcome: 'Good day!',
      placeholder: 'Ask Wren',
      accentColor: '#0f766e',
      suggestions: ['Where is my parcel?'],
      finePrint: 'Wren can be wrong.',
      privacyText: 'We keep this for 30 days.',
      privacyUrl: 'https://example.com/privacy',
    },
  });
  expect(set.status()).toBe(200);
  const widget = new Widget(page);
  await widget.visit(site.add({ head: LISTEN, body: snippet(desk, 'data-input-placeholder="Ask us"') }));
  await widget.open();
  await expect(widget.panel).toHaveAccessibleName('Wren');
  await expect(widget.panel).toContainText('Good day!');
  await expect(widget.field).toHaveAttribute('placeholder', 'Ask us');
  await expect(widget.panel).toContainText('Wren can be wrong.');
  await expect(widget.panel).toContainText('We keep this for 30 days.');
  const policy = widget.panel.getByRole('link', { name: 'Privacy policy' });
  await expect(policy).toHaveAttribute('href', 'https://example.com/privacy');
  await widget.panel.getByRole('button', { name: 'Where is my parcel?' }).click();
  await expect(widget.answers()).toHaveText('You asked: Where is my parcel?');
  await expect.poll(() => names(page)).toEqual(expect.arrayContaining(['message', 'answer']));
  await desk.end();
});
