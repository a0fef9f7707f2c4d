/** Every state the chat can be in, and how a visitor gets there. */

import type { BrowserContext, Page } from '@playwright/test';
import { begun, type Message, type ScriptedDesk, whole } from './scripted-desk.ts';
import type { Widget } from './widget.ts';

/** The moment at which every test takes place. */
export const NOW = new Date('2026-11-25T14:11:00Z');
const YESTERDAY = NOW.getTime() - 86_400_000;

export const SOURCES = [
  { title: 'Rates within the EU', url: 'https://help.example/rates' },
  { title: 'What cover includes', url: 'https://help.example/cover' },
];

export const TABLE = `For a **2 kg box, Porto to Berlin**, picked up tomorrow: [1]

| Service | Arrives | Price |
| --- | --- | ---: |
| Economy | 4 to 6 days | €9.40 |
| **Standard** | 2 to 3 days | €13.80 |
| Express | Tomorrow, 12:00 | €24.90 |

Every price includes tracking and €100 of cover. [2] Boxes over 60 cm cost €3 more; see [size limits](https://help.example/size).`;

const CODE = `One call creates the label and returns a PDF link:

\`\`\`curl
curl https://api.saltmarsh.example/labels \\
  -H "Authorization: Bearer $SALTMARSH_KEY" -d service=standard -d weight_g=2000
\`\`\`

- Print \`label.pdf_url\` on A6.
- Send \`tracking.url\` to your customer.

> Test keys never charge you.`;

const LONG = 'They are fragile, so I am asking about cover as well. ';

export const PEOPLE: Message[] = [
  { role: 'user', content: 'My parcel has said “at depot” for four days.', createdAt: YESTERDAY },
  { role: 'assistant', content: 'That is longer than usual. I have asked a colleague to look.', createdAt: YESTERDAY },
  { role: 'event', content: 'asked', createdAt: YESTERDAY },
  { role: 'event', content: 'joined', name: 'Maya Olsen' },
  { role: 'operator', name: 'Maya Olsen', content: 'Morning, I’m Maya. I called Leipzig: the label was scuffed.' },
  { role: 'operator', name: 'Maya Olsen', content: 'They are relabelling it now.' },
  { role: 'user', content: 'Thank you! Do I need to be home?', seen: true },
];

export interface Stage {
  page: Page;
  context: BrowserContext;
  desk: ScriptedDesk;
  widget: Widget;
}

/** A message as the feed tells it. */
export const told = (message: Message, place: number): object => ({
  type: 'message',
  cursor: `c${place}`,
  message: { id: `told${place}`, place, status: 'complete', createdAt: NOW.getTime(), ...message },
});

/** Presses the button of this name, the first if there are several. */
export const press = ({ page }: Stage, name: string) => page.getByRole('button', { name, exact: true }).first().click();

/** Asks a question and waits for the whole answer. */
export async function ask(stage: Stage, answer = TABLE, more: object = { sources: SOURCES }): Promise<void> {
  stage.desk.answer = (_, say) => say(...whole(answer, more));
  await stage.widget.open();
  await stage.widget.ask('What does it cost to ship a 2 kg box to Berlin?');
}

async function refuse(stage: Stage, status: number, body: object = {}): Promise<void> {
  stage.desk.handle = ({ path }, response) => {
    if (path !== '/chat') return false;
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    return true;
  };
  await stage.widget.open();
  await stage.widget.send('And to Malta?');
}

/** Comes back to a conversation that the server has. */
export async function comeBack(stage: Stage, history: Message[]): Promise<void> {
  await ask(stage);
  stage.desk.history = history.map((message) => ({ createdAt: NOW.getTime(), ...message }));
  await stage.page.reload();
}

/** Asks for a person when none is there. */
export async function askForPerson(stage: Stage): Promise<void> {
  stage.desk.handoff = { status: 'away', until: '2026-11-26T09:00:00Z' };
  await openMenu(stage);
  await stage.page.getByRole('menuitem', { name: 'Talk to a person' }).click();
  await stage.widget.log.getByText('The team is away until Thursday 9:00 AM').waitFor();
}

async function openMenu(stage: Stage): Promise<void> {
  await ask(stage);
  await press(stage, 'More options');
}

