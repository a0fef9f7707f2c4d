import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { StoredMessage } from '../src/api';
import { type Conversation, createConversation } from '../src/conversation';
import { mergeMessage } from '../src/feed';
import { createLink } from '../src/link';
import { openSession, type Session } from '../src/session';
import { newTurn, type Turn } from '../src/turn';
import { closeDesk, config, json, openDesk, says, settle, stream, unreachable } from './desk';

const user = (place: number, content: string, clientMessageId?: string): StoredMessage => ({
  id: `q${place}`,
  place,
  role: 'user',
  content,
  status: 'accepted',
  createdAt: place,
  clientMessageId,
});
const assistant = (place: number, content: string, more: Partial<StoredMessage> = {}): StoredMessage => ({
  id: `a${place}`,
  place,
  role: 'assistant',
  content,
  status: 'complete',
  createdAt: place,
  seq: content.length,
  ...more,
});
const message = (stored: StoredMessage, cursor = `c.${stored.place}.0`) => ({
  type: 'message',
  message: stored,
  cursor,
});
const caughtUp = { type: 'state', answering: null, cursor: 'c.9.0' };

/** Tabs of one browser, as far as they hear each other. */
class Channel {
  static all: Channel[] = [];
  onmessage?: (event: { data: unknown }) => void;
  constructor(readonly name: string) {
    Channel.all.push(this);
  }
  postMessage(data: unknown) {
    for (const other of Channel.all)
      if (other !== this && other.name === this.name) other.onmessage?.({ data: structuredClone(data) });
  }
  close() {
    Channel.all = Channel.all.filter((other) => other !== this);
  }
}

interface Tab {
  conversation: Conversation;
  session: Session;
  read: () => void;
  life: AbortController;
}

let lives: AbortController[];
function openTab(changed = () => {}): Tab {
  const life = new AbortController();
  lives.push(life);
  const session = openSession(config);
  const read = vi.fn();
  const link = createLink(() => {}, life.signal);
  const conversation = createConversation(config, session, link, changed, life.signal, read);
  return { conversation, session, read, life };
}

function look(visibility: string) {
  vi.spyOn(document, 'visibilityState', 'get').mockReturnValue(visibility as DocumentVisibilityState);
  document.dispatchEvent(new Event('visibilitychange'));
}

const seconds = (count: number) => vi.advanceTimersByTimeAsync(count * 1000);
const said = ({ turns }: Conversation) => turns.map(({ question, answer, state }) => [question, answer, state]);
const history = (eventsCursor: string, ...messages: StoredMessage[]) =>
  json(200, { messages, nextCursor: null, eventsCursor });

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
  vi.spyOn(Math, 'random').mockReturnValue(0);
  vi.stubGlobal('BroadcastChannel', Channel);
  Channel.all = [];
  lives = [];
  localStorage.clear();
  sessionStorage.clear();
});

