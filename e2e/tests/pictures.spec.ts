/** Takes the pictures of the README: a real conversation with a real model. Run by `npm run pictures` alone. */

import { fileURLToPath } from 'node:url';
import { type Desk, startDesk } from '../support/desk.ts';
import { startLocalModel } from '../support/local-model.ts';
import { expect, signIn, test } from '../support/test.ts';
import { snippet, Widget } from '../support/widget.ts';

const picture = (name: string) => fileURLToPath(new URL(`../../docs/images/${name}.png`, import.meta.url));

const SHOP = `<style>
  body { margin: 0; font: 16px/1.6 system-ui, sans-serif; color: #26231f; background: #faf8f5; }
  main { max-width: 60rem; padding: 4rem 4rem; }
  h1 { font-size: 3rem; line-height: 1.1; margin: 0 0 1rem; letter-spacing: -.02em; }
  p { max-width: 32rem; font-size: 1.125rem; color: #57514a; }
  @media (max-width: 640px) { main { padding: 2rem 1.25rem; } h1 { font-size: 2rem; } }
</style>`;

const QUESTIONS = ['What is a good tent for two people?', 'Is it waterproof?'];

test.setTimeout(300_000);

test('pictures', async ({ browser, site }) => {
  const model = await startLocalModel();
  const desk = await startDesk({
    OPENAI_BASE_URL: model.url,
    OPENAI_MODEL: 'smollm2-135m',
    CORS_ORIGIN: site.url,
    ASSISTANT_INSTRUCTIONS: 'You are the assistant of an outdoor shop. Answer briefly, in two or three sentences.',
    MAX_OUTPUT_TOKENS: '300',
    UPSTREAM_EXTRA_BODY: '{"temperature":0.3,"seed":2}',
  });
  const address = site.add({ head: SHOP, body: snippet(desk, 'data-title="Contoso help"') });
  const desktop = await browser.newContext({ viewport: { width: 1280, height: 800 }, deviceScaleFactor: 2 });
  await talk(new Widget(await desktop.newPage()), address, 'widget');
  const phone = await browser.newContext({
    viewport: { width: 390, height: 844 },
    deviceScaleFactor: 2,
    isMobile: true,
    hasTouch: true,
    colorScheme: 'dark',
  });
  await talk(new Widget(await phone.newPage()), address, 'widget-phone');
  await dashboard(await desktop.newPage(), desk);
  await desk.end();
  await model.end();
});

async function talk(widget: Widget, address: string, name: string): Promise<void> {
  await widget.visit(address);
  await widget.open();
  for (const question of QUESTIONS) {
    await widget.send(question);
    await expect(widget.stop).toHaveCount(1);
    await expect(widget.stop).toHaveCount(0, { timeout: 120_000 });
  }
  await widget.page.screenshot({ path: picture(name), animations: 'disabled' });
}

async function dashboard(page: Widget['page'], desk: Desk): Promise<void> {
  await signIn(page, desk);
  await page.locator('.cv').last().click();
  await expect(page.getByRole('log', { name: 'Messages' })).toBeVisible();
  await page.screenshot({ path: picture('dashboard'), animations: 'disabled' });
}
