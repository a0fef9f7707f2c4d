/** What matters most of the chat, in every browser that Debian has and Playwright can drive: Chromium and Firefox. */

import { begun, scriptedSnippet } from '../support/scripted-desk.ts';
import { expect, test } from '../support/stage.ts';
import { ask, press, SOURCES, TABLE, told } from '../support/states.ts';

test('an answer comes in piece by piece, and is there again after a reload', async ({ stage }, info) => {
  const { widget, page, desk } = stage;
  desk.answer = async (_, say) => {
    say(...begun('For a **2 kg** box'));
    await expect(widget.answers()).toContainText('For a 2 kg box');
    say(
      { type: 'token', token: TABLE.slice(18), seq: TABLE.length },
      { type: 'done', messageId: 'answer', message: TABLE, status: 'complete', sources: SOURCES },
    );
  };
  await widget.open();
  await widget.ask('What does it cost to ship a 2 kg box to Berlin?');
  await expect(widget.log.getByRole('row')).toHaveCount(4);
  await expect(widget.log.getByRole('link', { name: 'Source 1: Rates within the EU' })).toBeVisible();
  await page.screenshot({ path: info.outputPath('answer.png') });
  desk.history = [
    { role: 'user', content: 'What does it cost to ship a 2 kg box to Berlin?' },
    { role: 'assistant', content: TABLE, sources: SOURCES },
  ];
  await page.reload();
  await expect(widget.panel).toBeVisible();
  await expect(widget.log.getByRole('row')).toHaveCount(4);
  await expect(widget.questions()).toHaveCount(1);
});

test('everything goes by keyboard, and the focus is where it should be', async ({ stage }) => {
  const { widget, page } = stage;
  await widget.launcher.focus();
  await page.keyboard.press('Enter');
  await expect(widget.field).toBeFocused();
  await page.keyboard.type('Is it open?');
  await page.keyboard.press('Enter');
  await expect(widget.answers()).toHaveText('You asked: Is it open?');
  await press(stage, 'More options');
  await page.keyboard.press('ArrowDown');
  await expect(page.getByRole('menuitem', { name: 'Save transcript' })).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('button', { name: 'More options' })).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(widget.panel).toBeHidden();
  await expect(widget.launcher).toBeFocused();
});

test('a person can be asked for, joins and writes', async ({ stage }) => {
  const { widget, page, desk } = stage;
  await ask(stage);
  await press(stage, 'More options');
  await page.getByRole('menuitem', { name: 'Talk to a person' }).click();
  desk.tell(
    told({ role: 'event', content: 'asked' }, 8),
    told({ role: 'event', content: 'joined', name: 'Maya Olsen' }, 9),
    told({ role: 'operator', name: 'Maya Olsen', content: 'Morning, I am Maya.' }, 10),
  );
  await expect(widget.log).toContainText('Morning, I am Maya.');
  await expect(widget.panel).toHaveAccessibleName('Maya Olsen');
  await expect(widget.field).toHaveAttribute('placeholder', 'Reply to Maya Olsen');
});

test('on a phone in the dark the chat fills the screen', async ({ stage, site }, info) => {
  const { widget, page, desk } = stage;
  await page.setViewportSize({ width: 390, height: 844 });
  await widget.visit(site.add({ body: scriptedSnippet(desk, 'data-theme="dark" data-locale="en"') }));
  await ask(stage);
  const panel = await widget.panel.boundingBox();
  expect(panel).toEqual({ x: 0, y: 0, width: 390, height: 844 });
  await expect(widget.panel).toHaveCSS('background-color', 'rgb(27, 26, 24)');
  await expect(page.locator('main')).toHaveAttribute('inert');
  await page.screenshot({ path: info.outputPath('phone.png') });
  await press(stage, 'Minimise chat');
  await expect(page.locator('main')).not.toHaveAttribute('inert');
});
