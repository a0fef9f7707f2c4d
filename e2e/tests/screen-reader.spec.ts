/** What people who use a screen reader find, and what they are told. */

import type { Page } from '@playwright/test';
import { expect, test } from '../support/stage.ts';
import { ask, comeBack, PEOPLE, press, SOURCES, STATES, TABLE } from '../support/states.ts';

/** Notes everything that the live region says, from now on, in `window.told`. */
async function listen(page: Page): Promise<() => Promise<string[]>> {
  await page.evaluate(() => {
    const root = document.querySelector('[data-frontdesk]')?.shadowRoot as ShadowRoot;
    const region = root.querySelector('[role=status]') as HTMLElement;
    const told: string[] = [];
    Object.assign(window, { told });
    new MutationObserver(() => told.push((region.textContent ?? '').trim())).observe(region, {
      subtree: true,
      childList: true,
      characterData: true,
    });
  });
  return () => page.evaluate('window.told');
}

test('an answer is announced when it begins, and read once and whole when it is there', async ({ stage }) => {
  const { page, widget, desk } = stage;
  await widget.open();
  const told = await listen(page);
  const words = Array.from({ length: 60 }, (_, word) => `word${word} `);
  desk.answer = async (_, say) => {
    say({ type: 'start', messageId: 'answer', seq: 0 });
    for (const [seq, token] of words.entries()) {
      say({ type: 'token', token, seq: seq + 1 });
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    say({ type: 'done', messageId: 'answer', message: words.join(''), status: 'complete', seq: 60 });
  };
  await widget.send('Hello?');
  await expect(widget.log.locator('article[aria-busy=true]')).toHaveCount(1);
  await expect(widget.log.locator('article[aria-busy=false]')).toHaveCount(1);
  await expect.poll(told).toEqual(['Wren is answering', words.join('').trim()]);
  await expect(widget.log).toHaveAttribute('aria-live', 'off');
});

test('a long answer is read up to 600 characters', async ({ stage }) => {
  await stage.widget.open();
  const told = await listen(stage.page);
  stage.desk.answer = (_, say) =>
    say(
      { type: 'start', messageId: 'answer', seq: 0 },
      { type: 'done', messageId: 'answer', message: 'a'.repeat(900), status: 'complete', seq: 900 },
    );
  await stage.widget.send('Hello?');
  await expect.poll(told).toContain(`${'a'.repeat(600)}The answer continues in the conversation.`);
});

test('what the visitor does is confirmed, also when it is done twice', async ({ stage }) => {
  await ask(stage);
  const told = await listen(stage.page);
  await press(stage, 'Good answer');
  await press(stage, 'Good answer');
  await press(stage, 'Good answer');
  await expect.poll(told).toEqual(['Thanks for telling us', 'Rating removed', 'Thanks for telling us']);
  await press(stage, 'Bad answer');
  await stage.page.getByRole('group', { name: 'What went wrong?' }).waitFor();
});

test('a person who comes, writes and goes is announced once each', async ({ stage }) => {
  const { page, desk } = stage;
  await comeBack(stage, PEOPLE);
  await page.getByText('Seen').waitFor();
  const told = await listen(page);
  desk.tell({ type: 'typing', name: 'Maya Olsen' });
  desk.tell({ type: 'typing', name: 'Maya Olsen' });
  await expect.poll(told).toEqual(['Maya Olsen is typing']);
});

test('the connection that goes and comes back is announced', async ({ stage }) => {
  await ask(stage);
  const told = await listen(stage.page);
  await stage.context.setOffline(true);
  await expect.poll(told).toEqual(['You are offline. Reconnecting…']);
  await stage.context.setOffline(false);
  await expect.poll(told).toEqual(['You are offline. Reconnecting…', 'Back online']);
});

test('the tree of an answer has names for everything', async ({ stage }) => {
  await ask(stage, TABLE, { sources: SOURCES });
  await expect(stage.widget.panel).toMatchAriaSnapshot(`
    - dialog "Wren":
      - heading "Wren" [level=2]
      - paragraph: AI assistant
      - button "New conversation"
      - button "More options"
      - button "Minimise chat"
      - log "Conversation":
        - separator: Today
        - article "You": What does it cost to ship a 2 kg box to Berlin?
        - article "Wren":
          - text: Wren AI
          - paragraph:
            - text: For a
            - strong: 2 kg box, Porto to Berlin
            - 'link "Source 1: Rates within the EU"'
          - group "Table":
            - table
          - paragraph:
            - 'link "Source 2: What cover includes"'
            - link "size limits"
          - heading "Sources" [level=3]
          - link "1 Rates within the EU"
          - link "2 What cover includes"
          - button "Copy answer"
          - button "Good answer"
          - button "Bad answer"
      - textbox "Your message"
      - button "Send message" [disabled]
  `);
});

test('the tree of a conversation with a person says who says what', async ({ stage }) => {
  await comeBack(stage, PEOPLE);
  await stage.page.getByText('Seen').waitFor();
  await expect(stage.widget.log).toMatchAriaSnapshot(`
    - log "Conversation":
      - article "You": My parcel has said “at depot” for four days.
      - article "Wren"
      - text: You asked for a person. We told the team.
      - separator: Today
      - text: Maya Olsen joined. You are talking to a person now.
      - article "Maya Olsen"
      - article "Maya Olsen"
      - article "You": /Do I need to be home.*Seen/
  `);
});

test('what has to be decided or has gone wrong interrupts', async ({ stage }) => {
  await STATES.delete?.(stage);
  const dialog = stage.page.getByRole('alertdialog', { name: 'Delete this conversation?' });
  await expect(dialog).toHaveAccessibleDescription('It is removed for you and for us. This cannot be undone.');
  await expect(stage.widget.log).toHaveAttribute('inert');
  await stage.page.keyboard.press('Escape');
  stage.desk.handle = ({ path }, response) => path.includes('/feedback') && !!response.writeHead(500).end('{}');
  await press(stage, 'Good answer');
  await expect(stage.widget.log.getByRole('alert')).toContainText('That did not work');
});
