/** A visitor who has nothing but a keyboard does everything there is to do. */

import { whole } from '../support/scripted-desk.ts';
import { expect, test } from '../support/stage.ts';
import { SOURCES, TABLE } from '../support/states.ts';

test('everything can be reached and done with the keyboard alone', async ({ stage }) => {
  const { page, widget, desk } = stage;
  desk.answer = (_, say) => say(...whole(TABLE, { sources: SOURCES }));
  const { keyboard } = page;
  const press = async (...keys: string[]) => {
    for (const key of keys) await keyboard.press(key);
  };
  /** The names of what the focus passes on its way. */
  const walk = async (key: string, times: number) => {
    const names: string[] = [];
    for (let step = 0; step < times; step++) {
      await keyboard.press(key);
      names.push(
        await page.evaluate(() => {
          const host = document.activeElement;
          const active = host?.shadowRoot?.activeElement ?? host;
          return active?.getAttribute('aria-label') ?? active?.textContent ?? '';
        }),
      );
    }
    return names;
  };
  const focused = (name: string) => expect(page.getByRole('button', { name, exact: true }).first()).toBeFocused();

  // The page's own link, then the launcher.
  await press('Tab', 'Tab');
  await expect(widget.launcher).toBeFocused();
  await press('Enter');
  await expect(widget.field).toBeFocused();
  await keyboard.type('How much is it?');
  await press('Enter');
  await expect(page.getByRole('button', { name: 'Copy answer' })).toBeVisible();
  await expect(widget.field).toBeFocused();

  // Back through the log and the header, in the order in which they are read.
  const back = await walk('Shift+Tab', 13);
  expect(back).toEqual([
    'Bad answer',
    'Good answer',
    'Copy answer',
    '2What cover includes',
    '1Rates within the EU',
    'size limits',
    'Source 2: What cover includes',
    'Table',
    'Source 1: Rates within the EU',
    'Conversation',
    'Minimise chat',
    'More options',
    'New conversation',
  ]);

  // The menu.
  await press('Tab', 'Enter');
  const item = (name: string) => page.getByRole('menu').getByText(name);
  await expect(item('Talk to a person')).toBeFocused();
  await press('ArrowDown');
  await expect(item('Save transcript')).toBeFocused();
  await press('End');
  await expect(item('Delete this conversation')).toBeFocused();
  await press('ArrowDown');
  await expect(item('Talk to a person')).toBeFocused();
  await press('ArrowUp', 'ArrowUp');
  await expect(page.getByRole('menuitemcheckbox', { name: 'Sound' })).toBeFocused();
  await press('Space');
  await expect(page.getByRole('menuitemcheckbox')).toHaveAttribute('aria-checked', 'false');
  await press('Home');
  await expect(item('Talk to a person')).toBeFocused();
  await press('Escape');
  await expect(page.getByRole('menu')).toHaveCount(0);
  await focused('More options');

  // A question that has to be answered keeps the focus to itself.
  await press('Enter', 'End', 'Enter');
  await focused('Keep it');
  await press('Tab');
  await focused('Delete');
  await press('Escape');
  await focused('More options');
  await press('Shift+Tab', 'Enter');
  await focused('Start new');
  await press('Escape');
  await focused('New conversation');

  // Rating, with a reason.
  await page.getByRole('button', { name: 'Bad answer' }).focus();
  await press('Space');
  await expect(page.getByRole('group', { name: 'What went wrong?' })).toBeVisible();
  expect(await walk('Tab', 6)).toEqual([
    'Close',
    'Not correct',
    'Out of date',
    'Did not answer',
    'Hard to follow',
    'Tell us more (optional)',
  ]);
  await keyboard.type('Too short');
  await press('Enter');
  await expect(page.getByRole('textbox', { name: 'Tell us more' })).toHaveValue('Too short\n');
  await press('Escape');
  await focused('Bad answer');
  await press('Space');
  await expect(page.getByRole('button', { name: 'Bad answer' })).toHaveAttribute('aria-pressed', 'false');

  // Reading on in the log, and leaving.
  await widget.log.focus();
  await press('End', 'Home');
  await press('Escape');
  await expect(widget.panel).toBeHidden();
  await expect(widget.launcher).toBeFocused();
});
