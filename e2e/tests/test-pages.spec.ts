/** The pages for trying things out, and the snippet exactly as the origin's documentation printed it. */

import { chromium } from '@playwright/test';
import { launchOptions } from '../playwright.config.ts';
import { startDesk } from '../support/desk.ts';
import { startSite } from '../support/site.ts';
import { expect, test } from '../support/test.ts';
import { Widget } from '../support/widget.ts';

const ORIGINS_SNIPPET = `<script
  src="http://localhost:4000/widget/chat-widget.js"
  data-api-url="http://localhost:4000/chat"
  data-api-key="change-me-widget-key"
  data-title="Support"
  data-welcome-message="Hey! How can I help?"
  data-input-placeholder="Type your question..."
  data-position="right"
  data-accent-color="#0ea5e9"
  defer
></script>`;

test('the snippet as the origin printed it works unchanged', async ({ model }) => {
  const desk = await startDesk({ OPENAI_BASE_URL: model, WIDGET_API_KEY: 'change-me-widget-key' });
  const site = await startSite();
  // The snippet names port 4000, which another program may hold; so the browser is told where that is.
  const browser = await chromium.launch({
    ...launchOptions,
    args: [...launchOptions.args, `--host-resolver-rules=MAP localhost:4000 ${new URL(desk.api).host}`],
  });
  const widget = new Widget(await browser.newPage());
  await widget.visit(site.add({ body: ORIGINS_SNIPPET }));
  await widget.open();
  await expect(widget.panel).toHaveAccessibleName('Support');
  await expect(widget.panel).toContainText('Hey! How can I help?');
  await widget.ask('Does it still work?');
  await expect(widget.answers()).toHaveText('You asked: Does it still work?');
  await browser.close();
  await site.end();
  await desk.end();
});

test('the widget test page has a working chat', async ({ operator, desk }) => {
  await operator.goto('about:blank');
  const widget = new Widget(operator);
  await widget.visit(`${desk.dashboard}/widget-test.html`);
  await widget.open();
  await widget.ask('From the test page');
  await expect(widget.answers()).toHaveText('You asked: From the test page');
});

for (const mode of ['stream', 'json']) {
  test(`the headless test page works in its mode ${mode}`, async ({ operator, desk }) => {
    await operator.goto(`${desk.dashboard}/headless-test.html`);
    await operator.getByLabel('Mode').selectOption(mode);
    await operator.getByLabel('Session').fill(`headless-${mode}-${Math.random()}`);
    await operator.getByLabel('Message').fill('Hello there');
    await operator.getByRole('button', { name: 'Send' }).click();
    await expect(operator.getByRole('log')).toContainText('You asked: Hello there');
  });
}

test('in production there are no test pages', async ({ model, request }) => {
  const desk = await startDesk({
    OPENAI_BASE_URL: model,
    FRONTDESK_ENV: 'production',
    ADMIN_API_KEY: 'an-admin-key-that-is-long-enough',
    CORS_ORIGIN: 'https://shop.example',
  });
  for (const path of ['/widget-test.html', '/headless-test.html']) {
    const reply = await request.get(desk.dashboard + path, { maxRedirects: 0 });
    expect(reply.status()).toBe(404);
  }
  await desk.end();
});
