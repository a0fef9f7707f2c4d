/** A real language model, small enough to run here, answers through the widget. Its shape is checked, not its wisdom. */

import { startDesk } from '../support/desk.ts';
import { startLocalModel } from '../support/local-model.ts';
import { expect, test } from '../support/test.ts';
import { snippet, Widget } from '../support/widget.ts';

test('a real model answers through the widget, word by word, and remembers the conversation', async ({
  page,
  site,
}) => {
  test.setTimeout(120_000);
  const model = await startLocalModel();
  const desk = await startDesk({ OPENAI_BASE_URL: model.url, CORS_ORIGIN: site.url, MAX_OUTPUT_TOKENS: '60' });
  const widget = new Widget(page);
  await widget.visit(site.add({ body: snippet(desk) }));
  await widget.open();
  await widget.send('What is the capital of France?');
  const answer = widget.answers().first();
  const lengths = new Set<number>();
  await expect
    .poll(
      async () => {
        lengths.add((await answer.innerText({ timeout: 30_000 })).length);
        return widget.stop.count();
      },
      { timeout: 60_000, intervals: [20] },
    )
    .toBe(0);
  expect(lengths.size, 'it grew while it was being written').toBeGreaterThan(2);
  const text = await answer.innerText();
  expect(text).toMatch(/[a-z]{3,} [a-z]{2,}/i);
  await widget.send('And of Italy?');
  await expect(widget.answers()).toHaveCount(2, { timeout: 60_000 });
  await expect(widget.stop).toHaveCount(0, { timeout: 60_000 });
  await page.reload();
  await expect(widget.answers().first()).toHaveText(text, { useInnerText: true });
  await expect(widget.questions()).toHaveText(['What is the capital of France?', 'And of Italy?']);
  await desk.end();
  await model.end();
});
