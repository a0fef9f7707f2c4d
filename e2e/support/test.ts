/** What the tests share: a running program, a model behind it, and a website in front of it. */

import { test as base, type Page } from '@playwright/test';
import { type Desk, PASSWORD, startDesk } from './desk.ts';
import { startModel } from './model.ts';
import { type Site, startSite } from './site.ts';
import { snippet, Widget } from './widget.ts';

interface WorkerThings {
  model: string;
  site: Site;
  desk: Desk;
}

interface Things {
  /** The chat on a page of the website, not opened yet. */
  widget: Widget;
  /** A page on which an operator is signed in. */
  operator: Page;
}

export const test = base.extend<Things, WorkerThings>({
  model: [
    // biome-ignore lint/correctness/noEmptyPattern: the runner reads the pattern to know what is needed
    async ({}, use) => {
      const model = await startModel();
      await use(`${model.url}/v1`);
      await model.end();
    },
    { scope: 'worker' },
  ],
  site: [
    // biome-ignore lint/correctness/noEmptyPattern: the runner reads the pattern to know what is needed
    async ({}, use) => {
      const site = await startSite();
      await use(site);
      await site.end();
    },
    { scope: 'worker' },
  ],
  desk: [
    async ({ model, site }, use) => {
      const desk = await startDesk({ OPENAI_BASE_URL: model, CORS_ORIGIN: site.url });
      await use(desk);
      await desk.end();
    },
    { scope: 'worker' },
  ],
  widget: async ({ page, desk, site }, use) => {
    const widget = new Widget(page);
    await widget.visit(site.add({ body: snippet(desk) }));
    await use(widget);
  },
  operator: async ({ page, desk }, use) => {
    await signIn(page, desk);
    await page.waitForURL(`${desk.dashboard}/`);
    await use(page);
  },
});

export { expect } from '@playwright/test';

/** Signs in as an operator would, by name if there is one. */
export async function signIn(page: Page, desk: Desk, password = PASSWORD, name?: string): Promise<void> {
  await page.goto(`${desk.dashboard}/login`);
  await page.getByLabel('Password', { exact: true }).fill(password);
  if (name) await page.getByLabel('Your name').fill(name);
  await page.getByRole('button', { name: 'Sign in' }).click();
}
