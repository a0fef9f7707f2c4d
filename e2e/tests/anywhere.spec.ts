/** Pages that forbid, lack or block what a widget could wish for. */

import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Frame, Page } from '@playwright/test';
import { type Desk, startDesk } from '../support/desk.ts';
import { test as base, expect } from '../support/test.ts';
import { snippet, Widget } from '../support/widget.ts';

/** A program that any page may use, also one that has no origin. */
const test = base.extend<object, { openDesk: Desk }>({
  openDesk: [
    async ({ model }, use) => {
      const desk = await startDesk({ OPENAI_BASE_URL: model, CORS_ORIGIN: '*' });
      await use(desk);
      await desk.end();
    },
    { scope: 'worker' },
  ],
});

/** What is written in red in the console. */
function complaints(page: Page): string[] {
  const found: string[] = [];
  page.on('console', (message) => message.type() === 'error' && found.push(message.text()));
  page.on('pageerror', (error) => found.push(`${error}`));
  return found;
}

/** Asks and gets an answer. */
async function chat(place: Page | Frame): Promise<void> {
  await place.locator('.launcher').click();
  await place.getByRole('textbox', { name: 'Your message' }).fill('Do you work here?');
  await place.locator('.send').click();
  await expect(place.getByRole('log')).toContainText('You asked: Do you work here?');
}

test('under a strict policy with Trusted Types, other languages need no more than connect-src', async ({
  page,
  desk,
  site,
}) => {
  const found = complaints(page);
  const host = new URL(desk.api).origin;
  const policy = `default-src 'none'; script-src ${host}; connect-src ${host}; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'`;
  const widget = new Widget(page);
  await widget.visit(site.add({ policy, html: 'lang="he"', body: snippet(desk) }));
  await widget.launcher.click();
  await expect(widget.panel).toContainText('איך אפשר לעזור');
  expect(found.filter((text) => /polic|trusted/i.test(text))).toEqual([]);
});

test('on a page that isolates itself', async ({ page, desk, site }) => {
  const headers = {
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-embedder-policy': 'require-corp',
  };
  const widget = new Widget(page);
  await widget.visit(site.add({ headers, body: snippet(desk) }));
  expect(await page.evaluate('crossOriginIsolated')).toBe(true);
  await chat(page);
});

test('pinned by its integrity under the address that never changes', async ({ page, desk, site, request }) => {
  const reply = await request.get(`${desk.api}/widget/chat-widget.js`);
  const hash = reply.headers().etag?.replaceAll('"', '');
  const integrity = `sha384-${createHash('sha384')
    .update(await reply.body())
    .digest('base64')}`;
  const pinned = (value: string) =>
    site.add({
      body: snippet(desk, `integrity="${value}" crossorigin="anonymous"`).replace(
        'chat-widget.js',
        `chat-widget.${hash}.js`,
      ),
    });
  const widget = new Widget(page);
  await widget.visit(pinned(integrity));
  await chat(page);
  await page.goto(pinned(integrity.replace(/.{8}$/, 'AAAAAAAA')));
  await page.waitForTimeout(300);
  await expect(widget.launcher).toHaveCount(0);
});

test('on a page from a file', async ({ page, openDesk }) => {
  const folder = await mkdtemp(join(tmpdir(), 'frontdesk-file-'));
  const file = join(folder, 'page.html');
  await writeFile(file, `<!doctype html><html lang="en"><title>A file</title><body>${snippet(openDesk)}</body></html>`);
  const widget = new Widget(page);
  await widget.visit(pathToFileURL(file).href);
  await chat(page);
  await rm(folder, { recursive: true });
});

test('in a sandboxed frame, which has no origin and no storage', async ({ page, openDesk, site }) => {
  const inside = site.add({ body: snippet(openDesk) });
  await new Widget(page).look();
  await page.goto(
    site.add({
      body: `<iframe sandbox="allow-scripts" src="${inside}" style="width:800px;height:700px" title="Chat"></iframe>`,
    }),
  );
  const frame = page.frame({ url: inside }) as Frame;
  await chat(frame);
  expect(await frame.evaluate('origin')).toBe('null');
});

const LACKING: [name: string, script: () => void][] = [
  [
    'where storage is blocked',
    () => {
      for (const name of ['localStorage', 'sessionStorage'])
        Object.defineProperty(window, name, {
          get() {
            throw new DOMException('blocked', 'SecurityError');
          },
        });
    },
  ],
  ['in a browser without crypto.randomUUID', () => Reflect.deleteProperty(Crypto.prototype, 'randomUUID')],
  [
    'in a browser whose tabs cannot talk',
    () => {
      for (const name of ['BroadcastChannel', 'Worker', 'SharedWorker']) Reflect.deleteProperty(window, name);
      Reflect.deleteProperty(Navigator.prototype, 'locks');
    },
  ],
  [
    'in a browser without constructable style sheets',
    () => {
      window.CSSStyleSheet = undefined as never;
    },
  ],
];

