import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { StoredMessage } from '../src/api';
import { type Conversation, createConversation } from '../src/conversation';
import { createLink } from '../src/link';
import { openSession, type Session } from '../src/session';
import { closeDesk, config, json, openDesk, says, settle, stream, unreachable } from './desk';

const START = { type: 'start', messageId: 'a1', seq: 0 };
const answer = (message: string) => says(START, { type: 'done', message, status: 'complete', seq: 9 });
const history = (messages: StoredMessage[], nextCursor: string | null = null) => json(200, { messages, nextCursor });

const asked = (id: string, content: string, clientMessageId?: string): StoredMessage => ({
  id,
  role: 'user',
  content,
  status: 'accepted',
  createdAt: 1,
  clientMessageId,
});
const answered = (id: string, content: string, more: Partial<StoredMessage> = {}): StoredMessage => ({
  id,
  role: 'assistant',
  content,
  status: 'complete',
  createdAt: 2,
  seq: 9,
  ...more,
});

/** A page as it is loaded: what an earlier page stored is there, what it had in memory is not. */
function load(): { conversation: Conversation; session: Session } {
  const session = openSession(config);
  const life = new AbortController().signal;
  return {
    session,
    conversation: createConversation(
      config,
      session,
      createLink(() => {}, life),
      () => {},
      life,
      () => {},
    ),
  };
}

const seconds = (count: number) => vi.advanceTimersByTimeAsync(count * 1000);
const said = ({ turns }: Conversation) =>
  turns.map(({ question, replyText: answer, stage: state }) => [question, answer, state]);

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
  vi.spyOn(Math, 'random').mockReturnValue(0);
  localStorage.clear();
  sessionStorage.clear();
});

