/** Every page of docs/examples, as whoever copies from it would see it. */

import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from '@playwright/test';
import { launchOptions } from '../playwright.config.ts';
import { startDesk } from '../support/desk.ts';
import { startExamples } from '../support/examples.ts';
import { test as base, expect } from '../support/test.ts';
import { Widget } from '../support/widget.ts';

interface Shown {
  url: string;
  browser: Browser;
}

/** The examples name port 4000, which another program may hold; so the browser is told where that is. */
const test = base.extend<object, { shown: Shown }>({
  shown: [
    async ({ model }, use) => {
      const examples = await startExamples();
      const desk = await startDesk({
        OPENAI_BASE_URL: model,
        WIDGET_API_KEY: 'change-me-widget-key,another-widget-key',
        CORS_ORIGIN: examples.url,
      });
      const browser = await chromium.launch({
        ...launchOptions,
        args: [...launchOptions.args, `--host-resolver-rules=MAP localhost:4000 ${new URL(desk.api).host}`],
      });
      await use({ url: examples.url, browser });
      await browser.close();
      await desk.end();
      await examples.end();
    },
    { scope: 'worker' },
  ],
});

/** What shows that an example does what it is there for, beyond that its chat answers. */
const SHOWS: Record<string, (page: Page) => Promise<void>> = {
  'corner.html': async () => {},
  'inline.html': async (page) => expect(page.locator('#help > [data-frontdesk]')).toBeVisible(),
  'element.html': async (page) => expect(page.locator('frontdesk-chat > [data-frontdesk]')).toBeVisible(),
  'several.html': async (page) => {
    await expect(page.getByRole('group', { name: 'Sales' })).toBeVisible();
    await page.locator('.launcher').click();
    await expect(page.getByRole('dialog', { name: 'Support' })).toBeVisible();
  },
  'api.html': async (page) => {
    await page.getByRole('button', { name: 'Ask what it can do' }).click();
    await expect(page.locator('#events')).toContainText('answer {"id":');
    await expect(page.locator('#events')).toContainText('You asked: What can you do?');
    await page.getByRole('button', { name: 'Take it away' }).click();
    await expect(page.locator('[data-frontdesk]')).toHaveCount(0);
  },
  'words.html': async (page) => {
    await expect(page.getByRole('dialog', { name: 'Hilfe' })).toContainText('Antworten ohne Gewähr.');
  },
  'consent.html': async (page) => {
    expect(await page.evaluate('localStorage.length + sessionStorage.length')).toBe(0);
    await page.getByRole('button', { name: 'Keep my conversation' }).click();
    expect(await page.evaluate('localStorage.length')).toBe(1);
  },
  'react/index.html': async (page) => expect(page.locator('#app')).toContainText('1 answers so far'),
  'vue/index.html': async (page) => expect(page.locator('#app')).toContainText('1 answers so far'),
};

for (const [name, shows] of Object.entries(SHOWS)) {
  test(`${name} has a chat that answers`, async ({ shown }) => {
    const page = await shown.browser.newPage();
    await new Widget(page).look();
    await page.goto(`${shown.url}/${name}`);
    const panel = page.locator('.panel').first();
    const launcher = page.locator('.launcher');
    await page.locator('.launcher, .panel').first().waitFor();
    if (!(await panel.isVisible())) await launcher.click();
    await panel.locator('textarea').first().fill('Is this an example?');
    await panel.locator('.send').click();
    await expect(panel.getByRole('log')).toContainText('You asked: Is this an example?');
    await shows(page);
    await page.close();
  });
}

test('no example is left out', () => {
  const folder = fileURLToPath(new URL('../../docs/examples', import.meta.url));
  const pages = readdirSync(folder, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.html'));
  expect(Object.keys(SHOWS).sort()).toEqual(pages.sort());
});
