/** People of the team, as a visitor meets them: asking for one, talking to one, and nobody being there. */

import { begun, type ScriptedDesk } from '../support/scripted-desk.ts';
import { expect, test } from '../support/stage.ts';
import { ask, askForPerson, comeBack, NOW, PEOPLE, press, STATES, told } from '../support/states.ts';

/** What was sent below a session's address. */
const sent = (desk: ScriptedDesk, path: string) =>
  desk.asked.filter((asked) => asked.path.endsWith(path)).map(({ body }) => body);

test('a visitor who asks for a person before anything else hears that the team knows', async ({ stage }) => {
  const { widget, page, desk } = stage;
  await widget.open();
  await press(stage, 'More options');
  await page.getByRole('menuitem', { name: 'Talk to a person' }).click();
  await expect(widget.field).toBeFocused();
  await expect.poll(() => sent(desk, '/handoff')).toMatchObject([{ page: page.url() }]);
  desk.tell(told({ role: 'event', content: 'asked' }, 1));
  await expect(widget.log).toContainText('You asked for a person. We told the team.');
  await expect(widget.status).toHaveText('You asked for a person. We told the team.');
  await expect(widget.field).toHaveAttribute('placeholder', 'Or keep asking Wren');
  expect(sent(desk, '/chat')).toEqual([]);
});

test('when nobody is there, the visitor can leave an address', async ({ stage }) => {
  await askForPerson(stage);
  const { widget, page, desk } = stage;
  const email = page.getByRole('textbox', { name: 'Email' });
  await email.fill('not an address');
  await email.press('Enter');
  expect(sent(desk, '/handoff')).toHaveLength(1);
  // What cannot be delivered stays where it is.
  desk.handle = ({ path }, response) => path.endsWith('/handoff') && !!response.writeHead(503).end('{}');
  await email.fill('you@example.com');
  await press(stage, 'Send');
  await expect(widget.log).toContainText('That did not work');
  await expect(email).toHaveValue('you@example.com');
  desk.handle = () => false;
  await email.press('Enter');
  await expect(widget.log).toContainText('Thanks. We will write to you@example.com.');
  await expect(widget.status).toHaveText('Thanks. We will write to you@example.com.');
  await expect(widget.log).not.toContainText('That did not work');
  expect(sent(desk, '/handoff').at(-1)).toMatchObject({ email: 'you@example.com' });
  // Somebody may come all the same.
  desk.tell(told({ role: 'event', content: 'joined', name: 'Maya Olsen' }, 9));
  await expect(widget.log).not.toContainText('The team is away');
});

test('a server that has nobody to ask is sent the words', async ({ stage }) => {
  const { widget, page, desk } = stage;
  desk.handle = ({ path }, response) => path.endsWith('/handoff') && !!response.writeHead(404).end('{}');
  await widget.open();
  await press(stage, 'More options');
  await page.getByRole('menuitem', { name: 'Talk to a person' }).click();
  await expect(widget.answers()).toHaveText('You asked: Talk to a person');
});

test('what is said to a person is delivered, and each sees the other one write', async ({ stage }) => {
  await comeBack(stage, PEOPLE);
  const { widget, page, desk } = stage;
  await expect(widget.panel).toHaveAccessibleName('Maya Olsen');
  desk.answer = (_, say) =>
    say({ type: 'start', conversationId: 'c' }, { type: 'done', message: '', status: 'delivered' });
  await widget.field.pressSequentially('Is it heavy?');
  await expect.poll(() => sent(desk, '/typing')).toMatchObject([{ typing: true }]);
  await page.keyboard.press('Enter');
  await expect(widget.questions().last()).toHaveText('Is it heavy?');
  await expect.poll(() => sent(desk, '/typing')).toMatchObject([{ typing: true }, { typing: false }]);
  await expect(page.getByRole('button', { name: 'Send message' })).toBeVisible();
  await expect(widget.log).not.toContainText('Wren is answering');
  await expect(widget.log).not.toContainText('did not arrive');
  desk.tell({ type: 'typing', name: 'Maya Olsen' });
  await expect(widget.log).toContainText('Maya Olsen is typing');
  desk.tell(told({ role: 'operator', name: 'Maya Olsen', content: 'Two kilos.' }, 9), { type: 'typing' });
  await expect(widget.status).toHaveText('Maya Olsen: Two kilos.');
  await expect(widget.log).not.toContainText('Maya Olsen is typing');
});

test('the newest message that a person has read says so', async ({ stage }) => {
  await comeBack(stage, PEOPLE.slice(0, -1));
  const { widget, desk } = stage;
  await expect(widget.panel).toHaveAccessibleName('Maya Olsen');
  const seen = widget.log.getByText('Seen', { exact: true });
  const asked = (id: string, content: string, place: number) => told({ role: 'user', id, content, seen: true }, place);
  desk.tell(asked('m0', 'My parcel has said “at depot” for four days.', 1));
  await expect(seen).toHaveCount(1);
  desk.tell(asked('m6', 'Thank you!', 7));
  await expect(widget.questions()).toHaveText([/days\.$/, 'Thank you!Seen']);
});

test('a message says which page it comes from, without what the page keeps behind its address', async ({ stage }) => {
  const { page, desk } = stage;
  await page.evaluate(() => history.replaceState(null, '', '#order-4471'));
  await ask(stage);
  expect(sent(desk, '/chat')[0]).toMatchObject({ page: page.url().split('#')[0] });
});

test('the header says when an answer is being written', async ({ stage }) => {
  const { widget, desk } = stage;
  await widget.open();
  await expect(widget.panel.getByText('AI assistant', { exact: true })).toBeVisible();
  desk.answer = (_, say) => say(...begun('Yes'));
  await widget.send('Is it open?');
  await expect(widget.panel.getByText('Answering', { exact: true })).toBeVisible();
});

test('the preview of a message goes by itself, but not while the pointer is on it', async ({ stage }) => {
  const { page } = stage;
  await page.clock.install({ time: NOW });
  await STATES.peek?.(stage);
  const peek = page.locator('.peek');
  await peek.hover();
  await page.clock.runFor(25_000);
  await expect(peek).toBeVisible();
  await page.mouse.move(10, 10);
  await page.clock.runFor(11_000);
  await expect(peek).toHaveCount(0);
});
