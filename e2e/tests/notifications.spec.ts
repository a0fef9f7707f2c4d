/** How an operator hears of a visitor who asks for a person: the title, a sound, a notification of the desktop. */

import { randomBytes } from 'node:crypto';
import type { APIRequestContext, Page } from '@playwright/test';
import { type Desk, startDesk, WIDGET_KEY } from '../support/desk.ts';
import { expect, signIn, test } from '../support/test.ts';

interface Heard {
  /** How many tones were begun; a sound has two. */
  tones: number;
  notices: Notification[];
}

/** Runs in the page: counts what it really sounds and shows, and lets a test hide it. */
function listen(): void {
  const heard: Heard = { tones: 0, notices: [] };
  const { start } = OscillatorNode.prototype;
  OscillatorNode.prototype.start = function (...when) {
    heard.tones += 1;
    return start.apply(this, when);
  };
  const Real = Notification;
  class Counted extends Real {
    constructor(title: string, options?: NotificationOptions) {
      super(title, options);
      heard.notices.push(this);
    }
  }
  const hide = (isHidden: boolean) => {
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => isHidden });
    document.dispatchEvent(new Event('visibilitychange'));
  };
  Object.assign(window, { Notification: Counted, heard, hide });
}

const hide = (page: Page, isHidden = true) =>
  page.evaluate((is) => (window as unknown as { hide(is: boolean): void }).hide(is), isHidden);

/** What all pages sounded and showed. */
async function heard(...pages: Page[]) {
  const each = await Promise.all(
    pages.map((page) =>
      page.evaluate(() => {
        const { tones, notices } = (window as unknown as { heard: Heard }).heard;
        return { tones, notices: notices.map(({ title }) => title) };
      }),
    ),
  );
  return { tones: each.reduce((sum, { tones }) => sum + tones, 0), notices: each.flatMap(({ notices }) => notices) };
}

/** A visitor who asks for a person: their session. */
async function ask(request: APIRequestContext, desk: Desk): Promise<string> {
  const session = `asks-${Math.random()}`;
  const reply = await request.post(`${desk.api}/v1/sessions/${session}/handoff`, {
    headers: { 'x-api-key': WIDGET_KEY, 'x-session-secret': randomBytes(32).toString('base64url') },
    data: {},
  });
  expect(reply.ok()).toBe(true);
  return session;
}

/** An operator's tab that has been touched, as browsers want it before a page may sound. */
async function tab(page: Page, desk: Desk): Promise<Page> {
  await page.addInitScript(listen);
  await signIn(page, desk, undefined, 'Maya');
  await page.waitForURL(`${desk.dashboard}/`);
  await expect(page.getByText('Live', { exact: true })).toBeVisible();
  await page.getByRole('heading', { level: 1 }).click();
  return page;
}

test('with two tabs that nobody looks at, one sound and one notice say it, and the notice leads there', async ({
  context,
  page,
  model,
  request,
}) => {
  const desk = await startDesk({ OPENAI_BASE_URL: model });
  await context.grantPermissions(['notifications'], { origin: desk.dashboard });
  const [first, second] = [await tab(page, desk), await tab(await context.newPage(), desk)];
  for (const page of [first, second]) await hide(page);
  const session = await ask(request, desk);
  for (const page of [first, second]) await expect(page).toHaveTitle(/^\(1\) /);
  await expect
    .poll(async () => (await heard(first, second)).notices)
    .toEqual([expect.stringMatching(/needs a person$/)]);
  await ask(request, desk);
  for (const page of [first, second]) await expect(page).toHaveTitle(/^\(2\) /);
  await expect.poll(async () => (await heard(first, second)).notices.length).toBe(2);
  await expect.poll(async () => (await heard(first, second)).tones, 'two tones each').toBe(4);

  const told = (await heard(first)).notices.length > 0 ? first : second;
  await told.evaluate(() => {
    const { notices } = (window as unknown as { heard: Heard }).heard;
    notices[0]?.dispatchEvent(new Event('click'));
  });
  await expect(told).toHaveURL(/\/conversations\//);
  await expect(told.locator('.side')).toContainText(/asks-/);
  expect(session).toContain('asks-');
  await desk.end();
});

test('who looks at the inbox gets the sound and no notice, in whichever tab', async ({
  context,
  page,
  model,
  request,
}) => {
  const desk = await startDesk({ OPENAI_BASE_URL: model });
  await context.grantPermissions(['notifications'], { origin: desk.dashboard });
  const [looked, hidden] = [await tab(page, desk), await tab(await context.newPage(), desk)];
  await hide(hidden);
  await ask(request, desk);
  for (const page of [looked, hidden]) await expect(page).toHaveTitle(/^\(1\) /);
  await expect.poll(async () => (await heard(looked, hidden)).tones).toBe(2);
  await hide(looked);
  await ask(request, desk);
  // What is shown for the second would come after what was shown for the first.
  await expect.poll(async () => (await heard(looked, hidden)).notices.length).toBe(1);
  await expect.poll(async () => (await heard(looked, hidden)).tones).toBe(4);
  await desk.end();
});

test('what is switched off stays off', async ({ context, page, model, request }) => {
  const desk = await startDesk({ OPENAI_BASE_URL: model });
  await context.grantPermissions(['notifications'], { origin: desk.dashboard });
  await tab(page, desk);
  await page.goto(`${desk.dashboard}/profile`);
  await page.getByLabel('Sound').uncheck();
  await page.getByLabel('Notifications of the desktop').uncheck();
  await page.goto(desk.dashboard);
  await page.getByRole('heading', { level: 1 }).click();
  await hide(page);
  await ask(request, desk);
  await expect(page).toHaveTitle(/^\(1\) /);
  await page.goto(`${desk.dashboard}/profile`);
  await page.getByLabel('Sound').check();
  await hide(page);
  await page.locator('h1').click();
  await ask(request, desk);
  await expect(page).toHaveTitle(/^\(2\) /);
  await expect.poll(() => heard(page), 'the sound is on, and only that').toEqual({ tones: 2, notices: [] });
  await desk.end();
});

test('permission is asked for when the operator presses the button, and not before', async ({
  context,
  page,
  model,
}) => {
  const desk = await startDesk({ OPENAI_BASE_URL: model });
  await context.grantPermissions(['notifications'], { origin: desk.dashboard });
  await tab(page, desk);
  await page.goto(`${desk.dashboard}/profile`);
  await page.getByLabel('Notifications of the desktop').uncheck();
  await page.getByRole('button', { name: 'Ask the browser for permission' }).click();
  await expect(page.locator('.toast')).toContainText('Notifications are on');
  await page.reload();
  await expect(page.getByLabel('Notifications of the desktop')).toBeChecked();
  await desk.end();
});
