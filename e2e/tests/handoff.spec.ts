/** A visitor and a person of the team, with the program itself between them. */

import type { APIRequestContext } from '@playwright/test';
import { startDesk } from '../support/desk.ts';
import { expect, test } from '../support/test.ts';
import { snippet, Widget } from '../support/widget.ts';

const ADMIN = 'an-admin-key-that-is-long-enough';

/** What an operator's own program does over the API. */
function operator(request: APIRequestContext, api: string) {
  const headers = { 'x-admin-api-key': ADMIN };
  const newest = async (): Promise<string> =>
    (await (await request.get(`${api}/v1/admin/conversations`, { headers })).json()).conversations[0]._id;
  return async (action: string, data: object) => {
    const url = `${api}/v1/admin/conversations/${await newest()}/${action}`;
    const response = await request.post(url, { headers, data: { operator: 'Maya Olsen', ...data } });
    expect(response.ok(), await response.text()).toBe(true);
  };
}

test('a visitor asks for a person before anything else, talks to one, and is handed back', async ({
  page,
  site,
  model,
  request,
}) => {
  const desk = await startDesk({ OPENAI_BASE_URL: model, CORS_ORIGIN: site.url, ADMIN_API_KEY: ADMIN });
  const maya = operator(request, desk.api);
  const widget = new Widget(page);
  await widget.visit(site.add({ body: snippet(desk) }));
  await widget.open();
  await page.getByRole('button', { name: 'More options' }).click();
  await page.getByRole('menuitem', { name: 'Talk to a person' }).click();
  await expect(widget.log).toContainText('You asked for a person. We told the team.');
  await page.getByRole('button', { name: 'Minimise chat' }).first().click();

  // Whoever asked hears of it while the chat is closed.
  await maya('takeover', {});
  await maya('messages', { text: 'Morning, I am Maya.' });
  await expect(page.locator('.peek')).toContainText('Morning, I am Maya.');
  await page.locator('.peek').getByText('Morning').click();
  await expect(widget.panel).toHaveAccessibleName('Maya Olsen');
  await maya('typing', { typing: true });
  await expect(widget.log).toContainText('Maya Olsen is typing');

  // Nobody else answers.
  await widget.send('Is it heavy?');
  await expect(widget.questions()).toHaveText(['Is it heavy?']);
  await maya('messages', { text: 'Two kilos.' });
  await expect(widget.log).toContainText('Two kilos.');
  await expect(widget.log).not.toContainText('You asked: Is it heavy?');
  await expect(widget.log).not.toContainText('did not arrive');

  await page.reload();
  await expect(widget.log).toContainText('Two kilos.');
  await expect(widget.panel).toHaveAccessibleName('Maya Olsen');
  await maya('return', {});
  await expect(widget.log).toContainText('Maya Olsen left. Assistant is answering again.');
  await widget.ask('And now?');
  await expect(widget.answers().last()).toHaveText('You asked: And now?');
  await desk.end();
});
