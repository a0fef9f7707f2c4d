/** A real language model, small enough to run here, answers through the widget. Its shape is checked, not its wisdom. */

import { startDesk } from '../support/desk.ts';
import { startLocalModel } from '../support/local-model.ts';
import { expect, test } from '../support/test.ts';
import { snippet, Widget } from '../support/widget.ts';

/** Notes in `window.lengths` how long the answer is, each time it changes. Runs in the page. */
function watchGrowth(): void {
  const root = document.querySelector('[data-frontdesk]')?.shadowRoot as ShadowRoot;
  const lengths: number[] = [];
  Object.assign(window, { lengths });
  new MutationObserver(() => lengths.push(root.querySelector('.md')?.textContent?.length ?? 0)).observe(root, {
    subtree: true,
    childList: true,
    characterData: true,
  });
}

test('a real model answers through the widget, word by word, and remembers the conversation', async ({
  page,
  site,
}) => {
  test.setTimeout(120_000);
  const model = await startLocalModel();
  const desk = await startDesk({
    OPENAI_BASE_URL: model.url,
    CORS_ORIGIN: site.url,
    MAX_OUTPUT_TOKENS: '60',
    UPSTREAM_EXTRA_BODY: '{"temperature":0.2,"seed":7}',
  });
  const widget = new Widget(page);
  await widget.visit(site.add({ body: snippet(desk) }));
  await widget.open();
  await page.evaluate(watchGrowth);
  await widget.send('Describe the city of Paris in three sentences.');
  await expect(widget.answers()).toHaveCount(1, { timeout: 60_000 });
  await expect(widget.stop).toHaveCount(0, { timeout: 60_000 });
  const lengths = await page.evaluate<number[]>('window.lengths');
  expect(new Set(lengths).size, 'it grew while it was being written').toBeGreaterThan(5);
  const text = await widget.answers().first().innerText();
  expect(text).toMatch(/[a-z]{3,} [a-z]{2,}/i);
  await widget.send('And Rome?');
  await expect(widget.answers()).toHaveCount(2, { timeout: 60_000 });
  await expect(widget.stop).toHaveCount(0, { timeout: 60_000 });
  await page.reload();
  await expect(widget.answers().first()).toHaveText(text, { useInnerText: true });
  await expect(widget.questions()).toHaveText(['Describe the city of Paris in three sentences.', 'And Rome?']);
  await desk.end();
  await model.end();
});
