/** The whole of it over each engine: a visitor talks, comes back and stops an answer, and an operator reads it. */

import { startDesk } from '../support/desk.ts';
import { STORES } from '../support/stores.ts';
import { expect, signIn, test } from '../support/test.ts';
import { snippet, Widget } from '../support/widget.ts';

for (const [engine, startStore] of Object.entries(STORES)) {
  test(`with ${engine} a visitor talks, comes back and stops, and an operator reads it`, async ({
    context,
    page,
    model,
    site,
  }) => {
    // Three servers start, on a machine that may be busy.
    test.setTimeout(60_000);
    const store = await startStore();
    const desk = await startDesk({ OPENAI_BASE_URL: model, CORS_ORIGIN: site.url, ...store.settings });
    const widget = new Widget(page);
    await widget.visit(site.add({ body: snippet(desk) }));
    await widget.open();
    await widget.ask('Hello');
    await page.reload();
    await expect(widget.questions()).toHaveText(['Hello']);
    await expect(widget.answers()).toHaveText(['You asked: Hello']);

    const operator = await context.newPage();
    await signIn(operator, desk);
    await operator.getByRole('link', { name: /Hello/ }).click();
    const answers = operator.getByRole('log', { name: 'Messages' }).getByRole('article', { name: 'AI' });
    await expect(answers).toHaveCount(1);

    await widget.send('Please answer slowly');
    await expect(answers.last()).toContainText('word3 ');
    await widget.stop.click();
    await expect(answers.last()).toContainText('Stopped by the visitor');
    await desk.crashAndRestart();
    await page.reload();
    await expect(widget.log).toContainText('You stopped this answer');
    await expect(widget.answers().last()).toContainText('word3');
    await widget.ask('And then?');
    await operator.reload();
    await expect(answers).toHaveCount(3);
    await expect(answers.last()).toContainText('You asked: And then?');
    await desk.end();
    await store.end();
  });
}
