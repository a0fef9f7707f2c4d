// @vitest-environment node
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { internal } from '../functions/_generated/api';
import { deployment, ending, open, thread, turn } from './support';

interface Asked {
  messages: { role: string; content: string }[];
  authorization: string | undefined;
}

const asked: Asked[] = [];
let answer: { status: number; body: unknown } | 'none';
const server = createServer(async (request, response) => {
  let body = '';
  for await (const part of request) body += part;
  asked.push({ ...JSON.parse(body), authorization: request.headers.authorization });
  if (answer === 'none') return;
  response.writeHead(answer.status, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify(answer.body));
});

const says = (content: string, finish_reason = 'stop') => ({
  status: 200,
  body: {
    model: 'test-1',
    choices: [{ message: { content }, finish_reason }],
    usage: { prompt_tokens: 5, completion_tokens: 2 },
  },
});

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  vi.stubEnv('OPENAI_BASE_URL', `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/`);
  vi.stubEnv('OPENAI_API_KEY', 'sk-test');
  // Convex has only a part of it, and its fetch does not look at one.
  vi.stubGlobal('AbortSignal', undefined);
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

test('a message is stored, answered and remembered', async () => {
  const t = deployment();
  answer = says('Hello!');
  const first = await t.action(internal.chat.send, { sessionId: 's', message: 'hello' });
  expect(first.message).toBe('Hello!');
  expect(first.conversationId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  const second = await t.action(internal.chat.send, { sessionId: 's', message: 'and again' });
  expect(second.conversationId).toBe(first.conversationId);
  const last = asked.at(-1);
  expect(last?.authorization).toBe('Bearer sk-test');
  expect(last?.messages.slice(1).map(({ content }) => content)).toEqual(['hello', 'Hello!', 'and again']);
  const stored = await thread(t, 's');
  expect(stored?.messages[1]).toMatchObject({ status: 'complete', model: 'test-1', inputTokens: 5, outputTokens: 2 });
});

test('a message that is sent again under its name is not answered twice', async () => {
  const t = deployment();
  answer = says('Once');
  const args = { sessionId: 's', message: 'hello', idempotencyKey: 'k' };
  const first = await t.action(internal.chat.send, args);
  const count = asked.length;
  expect(await t.action(internal.chat.send, args)).toEqual(first);
  expect(asked.length).toBe(count);
});

test('a model that fails leaves a failed answer, which the same message replaces', async () => {
  const t = deployment();
  const args = { sessionId: 's', message: 'hello', idempotencyKey: 'k' };
  for (const [status, code] of [
    [429, 'upstream_busy'],
    [401, 'upstream_misconfigured'],
    [500, 'upstream_error'],
    [200, 'empty_answer'],
  ] as const) {
    answer = { status, body: {} };
    const refused = expect.objectContaining({ data: { code } });
    await expect(t.action(internal.chat.send, args)).rejects.toEqual(refused);
    expect((await thread(t, 's'))?.messages[1]).toMatchObject({ status: 'failed', failure: code });
  }
  answer = says('Now');
  expect((await t.action(internal.chat.send, args)).message).toBe('Now');
  expect((await thread(t, 's'))?.messages).toHaveLength(2);
});

test('what no visitor may send is refused before anything is stored or paid for', async () => {
  const t = deployment();
  const count = asked.length;
  for (const [args, code] of [
    [{ sessionId: 'a b', message: 'x' }, 'invalid_session'],
    [{ sessionId: 's', message: ' \n' }, 'invalid_message'],
    [{ sessionId: 's', message: 'x'.repeat(4001) }, 'invalid_message'],
  ] as const) {
    const refused = expect.objectContaining({ data: { code } });
    await expect(t.action(internal.chat.send, args)).rejects.toEqual(refused);
  }
  expect(asked.length).toBe(count);
  expect(await thread(t, 's')).toBeNull();
});

test('a model that does not answer is not waited for', async () => {
  const t = deployment();
  answer = 'none';
  const count = asked.length;
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    const sent = t.action(internal.chat.send, { sessionId: 's', message: 'hello' }).catch((error: unknown) => error);
    while (asked.length === count) await new Promise(setImmediate);
    await vi.advanceTimersByTimeAsync(120_000);
    expect(await sent).toMatchObject({ data: { code: 'upstream_timeout' } });
  } finally {
    vi.useRealTimers();
  }
  expect((await thread(t, 's'))?.messages[1]).toMatchObject({ status: 'failed', failure: 'upstream_timeout' });
});

test('an answer whose action was cut off does not keep its session busy for ever', async () => {
  const t = deployment();
  answer = says('Hello again');
  const cutOff = (at: number) => open(t, turn('s', 'hello', { now: at }));
  const minute = 60_000;
  await cutOff(Date.now() - 9 * minute);
  const send = (message = 'anybody?', idempotencyKey?: string) =>
    t.action(internal.chat.send, { sessionId: 's', message, idempotencyKey });
  const busy = expect.objectContaining({ data: { code: 'busy' } });
  await expect(send()).rejects.toEqual(busy);
  const [stuck] = await t.query(internal.turns.unfinished, {});
  await t.mutation(internal.turns.close, ending(stuck ?? '', '', { status: 'failed' }));
  await cutOff(Date.now() - 11 * minute);
  expect((await send()).message).toBe('Hello again');

  // The message itself, sent again under its name.
  await open(t, turn('s', 'hello?', { now: Date.now() - 11 * minute, idempotencyKey: 'k' }));
  expect((await send('hello?', 'k')).message).toBe('Hello again');
  const messages = (await thread(t, 's'))?.messages.map(({ status, failure }) => [status, failure]);
  expect(messages?.slice(3)).toEqual([
    ['failed', 'restarted'],
    ['accepted', undefined],
    ['complete', undefined],
    ['accepted', undefined],
    ['complete', undefined],
  ]);
});