/** How to get to each state, by its name. The last step shows that it has been reached. */
export const STATES: Record<string, (stage: Stage) => Promise<unknown>> = {
  launcher: async () => {},
  peek: async (stage) => {
    await ask(stage);
    stage.desk.tell({ type: 'state', cursor: 'c', answering: { role: 'operator' } });
    await press(stage, 'Minimise chat');
    stage.desk.tell(told({ role: 'operator', name: 'Maya Olsen', content: 'They are relabelling it now.' }, 9));
    await stage.page.locator('.peek').waitFor();
  },
  welcome: async ({ widget, page }) => {
    await widget.open();
    await page.getByRole('list', { name: 'Suggested questions' }).waitFor();
  },
  sending: async ({ widget, desk, page }) => {
    desk.handle = ({ path }) => path === '/chat';
    await widget.open();
    await widget.send('Do you ship to Norway?');
    await page.locator('.sending').waitFor();
  },
  waiting: async ({ widget, desk, page }) => {
    desk.answer = (_, say) => say({ type: 'start', messageId: 'answer', seq: 0 });
    await widget.open();
    await widget.send('Do you ship to Norway?');
    await page.getByText('Wren is answering').first().waitFor();
  },
  streaming: async ({ widget, desk }) => {
    desk.answer = (_, say) =>
      say(...begun('Yes, in 3 to 4 days.\n\n1. Open **Labels** and find `SM 4471`.\n2. Choose'));
    await widget.open();
    await widget.send('Do you ship to Norway?');
    await widget.log.getByRole('listitem').nth(1).waitFor();
  },
  answer: (stage) => ask(stage),
  code: (stage) => ask(stage, CODE, {}),
  'no-source': async (stage) => {
    await ask(stage, 'I do not have that in our help pages. Would you like me to ask the team?', { sources: [] });
    await stage.widget.log.getByRole('button', { name: 'Talk to a person' }).waitFor();
  },
  stopped: async (stage) => {
    await STATES.streaming?.(stage);
    await stage.widget.stop.click();
    await stage.widget.log.getByText('You stopped this answer').waitFor();
  },
  cut: (stage) => ask(stage, 'An answer that goes on and', { finishReason: 'length' }),
  failed: async ({ widget, desk }) => {
    desk.answer = (_, say) =>
      say({ type: 'start', messageId: 'answer', seq: 0 }, { type: 'error', messageId: 'answer', error: 'No' });
    await widget.open();
    await widget.send('Can I change the delivery address after pickup?');
    await widget.log.getByText('That answer did not arrive').waitFor();
  },
  interrupted: async ({ widget, desk }) => {
    desk.answer = (_, say) => say(...begun('You can, until'), { type: 'error', messageId: 'answer', error: 'No' });
    await widget.open();
    await widget.send('Can I change the delivery address after pickup?');
    await widget.log.getByText('The connection dropped').waitFor();
  },
  offline: async (stage) => {
    await ask(stage);
    await stage.context.setOffline(true);
    await stage.widget.send('And on public holidays?');
    await stage.widget.log.getByText('Will send when you are back online').waitFor();
  },
  unsent: async (stage) => {
    await refuse(stage, 400);
    await stage.widget.log.getByText('Not sent.').waitFor();
  },
  limited: async (stage) => {
    await refuse(stage, 429, { retryAfter: 42 });
    await stage.widget.log.getByText('One moment, please').waitFor();
  },
  refused: async (stage) => {
    await refuse(stage, 403);
    await stage.widget.log.getByText('Chat is not set up for this site').waitFor();
  },
  menu: async (stage) => {
    await openMenu(stage);
    await stage.page.getByRole('menu').waitFor();
  },
  'rated-up': async (stage) => {
    await ask(stage);
    await press(stage, 'Good answer');
    await stage.widget.log.getByText('Thanks for telling us').waitFor();
  },
  feedback: async (stage) => {
    await ask(stage);
    await press(stage, 'Bad answer');
    await press(stage, 'Out of date');
  },
  'not-done': async (stage) => {
    stage.desk.handle = ({ path }, response) => path.includes('/export') && !!response.writeHead(500).end('{}');
    await openMenu(stage);
    await stage.page.getByRole('menuitem', { name: 'Save transcript' }).click();
    await stage.widget.log.getByText('That did not work').waitFor();
  },
  delete: async (stage) => {
    await openMenu(stage);
    await stage.page.getByRole('menuitem', { name: 'Delete this conversation' }).click();
    await stage.page.getByRole('alertdialog').waitFor();
  },
  'new-conversation': async (stage) => {
    await ask(stage);
    await press(stage, 'New conversation');
    await stage.page.getByRole('alertdialog').waitFor();
  },
  people: async (stage) => {
    await comeBack(stage, PEOPLE);
    await stage.page.getByText('Seen').waitFor();
    // Whoever gives no more sign of it has stopped, and a busy machine may look at it for longer.
    const write = () => stage.desk.tell({ type: 'typing', name: 'Maya Olsen' });
    const writing = setInterval(write, 2000);
    stage.page.once('close', () => clearInterval(writing));
    write();
    await stage.widget.log.getByText('Maya Olsen is typing').waitFor();
  },
  away: askForPerson,
  'email-left': async (stage) => {
    await askForPerson(stage);
    await stage.page.getByRole('textbox', { name: 'Email' }).fill('you@example.com');
    await press(stage, 'Send');
    await stage.widget.log.getByText('Thanks. We will write to you@example.com.').waitFor();
  },
  closed: async (stage) => {
    const left = { role: 'event', content: 'left', name: 'Maya Olsen' } as const;
    await comeBack(stage, [...PEOPLE, left, { role: 'event', content: 'closed' }]);
    await stage.page.getByText('This conversation is closed.').waitFor();
  },
  loading: async (stage) => {
    await ask(stage);
    stage.desk.handle = ({ path }) => path.includes('/messages');
    await stage.page.reload();
    await stage.page.getByRole('img', { name: 'Loading your conversation' }).waitFor();
  },
  'six-lines': async ({ widget }) => {
    await widget.open();
    await widget.field.fill(LONG.repeat(12));
  },
  counter: async ({ widget, page }) => {
    await widget.open();
    await widget.field.fill(LONG.repeat(70).slice(0, 3500));
    await page.getByText('3,500 / 4,000').waitFor();
  },
  'too-long': async ({ widget, page }) => {
    await widget.open();
    await widget.field.fill(LONG.repeat(80).slice(0, 4037));
    await page.getByText('37 over').waitFor();
  },
  'new-answer': async (stage) => {
    await ask(stage, `${TABLE}\n\n${TABLE}\n\n${TABLE}`);
    await stage.widget.log.evaluate((log) => log.scrollTo(0, 0));
    stage.desk.tell(told({ role: 'assistant', content: 'Then each service costs €3 more.' }, 9));
    await stage.page.getByRole('button', { name: 'New answer' }).waitFor();
  },
};