afterEach(async () => {
  for (const life of lives) life.abort();
  closeDesk();
  await settle();
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe('an open chat', () => {
  test('goes on after the history with the feed, and shows what is said elsewhere as it is said', async () => {
    const { conversation, session } = openTab();
    const { id, secret } = session.ensure();
    const feed = stream();
    const desk = openDesk(history('c.2.0', user(1, 'One?', 'k1'), assistant(2, 'One.')), feed.reply);
    conversation.restore();
    conversation.watch(true);
    await settle();
    expect(desk.asked[1]).toMatchObject({
      method: 'GET',
      url: `https://desk.example/v1/sessions/${id}/events?after=c.2.0`,
      headers: { 'x-session-secret': secret },
    });
    feed.say(message(user(3, 'Two?', 'k2')));
    feed.say(message(assistant(4, '', { status: 'streaming', seq: 0 })));
    feed.say({ type: 'state', answering: { role: 'assistant', messageId: 'a4' }, cursor: 'c.4.0' });
    feed.say({ type: 'token', messageId: 'a4', token: 'Tw', seq: 2, cursor: 'c.4.2' });
    await settle();
    expect(said(conversation).at(-1)).toEqual(['Two?', 'Tw', 'streaming']);
    expect(conversation.isBusy()).toBe(true);
    feed.say(message(assistant(4, 'Two.')));
    feed.say(caughtUp);
    await settle();
    expect(said(conversation)).toEqual([
      ['One?', 'One.', 'complete'],
      ['Two?', 'Two.', 'complete'],
    ]);
    expect(conversation.isBusy()).toBe(false);
  });

  test('comes back with the last cursor after a drop, and nothing is shown twice', async () => {
    const { conversation, session } = openTab();
    session.ensure();
    const feed = stream();
    const desk = openDesk(
      history('c.0.0'),
      feed.reply,
      unreachable,
      says(
        { type: 'token', messageId: 'a2', token: 'One', seq: 3, cursor: 'c.2.3' },
        { type: 'token', messageId: 'a2', token: '.', seq: 4, cursor: 'c.2.4' },
      ),
      stream().reply,
    );
    conversation.restore();
    conversation.watch(true);
    await settle();
    feed.say(message(user(1, 'One?', 'k1')));
    feed.say(message(assistant(2, '', { status: 'streaming', seq: 0 })));
    feed.say({ type: 'token', messageId: 'a2', token: 'One', seq: 3, cursor: 'c.2.3' });
    await settle();
    feed.cut();
    await seconds(4);
    expect(desk.asked.slice(1, 4).map(({ url }) => url.split('?')[1])).toEqual([
      'after=c.0.0',
      'after=c.2.3',
      'after=c.2.3',
    ]);
    expect(said(conversation)).toEqual([['One?', 'One.', 'streaming']]);
  });

  test('does without where the server has no feed', async () => {
    const { conversation, session } = openTab();
    session.ensure();
    const desk = openDesk(history('c.0.0', user(1, 'One?'), assistant(2, 'One.')), json(404));
    conversation.restore();
    conversation.watch(true);
    await seconds(60);
    look('visible');
    await seconds(60);
    expect(desk.asked).toHaveLength(2);
    expect(said(conversation)).toEqual([['One?', 'One.', 'complete']]);
  });

  test('begins anew where the server does not know the cursor any more', async () => {
    const { conversation, session } = openTab();
    session.ensure();
    const desk = openDesk(history('old', user(1, 'Old?')), json(400, { code: 'invalid_cursor' }), stream().reply);
    conversation.restore();
    conversation.watch(true);
    await seconds(2);
    expect(desk.asked[2]?.url).toMatch(/\/events$/);
    expect(conversation.turns).toEqual([]);
  });

  test('forgets what the server tells it to forget, but nothing that has yet to be sent', async () => {
    const { conversation, session } = openTab();
    session.ensure();
    const feed = stream();
    openDesk(
      history('c.2.0', user(1, 'One?'), assistant(2, 'One.')),
      stream().reply,
      json(429, { retryAfter: 60 }),
      feed.reply,
    );
    conversation.restore();
    conversation.watch(true);
    await settle();
    conversation.send('Mine?');
    await settle();
    feed.say({ type: 'reset' });
    await settle();
    expect(said(conversation).at(-1)).toEqual(['Mine?', '', 'limited']);
  });

  test('leaves the feed while its own answer is on its way, and goes on after it where it was', async () => {
    const { conversation, session } = openTab();
    session.ensure();
    const feed = stream();
    const next = stream();
    const answer = says(
      { type: 'start', messageId: 'a2', seq: 0 },
      { type: 'done', message: 'One.', status: 'complete', seq: 4 },
    );
    const desk = openDesk(history('c.0.0'), feed.reply, answer, next.reply);
    conversation.restore();
    conversation.watch(true);
    await settle();
    conversation.send('One?');
    await settle();
    expect(feed.aborted).toBe(true);
    expect(desk.asked[3]?.url).toMatch(/events\?after=c\.0\.0$/);
    const { key } = conversation.turns[0] as Turn;
    next.say(message(user(1, 'One?', key)));
    next.say(message(assistant(2, 'One.')));
    await settle();
    expect(said(conversation)).toEqual([['One?', 'One.', 'complete']]);
  });

  test('hangs up without taking the connection for lost', async () => {
    const { conversation, session, life } = openTab();
    session.ensure();
    const link = createLink(() => {});
    const feed = stream();
    openDesk(history('c.0.0'), feed.reply);
    conversation.restore();
    conversation.watch(true);
    await settle();
    life.abort();
    await seconds(60);
    expect([feed.aborted, link.down]).toEqual([true, false]);
  });
});

describe('nobody follows', () => {
  test('before the first message of a visitor', async () => {
    const desk = openDesk();
    openTab().conversation.watch(true);
    await seconds(10);
    expect(desk.asked).toEqual([]);
  });

  test('while the chat is closed or the tab is hidden, and then it goes on exactly there', async () => {
    const { conversation, session } = openTab();
    session.ensure();
    const feeds = [stream(), stream(), stream()];
    const desk = openDesk(history('c.2.0', user(1, 'One?'), assistant(2, 'One.')), ...feeds.map(({ reply }) => reply));
    conversation.restore();
    conversation.watch(true);
    await settle();
    feeds[0]?.say(caughtUp);
    await settle();
    conversation.watch(false);
    await settle();
    expect(feeds[0]?.aborted).toBe(true);
    conversation.watch(true);
    await settle();
    look('hidden');
    await seconds(100);
    expect(feeds[1]?.aborted).toBe(true);
    look('visible');
    await settle();
    expect(desk.asked).toHaveLength(4);
    expect(desk.asked[3]?.url).toMatch(/after=c\.9\.0$/);
  });

  test('but somebody whose words are awaited: of the hidden tabs one at a time', async () => {
    const request = vi.fn(async (_name: string, _options: object, follow: () => Promise<void>) => follow());
    vi.stubGlobal('navigator', { onLine: true, locks: { request } });
    const { conversation, session } = openTab();
    session.ensure();
    const feed = stream();
    openDesk(history('c.2.0', user(1, 'One?'), assistant(2, 'One.')), feed.reply, stream().reply);
    conversation.restore();
    conversation.watch(true);
    await settle();
    feed.say({ type: 'state', answering: { role: 'operator' }, cursor: 'c.3.0' });
    await settle();
    expect(request).not.toHaveBeenCalled();
    look('hidden');
    await settle();
    expect(request).toHaveBeenCalledOnce();
    expect(request.mock.calls[0]?.[0]).toBe(session.name);
  });
});

describe('the tabs of a visitor', () => {
  test('show what one of them was told, without asking the server', async () => {
    const one = openTab();
    const other = openTab();
    one.session.ensure();
    const feed = stream();
    const idle = stream();
    const desk = openDesk(history('c.0.0'), feed.reply, history('c.0.0'), idle.reply);
    for (const { conversation } of [one, other]) {
      conversation.restore();
      conversation.watch(true);
      await settle();
    }
    feed.say(message(user(1, 'One?', 'k1')));
    feed.say(message(assistant(2, 'One.')));
    await settle();
    expect(desk.asked).toHaveLength(4);
    expect(said(other.conversation)).toEqual([['One?', 'One.', 'complete']]);
  });

  test('begin a new conversation together, and keep the new one', async () => {
    const one = openTab();
    const other = openTab();
    const before = one.session.ensure();
    openDesk(
      history('c.0.0', user(1, 'One?')),
      stream().reply,
      history('c.0.0', user(1, 'One?')),
      stream().reply,
      stream().reply,
    );
    for (const { conversation } of [one, other]) {
      conversation.restore();
      conversation.watch(true);
      await settle();
    }
    one.conversation.startOver();
    expect(other.conversation.turns).toEqual([]);
    const after = one.session.ensure();
    expect(after).not.toEqual(before);
    expect(other.session.ensure()).toEqual(after);
  });

  test('hear that the visitor has read what there is', async () => {
    const one = openTab();
    const other = openTab();
    one.session.ensure();
    openDesk();
    for (const { conversation } of [one, other]) conversation.watch(false);
    one.conversation.tellRead();
    expect(other.read).toHaveBeenCalledOnce();
    expect(one.read).not.toHaveBeenCalled();
  });

  test('of another visitor hear nothing', async () => {
    const one = openTab();
    const other = openTab();
    one.session.ensure();
    vi.spyOn(other.session, 'current').mockReturnValue({ id: 'somebody else', secret: '' });
    for (const { conversation } of [one, other]) conversation.watch(false);
    one.conversation.tellRead();
    expect(other.read).not.toHaveBeenCalled();
  });

  test('are each alone where there is no BroadcastChannel, and chat all the same', async () => {
    vi.stubGlobal('BroadcastChannel', undefined);
    const { conversation, session } = openTab();
    session.ensure();
    const feed = stream();
    openDesk(history('c.0.0'), feed.reply);
    conversation.restore();
    conversation.watch(true);
    await settle();
    feed.say(message(user(1, 'One?', 'k1')));
    await settle();
    expect(conversation.turns).toHaveLength(1);
  });
});

describe('a message from the feed', () => {
  test('finds its place, in whatever order and however often it comes', () => {
    const stored = [
      user(1, 'One?', 'k1'),
      assistant(2, 'One.'),
      user(3, 'Two?'),
      assistant(4, 'Two.'),
      user(5, 'Three?', 'k3'),
      assistant(6, 'Thr', { status: 'interrupted' }),
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(0, 1, 2)), (pairs) => {
        const turns: Turn[] = [];
        // A question and its answer come together; pairs in any order, and the whole at the end.
        for (const pair of [...pairs, 0, 1, 2])
          for (const each of stored.slice(pair * 2, pair * 2 + 2)) mergeMessage(turns, each);
        expect(turns.map(({ question, answer, state }) => [question, answer, state])).toEqual([
          ['One?', 'One.', 'complete'],
          ['Two?', 'Two.', 'complete'],
          ['Three?', 'Thr', 'interrupted'],
        ]);
      }),
    );
  });

  test('stands before what has yet to be sent', () => {
    const waiting = newTurn('mine', 'Mine?', 1);
    const turns = [waiting];
    mergeMessage(turns, user(1, 'Theirs?', 'theirs'));
    mergeMessage(turns, assistant(2, 'Yes.'));
    expect(turns.map(({ question }) => question)).toEqual(['Theirs?', 'Mine?']);
  });

  test('confirms the message of ours that it is, and the answer takes the place of the one that failed', () => {
    const turns = [newTurn('mine', 'Mine?', 1)];
    mergeMessage(turns, user(1, 'Mine?', 'mine'));
    mergeMessage(turns, assistant(2, '', { id: 'failed', status: 'failed' }));
    mergeMessage(turns, assistant(2, 'Yes.', { id: 'anew' }));
    expect(turns).toHaveLength(1);
    expect(turns[0]).toMatchObject({ accepted: true, answer: 'Yes.', answerId: 'anew', state: 'complete' });
  });

  test('leaves the answer alone that is coming another way', () => {
    const mine = { ...newTurn('mine', 'Mine?', 1), state: 'streaming' as const, answer: 'Ye', answerId: 'a2' };
    const turns: Turn[] = [mine];
    mergeMessage(turns, user(1, 'Mine?', 'mine'), mine);
    mergeMessage(turns, assistant(2, 'Y', { status: 'streaming', seq: 1 }), mine);
    expect(turns).toEqual([mine]);
    expect(mine).toMatchObject({ answer: 'Ye', place: 1 });
  });
});

