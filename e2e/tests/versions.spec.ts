/** Widgets and servers of different days: a page may keep one while the other changes. */

import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from '../support/test.ts';
import { snippet, Widget } from '../support/widget.ts';

const RELEASES = fileURLToPath(new URL('../releases/', import.meta.url));

for (const release of readdirSync(RELEASES).filter((name) => name.endsWith('.js'))) {
  test(`${release} chats with the server of today, and finds its conversation again`, async ({ page, desk, site }) => {
    await page.route('**/widget/chat-widget.js', (route) => route.fulfill({ path: RELEASES + release }));
    const widget = new Widget(page);
    await widget.visit(site.add({ body: snippet(desk) }));
    await widget.open();
    await widget.ask('Are you still there?');
    await widget.ask('Show me Markdown');
    await expect(widget.answers().last().getByRole('listitem')).toHaveCount(3);
    await widget.send('Please answer slowly');
    await expect(widget.answers().last()).toContainText('word3');
    await widget.stop.click();
    await page.reload();
    await expect(widget.questions()).toHaveText(['Are you still there?', 'Show me Markdown', 'Please answer slowly']);
    // The page is given the widget of today, and the visitor has noticed nothing.
    await page.unroute('**/widget/chat-widget.js');
    await page.reload();
    await expect(widget.questions()).toHaveCount(3);
    await widget.ask('Are you new?');
    await expect(widget.questions().last()).toHaveText('Are you new?');
  });
}

test('the widget of today chats with a server that knows nothing of what came later', async ({ page, desk, site }) => {
  const unknown: string[] = [];
  for (const path of ['**/v1/widget/config', '**/widget/locales/*', '**/events*', '**/feedback', '**/export*'])
    await page.route(path, (route) => {
      unknown.push(new URL(route.request().url()).pathname.replace(/sessions\/[^/]+/, 'sessions/…'));
      return route.fulfill({
        status: 404,
        json: { error: 'Not found', code: 'not_found' },
        headers: { 'access-control-allow-origin': '*' },
      });
    });
  const widget = new Widget(page);
  await widget.visit(site.add({ html: 'lang="de"', body: snippet(desk) }));
  await widget.open();
  await widget.ask('Do you know me?');
  await widget.ask('And now?');
  await page.reload();
  await expect(widget.questions()).toHaveText(['Do you know me?', 'And now?']);
  await widget.ask('Still?');
  await expect(widget.answers().last()).toHaveText('You asked: Still?');
  expect([...new Set(unknown)].sort()).toEqual([
    '/v1/sessions/…/events',
    '/v1/widget/config',
    '/widget/locales/de.json',
  ]);
  // Once it knows that there is no feed, it does not ask again.
  expect(unknown.filter((path) => path.endsWith('events'))).toHaveLength(2);
});
