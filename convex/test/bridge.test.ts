// @vitest-environment node
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { ConvexHttpClient } from 'convex/browser';
import { makeFunctionReference } from 'convex/server';
import { ConvexError } from 'convex/values';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Fault } from '../testing/faults';
import { id, SITE, turn } from './support';

// A client's own types are for public functions, and there are none.
const open = makeFunctionReference<'mutation'>('turns:open');
const close = makeFunctionReference<'mutation'>('turns:close');
const list = makeFunctionReference<'query'>('conversations:list');

let bridge: ChildProcess;
let url: string;

beforeAll(async () => {
  bridge = spawn('node', ['testing/start.mjs'], { stdio: ['pipe', 'pipe', 'ignore'] });
  const [line] = await once(bridge.stdout as NonNullable<typeof bridge.stdout>, 'data');
  url = /^bridge ready (\S+)$/m.exec(String(line))?.[1] ?? '';
});

afterAll(async () => {
  bridge.stdin?.end();
  const [code] = await once(bridge, 'exit');
  expect(code).toBe(0);
});

/** Convex's own client, on a deployment of its own. */
function client(deployment: string, secret = 'all-rights-of-a-deployment'): ConvexHttpClient {
  const client = new ConvexHttpClient(url);
  (client as unknown as { setAdminAuth(key: string): void }).setAdminAuth(`prod:${deployment}|${secret}`);
  return client;
}

async function post(path: string, body: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(url + path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: response.status, text: await response.text() };
}

const asked = (path: string, args: unknown = {}) => ({ path, args, format: 'json' });
const key = (deployment: string, secret = 'queries-and-mutations-only') => ({
  Authorization: `Convex prod:${deployment}|${secret}`,
});
const ready = asked('health:ready');

test("Convex's own client understands it", async () => {
  const convex = client('official');
  const opening = await convex.mutation(open, turn('a', 'hello 😀'));
  expect(opening).toMatchObject({ kind: 'opened', history: [{ role: 'user', text: 'hello 😀' }] });
  const listed = await convex.query(list, { site: SITE, limit: 5 });
  expect(listed).toMatchObject({ total: 1, conversations: [{ session: 'a', messageCount: 2 }] });
  const missing = { site: SITE, answer: id(1), status: 'complete', text: '', now: 1 };
  const refused = convex.mutation(close, missing);
  await expect(refused).rejects.toThrow(ConvexError);
  await expect(refused).rejects.toMatchObject({ data: { code: 'no_such_answer' } });
});

test('deployments know nothing of each other', async () => {
  await client('one').mutation(open, turn('a', 'hello'));
  expect(await client('two').query(list, { site: SITE, limit: 5 })).toMatchObject({ total: 0 });
});

describe('who may call', () => {
  test('without a key, functions look as if they did not exist', async () => {
    const known = await post('/api/mutation', ready);
    const unknown = await post('/api/mutation', asked('health:missing'));
    const shape = /^\{"errorMessage":"\[Request ID: [0-9a-f]{16}\] Server Error","status":"error"\}$/;
    expect([known.status, unknown.status]).toEqual([200, 200]);
    expect(known.text).toMatch(shape);
    expect(unknown.text).toMatch(shape);
  });

  test.each([
    ['a key that is none', { Authorization: 'Convex prod:x|guessed' }, 401, 'BadAdminKey'],
    ['a name that objects have', { Authorization: 'Convex prod:x|constructor' }, 401, 'BadAdminKey'],
    ['a token of a user', { Authorization: 'Bearer x' }, 401, 'NoAuthProvider'],
    ['another header', { Authorization: 'Basic x' }, 400, 'InvalidHeaderFailure'],
    ['a key to read', key('x', 'queries-only'), 403, 'OperationNotPermitted'],
    ['a key to deploy', key('x', 'deploying-only'), 403, 'OperationNotPermitted'],
  ])('%s is refused', async (_, headers, status, code) => {
    const refused = await post('/api/mutation', ready, headers);
    expect([refused.status, JSON.parse(refused.text).code]).toEqual([status, code]);
  });

  test('a key for queries and mutations runs no actions', async () => {
    const send = asked('chat:send', { sessionId: 's', message: 'x' });
    const refused = await post('/api/action', send, key('x'));
    expect(refused.status).toBe(403);
    expect(refused.text).toContain('runInternalActions');
  });
});

test.each([
  ['no JSON', '/api/query', '{', 400, 'BadJsonBody'],
  ['no path', '/api/query', { args: {} }, 400, 'BadJsonBody'],
  ['no arguments', '/api/query', { path: 'a:b' }, 400, 'BadJsonBody'],
  ['an unknown format', '/api/query', { ...ready, format: 'xml' }, 400, 'BadFormat'],
  ['too much', '/api/query', 'x'.repeat(16 * 1024 * 1024 + 2001), 413, 'BodyTooLarge'],
  ['another address', '/api/elsewhere', {}, 404, 'NotFound'],
])('%s is refused as Convex does', async (_, path, body, status, code) => {
  const refused = await post(path, body, key('x'));
  expect([refused.status, JSON.parse(refused.text).code]).toEqual([status, code]);
});

test('numbers are doubles, and nothing of an error but its data is told', async () => {
  expect((await post('/api/mutation', ready, key('x'))).text).toBe('{"status":"success","value":{"schema":5.0}}');
  const wrong = await post('/api/mutation', asked('turns:close', { site: 'a secret' }), key('x'));
  expect(wrong.text).not.toContain('secret');
  expect(JSON.parse(wrong.text)).not.toHaveProperty('errorData');
  const asQuery = await post('/api/query', ready, key('x'));
  expect(JSON.parse(asQuery.text).status).toBe('error');
});

describe('faults', () => {
  const ask = async (deployment: string, ...faults: Fault[]) => {
    await post(`/__test/${deployment}`, faults);
    return post('/api/mutation', asked('turns:open', turn('a', 'hello')), key(deployment));
  };
  const total = async (deployment: string) => {
    const query = asked('conversations:list', { site: SITE, limit: 1 });
    return JSON.parse((await post('/api/query', query, key(deployment))).text).value.total;
  };

  test('an answer that is lost was given', async () => {
    await expect(ask('f1', { kind: 'lose_reply' })).rejects.toThrow();
    expect(await total('f1')).toBe(1);
  });

  test('a request that is lost never was', async () => {
    await expect(ask('f2', { kind: 'lose_request' })).rejects.toThrow();
    expect(await total('f2')).toBe(0);
  });

  test('errors of Convex are as its own, for as many calls as asked', async () => {
    const conflict = await ask('f3', { kind: 'status', times: 2, every: 2 });
    expect(conflict.status).toBe(200);
    const statuses = [];
    for (let n = 0; n < 5; n++) statuses.push((await post('/api/mutation', ready, key('f3'))).status);
    expect(statuses).toEqual([503, 200, 503, 200, 200]);
  });

  test('a deployment that is switched off answers without data', async () => {
    expect(JSON.parse((await ask('f4', { kind: 'paused' })).text)).toEqual({ status: 'error', errorMessage: 'paused' });
    expect(await total('f4')).toBe(0);
  });
});
