import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createApi } from '../src/api';
import { startExchange } from '../src/exchange';
import { createLink } from '../src/link';
import { newTurn, type Turn, type TurnState } from '../src/turn';
import {
  closeDesk,
  config,
  type Desk,
  identity,
  json,
  openDesk,
  type Reply,
  says,
  settle,
  stream,
  unreachable,
} from './desk';

const START = { type: 'start', conversationId: 'c1', messageId: 'a1', seq: 0 };
const token = (text: string, seq: number) => ({ type: 'token', token: text, seq });
const done = (message: string, seq: number) => ({ type: 'done', message, status: 'complete', seq });

interface Run {
  desk: Desk;
  turn: Turn;
  states: TurnState[];
  stop(): void;
  /** What the exchange settled to, if it has. */
  outcome(): number | undefined;
}

function begin(...replies: Reply[]): Run {
  return carry(newTurn('key-1', 'Do you ship to Norway?', 0), ...replies);
}

function carry(turn: Turn, ...replies: Reply[]): Run {
  const desk = openDesk(...replies);
  const link = createLink(() => {}, new AbortController().signal);
  const states: TurnState[] = [];
  const exchange = startExchange(
    turn,
    createApi(config, identity, link, () => ''),
    link,
    () => {
      if (states.at(-1) !== turn.stage) states.push(turn.stage);
    },
  );
  let outcome: number | undefined;
  exchange.ended.then((seconds) => {
    outcome = seconds;
  });
  return { desk, turn, states, stop: exchange.halt, outcome: () => outcome };
}

const seconds = (count: number) => vi.advanceTimersByTimeAsync(count * 1000);
const keys = ({ desk }: Run) => desk.asked.map(({ headers }) => headers['Idempotency-Key']);
const addresses = ({ desk }: Run) => desk.asked.map(({ method, url }) => `${method} ${url.slice(config.base.length)}`);

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, 'random').mockReturnValue(0);
});