describe('over connections that break anywhere', () => {
  /** A conversation as the server has it, change by change, and its feed: states since a cursor, then what comes. */
  function pretendServer(answers: string[]) {
    const changes: { place: number; length: number; over: boolean }[] = [];
    answers.forEach((text, index) => {
      changes.push({ place: index * 2 + 1, length: 0, over: true });
      for (let length = 0; length <= text.length; length++) changes.push({ place: index * 2 + 2, length, over: false });
      changes.push({ place: index * 2 + 2, length: text.length, over: true });
    });
    const stored = (change: (typeof changes)[number]) => {
      const { place, length, over } = change;
      const text = (answers[(place - 2) / 2] ?? '').slice(0, length);
      if (place % 2) return user(place, `Question ${place}?`, `k${place}`);
      return assistant(place, text, { status: over ? 'complete' : 'streaming', seq: length });
    };
    /** What a reader with this cursor is sent, when the server is at `now`. */
    function* since(cursor: number, now: number) {
      const latest = new Map(changes.slice(cursor, now).map((change) => [change.place, change]));
      const known = changes[cursor - 1];
      let at = cursor;
      for (const change of latest.values()) {
        at = changes.indexOf(change) + 1;
        // A reader who has the beginning of an answer gets the rest of it as words.
        if (!change.over && known?.place === change.place && !known.over) yield token(change, known.length, at);
        else yield { type: 'message', message: stored(change), cursor: `${at}` };
      }
      yield { type: 'state', answering: null, cursor: `${at}` };
      for (let next = now; next < changes.length; next++) {
        const change = changes[next] as (typeof changes)[number];
        const before = changes[next - 1];
        if (!change.over && change.length > 0) yield token(change, before?.length ?? 0, next + 1);
        else yield { type: 'message', message: stored(change), cursor: `${next + 1}` };
      }
    }
    const token = ({ place, length }: { place: number; length: number }, from: number, at: number) => ({
      type: 'token',
      messageId: `a${place}`,
      token: (answers[(place - 2) / 2] ?? '').slice(from, length),
      seq: length,
      cursor: `${at}`,
    });
    return { since, length: changes.length };
  }

  test('a tab holds what is stored, every word once', async () => {
    const words = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', ' '), maxLength: 6 }), {
      minLength: 1,
      maxLength: 4,
    });
    const cuts = fc.array(fc.record({ progress: fc.nat(6), read: fc.nat(8) }), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(words, cuts, async (answers, plan) => {
        localStorage.clear();
        sessionStorage.clear();
        const shown: string[] = [];
        const { conversation, session, life } = openTab(() =>
          shown.push(...conversation.turns.map(({ place = 0, answer }) => `${place} ${answer}`)),
        );
        session.ensure();
        const server = pretendServer(answers);
        let now = 0;
        const replies = plan.map(({ progress, read }) => async (signal: AbortSignal | null | undefined) => {
          now = Math.min(now + progress, server.length);
          const from = Number(/after=(\d+)/.exec(desk.asked.at(-1)?.url ?? '')?.[1] ?? 0);
          now = Math.max(now, from);
          return says(...[...server.since(from, now)].slice(0, read))(signal);
        });
        const rest = async (signal: AbortSignal | null | undefined) => {
          const from = Number(/after=(\d+)/.exec(desk.asked.at(-1)?.url ?? '')?.[1] ?? 0);
          return says(...server.since(from, Math.max(now, from)))(signal);
        };
        const desk = openDesk(
          json(200, { messages: [], nextCursor: null, eventsCursor: null }),
          ...replies,
          rest,
          stream().reply,
        );
        conversation.restore();
        conversation.watch(true);
        await seconds(200);
        expect(said(conversation)).toEqual(
          answers.map((text, index) => [`Question ${index * 2 + 1}?`, text, 'complete']),
        );
        // At no time was there a word too many.
        const whole = answers.map((text, index) => `${index * 2 + 1} ${text}`);
        expect(shown.filter((each) => !whole.some((text) => text.startsWith(each)))).toEqual([]);
        life.abort();
      }),
      { numRuns: 60 },
    );
  });
});
