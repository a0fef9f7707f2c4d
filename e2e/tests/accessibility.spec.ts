/** axe-core on every page and state, in light and dark, on a desktop and on a phone. */

import { findings, LOOKS } from '../support/accessibility.ts';
import { startDesk } from '../support/desk.ts';
import { expect, signIn, test } from '../support/test.ts';
import { snippet, Widget } from '../support/widget.ts';

for (const { name, colorScheme, viewport } of LOOKS) {
  test.describe(name, () => {
    test.use({ colorScheme, viewport });

    test('the widget: closed, welcome, writing, a long answer', async ({ widget, page }) => {
      expect(await findings(page)).toEqual([]);
      await widget.open();
      expect(await findings(page)).toEqual([]);
      await widget.ask('Show me Markdown');
      expect(await findings(page)).toEqual([]);
      await widget.send('Please answer slowly');
      await expect(widget.answers().last()).toContainText('word3');
      expect(await findings(page)).toEqual([]);
      await widget.stop.click();
      await expect(widget.log).toContainText('You stopped this answer');
      expect(await findings(page)).toEqual([]);
    });

    test('the widget: failed, broken off, offline, and the question before a new conversation', async ({
      widget,
      page,
      context,
    }) => {
      await widget.open();
      await widget.send('break off please');
      await expect(widget.log).toContainText('The connection dropped before the end.');
      await widget.send(`fail at first ${Math.random()}`);
      await expect(widget.log).toContainText('That answer did not arrive');
      expect(await findings(page)).toEqual([]);
      await context.setOffline(true);
      await widget.send('During');
      await expect(widget.panel).toContainText('Will send when you are back online');
      expect(await findings(page)).toEqual([]);
      await page.getByRole('button', { name: 'New conversation' }).click();
      await expect(page.getByRole('alertdialog')).toBeVisible();
      expect(await findings(page)).toEqual([]);
    });

    test('the widget: too many messages', async ({ page, model, site }) => {
      const desk = await startDesk({ OPENAI_BASE_URL: model, CORS_ORIGIN: site.url, RATE_LIMIT_MAX_REQUESTS: '2' });
      const widget = new Widget(page);
      await widget.visit(site.add({ body: snippet(desk) }));
      await widget.open();
      const limited = widget.log.getByText('One moment, please');
      for (const [index, text] of ['one', 'two', 'three', 'four'].entries()) {
        if (await limited.isVisible()) break;
        await widget.send(text);
        await expect(widget.answers().nth(index).or(limited)).toBeVisible();
        await expect(widget.stop).toHaveCount(0);
      }
      await expect(widget.log).toContainText('One moment, please');
      expect(await findings(page)).toEqual([]);
      await desk.end();
    });

    test('the dashboard: list, thread, details, the test pages', async ({ widget, page, desk }) => {
      await widget.open();
      await widget.ask('Show me Markdown');
      await widget.send('break off please');
      await expect(widget.log).toContainText('The connection dropped before the end.');
      await signIn(page, desk);
      await expect(page.getByRole('heading', { level: 1 })).toHaveText('Conversations');
      expect(await findings(page)).toEqual([]);
      await page
        .getByRole('link', { name: /break off please|This is only/ })
        .first()
        .click();
      await expect(page.getByRole('log', { name: 'Messages' })).toContainText('Show me Markdown');
      expect(await findings(page)).toEqual([]);
      await page.goto(`${page.url().split('?')[0]}?details=1`);
      expect(await findings(page)).toEqual([]);
      for (const path of ['/widget-test.html', '/headless-test.html', '/nothing-here']) {
        await page.goto(desk.dashboard + path);
        expect(await findings(page), path).toEqual([]);
      }
      await page.goto(`${desk.api}/docs/errors`);
      expect(await findings(page)).toEqual([]);
    });

    test('the dashboard: signing in, wrong, paused, and with nothing there yet', async ({ page, model }) => {
      const desk = await startDesk({ OPENAI_BASE_URL: model });
      await page.goto(`${desk.dashboard}/login`);
      expect(await findings(page)).toEqual([]);
      await signIn(page, desk, 'wrong');
      await expect(page.getByRole('alert')).toContainText('That password is not right.');
      expect(await findings(page)).toEqual([]);
      await signIn(page, desk);
      await expect(page.getByRole('heading', { level: 1 })).toHaveText('Conversations');
      expect(await findings(page)).toEqual([]);
      // On a phone it is on the operator's own page.
      await page.goto(`${desk.dashboard}/profile`);
      expect(await findings(page)).toEqual([]);
      await page.getByRole('button', { name: 'Sign out' }).filter({ visible: true }).click();
      for (let tries = 0; tries < 8; tries++) await signInIfOpen(page, desk);
      await expect(page.getByText('Too many attempts')).toBeVisible();
      expect(await findings(page)).toEqual([]);
      await desk.end();
    });
  });
}

async function signInIfOpen(page: Parameters<typeof signIn>[0], desk: Parameters<typeof signIn>[1]): Promise<void> {
  if (await page.getByText('Too many attempts').isVisible()) return;
  await signIn(page, desk, 'wrong');
}