afterEach(async () => {
  closeDesk();
  await settle();
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe('an answer that arrives', () => {
  test('goes from its first event to its last', async () => {
    const run = begin(says(START, token('Yes, ', 1), token('we do.', 2), done('Yes, we do.', 3)));
    await settle();
    expect(run.states).toEqual(['sending', 'waiting', 'streaming', 'complete']);
    expect(run.turn).toMatchObject({ replyText: 'Yes, we do.', answerId: 'a1', reached: 3, accepted: true });
    expect(run.outcome()).toBe(0);
  });

  test('was asked for with the key of the site, the secret of the visitor and nothing of the browser', async () => {
    const run = begin(says(START, done('Yes.', 1)));
    await settle();
    expect(run.desk.asked).toEqual([
      {
        method: 'POST',
        url: 'https://desk.example/chat',
        headers: {
          'x-widget-api-key': 'public-key',
          'x-session-secret': 'secret',
          'Content-Type': 'application/json',
          'Idempotency-Key': 'key-1',
        },
        body: { sessionId: 'visitor', message: 'Do you ship to Norway?', page: location.href.split('#')[0] },
      },
    ]);
  });

  test('is in the end what the server has stored', async () => {
    const run = begin(says(START, token('Yes', 1), done('Yes, and to Sweden.', 2)));
    await settle();
    expect(run.turn.replyText).toBe('Yes, and to Sweden.');
  });

  test('may come as one object, from the address that does not stream', async () => {
    const run = begin(says({ conversationId: 'c1', message: 'Yes.' }));
    await settle();
    expect(run.turn).toMatchObject({ replyText: 'Yes.', stage: 'complete' });
  });

  test('is marked where it reached its length limit', async () => {
    const end = { type: 'done', message: 'Yes', status: 'interrupted', finishReason: 'length' };
    const run = begin(says(START, token('Yes', 1), end));
    await settle();
    expect(run.turn.stage).toBe('cut');
  });

  test('survives events and members nobody has heard of', async () => {
    const run = begin(says(START, { type: 'sources', sources: [] }, token('Yes.', 1), done('Yes.', 2)));
    await settle();
    expect(run.turn).toMatchObject({ replyText: 'Yes.', stage: 'complete' });
  });
});

describe('a connection that breaks', () => {
  test.each(['end', 'cut'] as const)(
    'by a sudden %s is picked up at the cursor, without doubled words',
    async (how) => {
      const broken = stream();
      const next = stream();
      const run = begin(broken.reply, next.reply);
      for (const event of [START, token('Yes', 1), token(',', 2)]) broken.say(event);
      await settle();
      broken[how]();
      await seconds(1);
      expect(addresses(run)).toEqual(['POST /chat', 'GET /v1/chat/stream/a1?after=2']);
      for (const event of [{ ...START, seq: 2 }, token(' we', 3)]) next.say(event);
      await settle();
      expect(run.turn).toMatchObject({ replyText: 'Yes, we', stage: 'streaming' });
      next.say(done('Yes, we do.', 4));
      await settle();
      expect(run.turn).toMatchObject({ replyText: 'Yes, we do.', stage: 'complete' });
    },
  );

  test('shows the whole answer once if the server begins it anew', async () => {
    const run = begin(says(START, token('Yes', 1)), says(START, token('No', 1), token('.', 2), done('No.', 3)));
    await seconds(1);
    expect(run.turn).toMatchObject({ replyText: 'No.', stage: 'complete' });
  });

  test('before the server took the message sends it again under the same key', async () => {
    const run = begin(unreachable, unreachable, says(START, done('Yes.', 1)));
    await settle();
    expect(run.turn.stage).toBe('queueing');
    await seconds(1);
    await seconds(2);
    expect(keys(run)).toEqual(['key-1', 'key-1', 'key-1']);
    expect(run.turn.stage).toBe('complete');
  });

  test('is given up after six tries, and the message is unsent', async () => {
    const run = begin(...Array<Reply>(6).fill(json(503)));
    await seconds(1 + 2 + 4 + 8 + 15);
    expect(run.desk.asked).toHaveLength(6);
    expect(run.turn.stage).toBe('unsent');
    expect(run.outcome()).toBe(0);
  });

  test('has all its tries again once a word came in', async () => {
    const away = Array<Reply>(5).fill(json(503));
    const end = says({ ...START, seq: 1 }, done('Yes.', 2));
    const run = begin(...away, says(START, token('Yes', 1)), ...away.slice(1), end);
    await seconds(1 + 2 + 4 + 8 + 15);
    expect(run.turn).toMatchObject({ replyText: 'Yes', stage: 'streaming' });
    await seconds(1 + 2 + 4 + 8 + 15);
    expect(run.turn).toMatchObject({ replyText: 'Yes.', stage: 'complete' });
  });

  test('is never given up while there is no network at all', async () => {
    vi.spyOn(navigator, 'onLine', 'get').mockReturnValue(false);
    const run = begin(...Array<Reply>(9).fill(unreachable), says(START, done('Yes.', 1)));
    await seconds(1 + 2 + 4 + 8 + 4 * 15);
    expect([run.desk.asked.length, run.turn.stage]).toEqual([9, 'queueing']);
    await seconds(15);
    expect(run.turn.stage).toBe('complete');
  });

  test('is tried again at once when the network is back', async () => {
    const run = begin(unreachable, says(START, done('Yes.', 1)));
    await settle();
    window.dispatchEvent(new Event('online'));
    await settle();
    expect(run.turn.stage).toBe('complete');
  });

  test('by forty silent seconds is a dead one', async () => {
    const silent = stream();
    const run = begin(silent.reply, says({ ...START, seq: 1 }, done('Yes.', 2)));
    silent.say(START);
    silent.say(token('Yes', 1));
    await seconds(39);
    expect(silent.aborted).toBe(false);
    await seconds(1);
    expect(silent.aborted).toBe(true);
    await seconds(1);
    expect(run.turn).toMatchObject({ replyText: 'Yes.', stage: 'complete' });
  });

  test('is not mistaken for one that says nothing but blank lines', async () => {
    const quiet = stream();
    const run = begin(quiet.reply);
    quiet.say(START);
    for (let times = 0; times < 8; times++) {
      await seconds(15);
      quiet.blank();
    }
    await settle();
    expect([quiet.aborted, run.turn.stage]).toEqual([false, 'waiting']);
  });

  test.each([
    [6, 'Héllo'],
    [3, 'Hé'],
    [0, ''],
  ])('and has only %i bytes after a crash shows no more than those', async (seq, answer) => {
    const restarted = { type: 'error', error: 'Interrupted', code: 'restarted', retryable: true, seq };
    const run = begin(
      says(START, token('Héllo', 6)),
      says({ ...START, seq: 6 }, token(', wörld', 14)),
      says({ ...START, seq }, restarted),
    );
    run.turn.kept = {};
    await seconds(3);
    expect(addresses(run).at(-1)).toBe('GET /v1/chat/stream/a1?after=14');
    expect(run.turn).toMatchObject({
      replyText: answer,
      stage: answer ? 'interrupted' : 'failed',
      final: false,
      kept: undefined,
    });
  });

  test('after half an answer, and for good, leaves the half and says so', async () => {
    const run = begin(says(START, token('Yes', 1)), json(404));
    await seconds(1);
    expect(run.turn).toMatchObject({ replyText: 'Yes', stage: 'interrupted' });
  });
});

describe('a server that does not answer the message', () => {
  test('because another answer is running is asked again, under the same key', async () => {
    const busy = json(409, { code: 'conversation_busy', retryAfter: 3 });
    const run = begin(busy, says(START, done('Yes.', 1)));
    await seconds(2.9);
    expect(run.desk.asked).toHaveLength(1);
    await seconds(0.1);
    expect(keys(run)).toEqual(['key-1', 'key-1']);
    expect(run.turn.stage).toBe('complete');
  });

  test('for another conflict is not asked again', async () => {
    const run = begin(json(409, { code: 'idempotency_key_reused' }));
    await seconds(60);
    expect([run.desk.asked.length, run.turn.stage]).toEqual([1, 'unsent']);
  });

  test.each([
    [{ retryAfter: 42 }, 42],
    [{}, 30],
  ])('because of too many messages (%o) tells how long to wait', async (body, wait) => {
    const run = begin(json(429, body));
    await settle();
    expect([run.turn.stage, run.outcome()]).toEqual(['limited', wait]);
  });

  test('because of too many requests while an answer is on its way is asked again', async () => {
    const run = begin(
      says(START, token('Yes', 1)),
      json(429, { retryAfter: 5 }),
      says({ ...START, seq: 1 }, done('Yes.', 2)),
    );
    await seconds(1);
    expect(run.turn.stage).toBe('streaming');
    await seconds(5);
    expect([run.turn.stage, run.outcome()]).toEqual(['complete', 0]);
  });

  test.each([401, 403])('with %i refuses for good, and tells the developer', async (status) => {
    const log = vi.spyOn(console, 'error').mockReturnValue();
    const run = begin(json(status));
    await seconds(60);
    expect([run.turn.stage, run.desk.asked.length]).toEqual(['refused', 1]);
    expect(log.mock.calls.join()).toContain('[Frontdesk] Refused');
  });

  test.each([
    [false, true],
    [true, false],
    [undefined, false],
  ])('and says that it is retryable: %s', async (retryable, final) => {
    const run = begin(says(START, { type: 'error', error: 'No', code: 'upstream', retryable }));
    await settle();
    expect(run.turn).toMatchObject({ stage: 'failed', final, accepted: true });
    expect(run.outcome()).toBe(0);
  });

  test('to its end keeps what came before the error', async () => {
    const run = begin(says(START, token('Yes', 1), { type: 'error', error: 'No' }));
    await settle();
    expect(run.turn).toMatchObject({ stage: 'interrupted', replyText: 'Yes' });
  });
});

describe('stopping', () => {
  test('in the middle keeps the text and tells the server', async () => {
    const live = stream();
    const run = begin(live.reply, json(200));
    live.say(START);
    live.say(token('Yes', 1));
    await settle();
    run.stop();
    run.stop();
    live.say(token(' and no', 2));
    await settle();
    expect(run.desk.asked).toHaveLength(2);
    expect(run.turn).toMatchObject({ stage: 'stopped', replyText: 'Yes' });
    expect(run.desk.asked[1]).toMatchObject({
      url: 'https://desk.example/v1/chat/stop',
      body: { sessionId: 'visitor', messageId: 'a1' },
    });
    live.say({ type: 'done', message: 'Yes and', status: 'stopped', seq: 3 });
    await settle();
    expect(run.turn).toMatchObject({ stage: 'stopped', replyText: 'Yes and' });
    expect(run.outcome()).toBe(0);
  });

  test('does not wait longer than three seconds for the server to agree', async () => {
    const live = stream();
    const run = begin(live.reply, unreachable);
    live.say(START);
    live.say(token('Yes', 1));
    await settle();
    run.stop();
    await seconds(2.9);
    expect(run.outcome()).toBeUndefined();
    await seconds(0.1);
    expect([run.outcome(), run.turn.stage, live.aborted]).toEqual([0, 'stopped', true]);
  });

  test('before the answer began tells the server as soon as it begins', async () => {
    const live = stream();
    const run = begin(live.reply, json(200));
    await settle();
    run.stop();
    run.stop();
    expect(run.desk.asked).toHaveLength(1);
    live.say(START);
    live.say(token('Yes', 1));
    live.say({ type: 'done', message: '', status: 'stopped', seq: 2 });
    await settle();
    expect(addresses(run)).toEqual(['POST /chat', 'POST /v1/chat/stop']);
    expect(run.turn).toMatchObject({ stage: 'stopped', replyText: '' });
  });

  test('a message that never reached the server leaves it unsent', async () => {
    const run = begin(async () => {
      await seconds(1);
      throw new TypeError('Failed to fetch');
    });
    run.stop();
    await seconds(2);
    expect([run.turn.stage, run.outcome(), run.desk.asked.length]).toEqual(['unsent', 0, 1]);
  });
});

test('an answer that was running when the page was left is followed, not asked for again', async () => {
  const turn: Turn = {
    ...newTurn('key-1', 'Hi', 0),
    accepted: true,
    stage: 'streaming',
    answerId: 'a7',
    replyText: 'He',
    reached: 2,
  };
  const run = carry(turn, says({ ...START, messageId: 'a7', seq: 2 }, token('llo', 3), done('Hello', 4)));
  await settle();
  expect(addresses(run)).toEqual(['GET /v1/chat/stream/a7?after=2']);
  expect(turn).toMatchObject({ replyText: 'Hello', stage: 'complete' });
});

describe('who the visitor is', () => {
  const as = (token: string, ...replies: Reply[]) => {
    const desk = openDesk(...replies);
    const link = createLink(() => {}, new AbortController().signal);
    const turn = newTurn('key-1', 'Do you ship to Norway?', 0);
    const api = createApi(config, identity, link, () => token);
    startExchange(turn, api, link, () => {});
    return { desk, turn, api };
  };

  test('goes out with the message, in the words of the site, and nowhere else', async () => {
    const { desk, api } = as('signed', says(START, done('Yes.', 1)), json(200, { messages: [] }));
    await settle();
    await api.fetchPage('');
    expect(desk.asked.map(({ headers }) => headers['x-identity-token'])).toEqual(['signed', undefined]);
  });

  test('is not said where the site has not said it', async () => {
    const { desk } = as('', says(START, done('Yes.', 1)));
    await settle();
    expect(desk.asked[0]?.headers).not.toHaveProperty('x-identity-token');
  });

  test.each(['expired_identity_token', 'invalid_identity_token'])(
    'if the server does not believe it (%s), is no reason to end the chat: the message can be sent again',
    async (code) => {
      const { turn } = as('old', json(401, { code }));
      await settle();
      expect([turn.stage, turn.trouble, turn.accepted]).toEqual(['unsent', code, undefined]);
    },
  );
});
