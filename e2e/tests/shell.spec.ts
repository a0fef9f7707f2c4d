/** What is around every page of the dashboard: the rail, the keyboard, dialogs, and how little room it needs. */

import type { Page } from '@playwright/test';
import { findings, LOOKS } from '../support/accessibility.ts';
import { WIDGET_KEY } from '../support/desk.ts';
import { expect, signIn, test } from '../support/test.ts';

const shortcuts = (page: Page) => page.getByRole('dialog', { name: 'Keyboard shortcuts' });

test('a question mark shows the shortcuts, and Escape gives the focus back', async ({ operator }) => {
  const link = operator.getByRole('link', { name: 'Shortcuts' }).filter({ visible: true });
  await link.focus();
  await operator.keyboard.press('?');
  await expect(shortcuts(operator)).toBeVisible();
  await operator.keyboard.press('Escape');
  await expect(shortcuts(operator)).toBeHidden();
  await expect(link).toBeFocused();
});

test('single keys do nothing in a field, and can be turned off for good', async ({ operator, desk, request }) => {
  await request.post(`${desk.api}/v1/chat`, {
    headers: { 'x-api-key': WIDGET_KEY },
    data: { sessionId: `keys-${Math.random()}`, message: 'Where are the keys?' },
  });
  await operator.reload();
  await operator.keyboard.press('/');
  const search = operator.getByRole('searchbox', { name: 'Search conversations' });
  await expect(search).toBeFocused();
  await operator.keyboard.type('keys?');
  await expect(search).toHaveValue('keys?');
  await expect(operator.getByRole('link', { name: /Where are the/ }).first()).toBeVisible();
  await search.blur();
  await operator.keyboard.press('j');
  await expect(operator.locator('.cv').first()).toBeFocused();
  await operator.keyboard.press('Enter');
  await expect(operator).toHaveURL(/\/conversations\//);
  await expect(operator.locator('.thread h1')).toBeFocused();
  await operator.keyboard.press('g');
  await operator.keyboard.press('c');
  await expect(operator).toHaveURL(`${desk.dashboard}/`);

  await operator.keyboard.press('?');
  await shortcuts(operator).getByRole('switch', { name: 'Single-key shortcuts' }).uncheck();
  await operator.keyboard.press('Escape');
  await operator.reload();
  await operator.keyboard.press('?');
  await operator.keyboard.press('/');
  await expect(shortcuts(operator)).toBeHidden();
  await expect(search).not.toBeFocused();
});

test('the first Tab skips to the content', async ({ operator }) => {
  await expect(operator.getByRole('heading', { level: 1 })).toHaveText('Conversations');
  await operator.keyboard.press('Tab');
  const skip = operator.getByRole('link', { name: 'Skip to content' });
  await expect(skip).toBeFocused();
  await operator.keyboard.press('Enter');
  await expect(operator.locator('#main')).toBeFocused();
});

test('going about the inbox loads no whole pages, and the browser’s own buttons work', async ({
  operator,
  desk,
  request,
}) => {
  for (const name of ['one', 'two'])
    await request.post(`${desk.api}/v1/chat`, {
      headers: { 'x-api-key': WIDGET_KEY },
      data: { sessionId: `about-${name}-${Math.random()}`, message: `About ${name}` },
    });
  await operator.goto(desk.dashboard);
  await operator.evaluate(() => {
    document.body.dataset.loaded = 'once';
  });
  const thread = operator.getByRole('log', { name: 'Messages' });
  for (const name of ['one', 'two']) {
    await operator
      .getByRole('link', { name: new RegExp(`About ${name}`) })
      .first()
      .click();
    await expect(thread).toContainText(`You asked: About ${name}`);
  }
  await operator.goBack();
  await expect(thread).toContainText('You asked: About one');
  await operator.goBack();
  await expect(operator.getByText('Pick a conversation')).toBeVisible();
  await operator.goForward();
  await expect(thread).toContainText('You asked: About one');
  await expect(operator.locator('body[data-loaded=once]')).toHaveCount(1);
});

test.describe('without JavaScript', () => {
  test.use({ javaScriptEnabled: false });
  test('the shortcuts are a page', async ({ page, desk }) => {
    await signIn(page, desk);
    await page.getByRole('link', { name: 'Shortcuts' }).filter({ visible: true }).click();
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('Keyboard shortcuts');
    await page.getByRole('link', { name: 'Close' }).click();
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('Conversations');
  });
});

for (const { name, ...look } of LOOKS) {
  test.describe(name, () => {
    test.use(look);
    test('the frame is accessible, and nothing is wider than the screen', async ({ page, desk }) => {
      await signIn(page, desk);
      expect(await findings(page)).toEqual([]);
      await page.goto(`${desk.dashboard}/shortcuts`);
      expect(await findings(page)).toEqual([]);
      for (const width of look.viewport.width < 760 ? [360, 480, 760] : [761, 900, 1100, 1240, 1440]) {
        await page.setViewportSize({ width, height: 800 });
        expect(await page.evaluate(() => document.documentElement.scrollWidth), `${width} px`).toBeLessThanOrEqual(
          width,
        );
      }
    });
  });
}