for (const [name, script] of LACKING) {
  test(name, async ({ page, desk, site }) => {
    const found = complaints(page);
    await page.addInitScript(script);
    const widget = new Widget(page);
    await widget.visit(site.add({ body: snippet(desk) }));
    await chat(page);
    await expect(widget.panel).toHaveCSS('border-radius', '20px');
    expect(found.filter((text) => !text.includes('404'))).toEqual([]);
  });
}

test('where the settings and the languages are blocked, the chat is as the page asks for', async ({
  page,
  desk,
  site,
}) => {
  for (const path of ['**/v1/widget/config', '**/widget/locales/*'])
    await page.route(path, (route) => route.abort('blockedbyclient'));
  const widget = new Widget(page);
  await widget.visit(
    site.add({ html: 'lang="fr"', body: snippet(desk, 'data-title="Aide" data-accent-color="#0ea5e9"') }),
  );
  await chat(page);
  await expect(widget.panel).toHaveAccessibleName('Aide');
  await expect(widget.launcher).toHaveCSS('background-color', 'rgb(14, 165, 233)');
  await expect(widget.panel).not.toContainText('offline');
  // What has no words is said by its name, in English, and asked for again when the chat is opened again.
  await expect(page.locator('section.chat')).toHaveAttribute('lang', 'en');
  await expect(widget.panel.getByRole('button', { name: 'New conversation' })).toBeVisible();
  await expect(widget.panel).not.toContainText('undefined');
  await page.unrouteAll();
  await widget.launcher.click();
  await expect(widget.panel).toBeHidden();
  await widget.launcher.click();
  await expect(page.getByRole('textbox', { name: 'Votre message' })).toBeVisible();
  await expect(page.locator('section.chat')).toHaveAttribute('lang', 'fr');
});

test('who opens the chat without a connection is given its words when there is one', async ({
  page,
  context,
  desk,
  site,
}) => {
  const widget = new Widget(page);
  await widget.visit(site.add({ body: snippet(desk) }));
  await context.setOffline(true);
  await widget.launcher.click();
  await expect(widget.panel).toContainText('AI assistant');
  await expect(widget.field).toHaveAttribute('placeholder', 'Ask question');
  await widget.send('Are you there?');
  await expect(widget.questions()).toHaveText(['Are you there?']);
  await expect(widget.panel).not.toContainText(/undefined|[{}]/);
  await context.setOffline(false);
  await expect(widget.answers()).toHaveText('You asked: Are you there?', { timeout: 15_000 });
  await expect(widget.field).toHaveAttribute('placeholder', 'Ask a follow-up');
  await expect(widget.panel).toContainText('Answers come from AI and can be wrong.');
});

test('words that are late keep the place of the greeting, not the panel', async ({ page, desk, site }) => {
  let letPass = () => {};
  const late = new Promise<void>((resolve) => {
    letPass = resolve;
  });
  await page.route('**/widget/locales/*', (route) => late.then(() => route.continue()));
  const widget = new Widget(page);
  await widget.visit(site.add({ body: snippet(desk) }));
  await widget.launcher.click();
  await expect(widget.panel).toHaveCSS('opacity', '1');
  await expect(widget.log.getByRole('img', { name: 'Loading' })).toBeVisible();
  await expect(widget.field).toBeEditable();
  letPass();
  await expect(widget.panel).toContainText('Hello. How can we help?');
  await expect(widget.log.getByRole('img', { name: 'Loading' })).toHaveCount(0);
});

test('what the site’s owner has set is shown, and what the page says goes before it', async ({ page, desk, site }) => {
  await page.route('**/v1/widget/config', (route) =>
    route.fulfill({
      json: {
        title: 'Wren',
        welcome: 'Moin!',
        placeholder: 'Sag was',
        accentColor: '#0f766e',
        position: 'left',
        locale: 'de',
      },
      headers: { 'access-control-allow-origin': '*' },
    }),
  );
  const widget = new Widget(page);
  await widget.visit(site.add({ body: snippet(desk, 'data-title="Support" data-position="right"') }));
  await widget.launcher.click();
  await expect(widget.panel).toContainText('Moin!');
  await expect(widget.panel).toHaveAccessibleName('Support');
  await expect(page.getByRole('textbox', { name: 'Ihre Nachricht' })).toHaveAttribute('placeholder', 'Sag was');
  await page.mouse.move(400, 400);
  await expect(widget.launcher).toHaveCSS('background-color', 'rgb(15, 118, 110)');
  expect((await widget.launcher.boundingBox())?.x).toBeGreaterThan(1000);
});