afterEach(async () => {
  closeDesk();
  await settle();
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe('messages', () => {
  test('go out one after the other, in their order', async () => {
    const first = stream();
    const desk = openDesk(first.reply, answer('Two.'), answer('Three.'));
    const { conversation } = load();
    for (const question of ['One?', 'Two?', 'Three?']) conversation.submit(question);
    first.say(START);
    await settle();
    expect(desk.asked.map(({ body }) => body?.message)).toEqual(['One?']);
    expect(said(conversation).map(([, , state]) => state)).toEqual(['waiting', 'queueing', 'queueing']);
    first.say({ type: 'done', message: 'One.', status: 'complete', seq: 4 });
    await settle();
    expect(desk.asked.map(({ body }) => body?.message)).toEqual(['One?', 'Two?', 'Three?']);
    expect(said(conversation)).toEqual([
      ['One?', 'One.', 'complete'],
      ['Two?', 'Two.', 'complete'],
      ['Three?', 'Three.', 'complete'],
    ]);
  });

  test('keep the chat busy until their answer is there', async () => {
    const live = stream();
    openDesk(live.reply);
    const { conversation } = load();
    expect(conversation.isBusy()).toBe(false);
    conversation.submit('One?');
    await settle();
    expect(conversation.isBusy()).toBe(true);
    live.say(START);
    live.say({ type: 'done', message: 'One.', seq: 1 });
    await settle();
    expect(conversation.isBusy()).toBe(false);
  });

  test('that came too fast all wait, until the time the server names', async () => {
    openDesk(json(429, { retryAfter: 42 }));
    const { conversation } = load();
    conversation.submit('One?');
    conversation.submit('Two?');
    await settle();
    expect(said(conversation).map(([, , state]) => state)).toEqual(['limited', 'limited']);
    expect(conversation.waitUntil).toBe(1_042_000);
  });

  test('sent again in the same words keep their key, so that none arrives twice', async () => {
    const desk = openDesk(json(429, { retryAfter: 1 }), answer('One.'));
    const { conversation } = load();
    conversation.submit('One?');
    await settle();
    conversation.submit('One?');
    await settle();
    const keys = desk.asked.map(({ headers }) => headers['Idempotency-Key']);
    expect(keys[0]).toBe(keys[1]);
    expect(said(conversation)).toEqual([['One?', 'One.', 'complete']]);
  });

  test('changed while they had to wait are other messages', async () => {
    const desk = openDesk(json(429, { retryAfter: 1 }), answer('Two.'));
    const { conversation } = load();
    conversation.submit('One?');
    await settle();
    conversation.submit('Two?');
    await settle();
    const keys = desk.asked.map(({ headers }) => headers['Idempotency-Key']);
    expect(keys[0]).not.toBe(keys[1]);
    expect(said(conversation)).toEqual([['Two?', 'Two.', 'complete']]);
  });

  test('that failed are asked again under their key', async () => {
    const desk = openDesk(says(START, { type: 'error', error: 'No' }), answer('One.'));
    const { conversation } = load();
    conversation.submit('One?');
    await settle();
    const [turn] = conversation.turns;
    conversation.askAgain(turn as NonNullable<typeof turn>);
    conversation.askAgain(turn as NonNullable<typeof turn>);
    await settle();
    expect(desk.asked.map(({ headers }) => headers['Idempotency-Key'])).toEqual([turn?.key, turn?.key]);
    expect(said(conversation)).toEqual([['One?', 'One.', 'complete']]);
  });

  test('to a site that may not chat end the chat', async () => {
    vi.spyOn(console, 'error').mockReturnValue();
    openDesk(json(403));
    const { conversation } = load();
    conversation.submit('One?');
    await settle();
    expect(conversation.refused).toBe(true);
  });
});

describe('a message that is taken back', () => {
  test('while the server is out of reach is not sent any more, and the next one is', async () => {
    const desk = openDesk(unreachable, answer('Two.'));
    const { conversation, session } = load();
    conversation.submit('One?');
    conversation.submit('Two?');
    await settle();
    const [first] = conversation.turns;
    conversation.withdraw(first as NonNullable<typeof first>);
    await seconds(1);
    expect(said(conversation)).toEqual([['Two?', 'Two.', 'complete']]);
    expect(desk.asked.map(({ body }) => body?.message)).toEqual(['One?', 'Two?']);
    expect(session.tabState().unsent ?? []).toEqual([]);
  });

  test('from behind another leaves that one alone', async () => {
    const live = stream();
    const desk = openDesk(live.reply);
    const { conversation } = load();
    conversation.submit('One?');
    conversation.submit('Two?');
    await settle();
    const [, second] = conversation.turns;
    conversation.withdraw(second as NonNullable<typeof second>);
    live.say(START);
    live.say({ type: 'done', message: 'One.', status: 'complete', seq: 4 });
    await settle();
    expect(said(conversation)).toEqual([['One?', 'One.', 'complete']]);
    expect(desk.asked).toHaveLength(1);
  });
});

describe('a reload', () => {
  test('loses no message that the server has not confirmed', async () => {
    openDesk(unreachable);
    const before = load();
    before.conversation.submit('One?');
    before.conversation.submit('Two?');
    await settle();
    const keys = before.conversation.turns.map(({ key }) => key);
    vi.clearAllTimers();

    const desk = openDesk(history([]), answer('One.'), answer('Two.'));
    const after = load();
    after.conversation.restore();
    await settle();
    expect(desk.asked.slice(1).map(({ headers }) => headers['Idempotency-Key'])).toEqual(keys);
    expect(said(after.conversation)).toEqual([
      ['One?', 'One.', 'complete'],
      ['Two?', 'Two.', 'complete'],
    ]);
    expect(after.session.tabState().unsent).toBeUndefined();
  });

  test('sends no message again that did arrive', async () => {
    openDesk(unreachable);
    const before = load();
    before.conversation.submit('One?');
    await settle();
    const key = before.conversation.turns[0]?.key;
    vi.clearAllTimers();

    const desk = openDesk(history([asked('q1', 'One?', key), answered('a1', 'One.')]));
    const after = load();
    after.conversation.restore();
    await seconds(60);
    expect(desk.asked).toHaveLength(1);
    expect(said(after.conversation)).toEqual([['One?', 'One.', 'complete']]);
  });

  test('brings back what was said, question by question', async () => {
    const { conversation, session } = load();
    const { id, secret } = session.ensure();
    const desk = openDesk(
      history([
        asked('q1', 'One?', 'k1'),
        answered('a1', 'One.'),
        asked('q2', 'Two?', 'k2'),
        answered('a2', 'Tw', { status: 'stopped' }),
        asked('q3', 'Three?', 'k3'),
        answered('a3', 'Thr', { status: 'interrupted' }),
        asked('q4', 'Four?', 'k4'),
        answered('a4', '', { status: 'failed' }),
        asked('q5', 'Five?', 'k5'),
      ]),
    );
    conversation.restore();
    expect(conversation.isLoading).toBe(true);
    await settle();
    expect(conversation.isLoading).toBe(false);
    expect(desk.asked[0]).toMatchObject({
      url: `https://desk.example/v1/sessions/${id}/messages?limit=50`,
      headers: { 'x-session-secret': secret },
    });
    expect(said(conversation)).toEqual([
      ['One?', 'One.', 'complete'],
      ['Two?', 'Tw', 'stopped'],
      ['Three?', 'Thr', 'interrupted'],
      ['Four?', '', 'failed'],
      ['Five?', '', 'failed'],
    ]);
  });

  test('follows an answer that is still running', async () => {
    const { conversation, session } = load();
    session.ensure();
    const desk = openDesk(
      history([asked('q1', 'One?', 'k1'), answered('a1', 'On', { status: 'streaming', seq: 2 })]),
      says({ ...START, seq: 2 }, { type: 'token', token: 'e.', seq: 4 }, { type: 'done', message: 'One.', seq: 4 }),
    );
    conversation.restore();
    await settle();
    expect(desk.asked[1]?.url).toBe('https://desk.example/v1/chat/stream/a1?after=2');
    expect(said(conversation)).toEqual([['One?', 'One.', 'complete']]);
  });

  test('asks the server nothing about somebody who never wrote', async () => {
    const desk = openDesk();
    load().conversation.restore();
    await settle();
    expect(desk.asked).toEqual([]);
  });

  test('asks once, however often the chat is opened', async () => {
    const { conversation, session } = load();
    session.ensure();
    const desk = openDesk(history([asked('q1', 'One?'), answered('a1', 'One.')]));
    for (let times = 0; times < 3; times++) conversation.restore();
    await settle();
    conversation.restore();
    await settle();
    expect(desk.asked).toHaveLength(1);
  });

  test('while the server is away brings the conversation back later', async () => {
    const { conversation, session } = load();
    session.ensure();
    openDesk(unreachable, json(503), history([asked('q1', 'One?'), answered('a1', 'One.')]));
    conversation.restore();
    await seconds(3);
    expect(said(conversation)).toEqual([['One?', 'One.', 'complete']]);
  });

  test('sends a new message only after what was said before is there', async () => {
    const { conversation, session } = load();
    session.ensure();
    openDesk(unreachable, history([asked('q1', 'One?'), answered('a1', 'One.')]), answer('Two.'));
    conversation.restore();
    conversation.submit('Two?');
    await seconds(1);
    expect(said(conversation)).toEqual([
      ['One?', 'One.', 'complete'],
      ['Two?', 'Two.', 'complete'],
    ]);
  });
});

describe('older pages', () => {
  test('come in front, each once, and a question finds its answer across the border', async () => {
    const { conversation, session } = load();
    session.ensure();
    const desk = openDesk(
      history([answered('a1', 'One.'), asked('q2', 'Two?'), answered('a2', 'Two.')], 'older/1'),
      history([asked('q1', 'One?')]),
    );
    conversation.restore();
    await settle();
    conversation.loadOlder();
    conversation.loadOlder();
    await settle();
    conversation.loadOlder();
    await settle();
    expect(desk.asked.map(({ url }) => url.split('?')[1])).toEqual(['limit=50', 'limit=50&before=older%2F1']);
    expect(said(conversation)).toEqual([
      ['One?', '', 'complete'],
      ['', 'One.', 'complete'],
      ['Two?', 'Two.', 'complete'],
    ]);
  });
});

describe('starting over', () => {
  test('makes another visitor, with a secret of their own, and an empty log', async () => {
    const desk = openDesk(answer('One.'), answer('Two.'));
    const { conversation, session } = load();
    conversation.submit('One?');
    await settle();
    const before = session.current();
    conversation.startOver();
    expect([conversation.turns, session.current()]).toEqual([[], undefined]);
    conversation.submit('Two?');
    await settle();
    const after = session.current();
    expect(after?.id).not.toBe(before?.id);
    expect(after?.secret).not.toBe(before?.secret);
    expect(desk.asked[1]?.body?.sessionId).toBe(after?.id);
    expect(said(conversation)).toEqual([['Two?', 'Two.', 'complete']]);
  });

  test('stops the running answer, and hears no more of it', async () => {
    const old = stream();
    const live = stream();
    const desk = openDesk(old.reply, json(200), live.reply);
    const { conversation } = load();
    conversation.submit('One?');
    old.say(START);
    await settle();
    conversation.startOver();
    conversation.submit('Two?');
    live.say(START);
    old.say({ type: 'done', message: 'One.', seq: 4 });
    await settle();
    expect(desk.asked[1]?.url).toBe('https://desk.example/v1/chat/stop');
    expect(conversation.isBusy()).toBe(true);
    live.say({ type: 'done', message: 'Two.', seq: 4 });
    await settle();
    expect(said(conversation)).toEqual([['Two?', 'Two.', 'complete']]);
  });

  test('while the old conversation is being fetched does not bring it back', async () => {
    const { conversation, session } = load();
    session.ensure();
    let arrive = () => {};
    openDesk(async (signal) => {
      await new Promise<void>((resolve) => {
        arrive = resolve;
      });
      return history([asked('q1', 'One?'), answered('a1', 'One.')])(signal);
    });
    conversation.restore();
    conversation.startOver();
    arrive();
    await settle();
    expect([conversation.turns, conversation.isLoading]).toEqual([[], false]);
  });
});
