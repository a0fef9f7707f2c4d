// Tries a deployment as the server's store: see scripts/convex-smoke. Uses nothing but Node.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';

const url = process.env.CONVEX_URL.replace(/\/+$/, '');
const key = process.env.CONVEX_STORE_KEY;

/** An id of version 7, now. */
function mint() {
  const hex = Date.now().toString(16).padStart(12, '0') + randomBytes(10).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`;
}

async function post(kind, path, args, headers) {
  const response = await fetch(`${url}/api/${kind}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify({ path, args, format: 'json' }),
    redirect: 'error',
    signal: AbortSignal.timeout(20_000),
  });
  const body = await response.json().catch(() => ({}));
  return { ...body, http: response.status };
}

const statusOf = ({ http, code }) => `${http}${code ? ` ${code}` : ''}`;

async function call(kind, path, args) {
  const reply = await post(kind, path, args, { Authorization: `Convex ${key}` });
  assert.ok('value' in reply, `${path}: ${statusOf(reply)} ${reply.errorData?.code ?? ''}`);
  return reply.value;
}

/** What must not work: gives what was said instead. */
async function refused(kind, path, args, headers) {
  const reply = await post(kind, path, args, headers);
  assert.ok(!('value' in reply), `${path} runs, and must not`);
  return reply;
}

async function step(name, run) {
  try {
    await run();
  } catch (error) {
    console.error(`FAILED   ${name}: ${error.message}`);
    process.exit(1);
  }
  console.log(`ok       ${name}`);
}

const site = mint();
const session = { site, session: 'smoke', secret: '' };
const turn = {
  ...session,
  text: 'Is anybody there?',
  idempotencyKey: 'smoke-1',
  conversation: mint(),
  visitorMessage: mint(),
  answer: mint(),
  node: mint(),
  now: Date.now(),
  historyLimit: 10,
  historySince: 0,
};
const list = { site, limit: 5 };

await step('the functions are there, and the key runs them', async () => {
  assert.deepEqual(await call('mutation', 'health:ready', {}), { schema: 5 });
});
await step('without a key nothing runs, and nothing tells that it exists', async () => {
  const calls = [
    ['mutation', 'health:ready', {}],
    ['query', 'conversations:list', list],
    ['mutation', 'turns:open', turn],
    ['action', 'chat:send', { sessionId: 'smoke', message: 'x' }],
  ];
  for (const [kind, path, args] of calls) {
    const known = await refused(kind, path, args);
    const unknown = await refused(kind, 'smoke:missing', {});
    assert.equal(statusOf(known), statusOf(unknown), path);
    assert.equal(known.errorData, undefined, path);
  }
});
await step('a wrong key is refused', async () => {
  const { http } = await refused('query', 'conversations:list', list, { Authorization: `Convex ${key}x` });
  assert.ok([400, 401, 403].includes(http), `${http}`);
});
await step('a turn is opened, and the same call again changes nothing', async () => {
  const opened = await call('mutation', 'turns:open', turn);
  assert.equal(opened.kind, 'opened');
  assert.deepEqual(await call('mutation', 'turns:open', turn), opened);
});
await step('an answer grows and ends', async () => {
  await call('mutation', 'turns:savePartial', { site, answer: turn.answer, text: 'Ye' });
  const ending = { site, answer: turn.answer, status: 'complete', text: 'Yes.', now: Date.now() };
  await call('mutation', 'turns:close', ending);
  await call('mutation', 'turns:close', { ...ending, text: 'No.' });
});
await step('it is listed and read as it was written', async () => {
  const { conversations, total } = await call('query', 'conversations:list', list);
  assert.deepEqual([total, conversations.length, conversations[0]?.lastMessage], [1, 1, 'Yes.']);
  const { messages } = await call('query', 'conversations:sessionThread', { ...session, limit: 10 });
  assert.deepEqual(
    messages.map(({ text, status }) => [text, status]),
    [
      [turn.text, 'accepted'],
      ['Yes.', 'complete'],
    ],
  );
});
await step('refusals say why', async () => {
  const missing = { site, answer: mint(), status: 'complete', text: '', now: 0 };
  const reply = await refused('mutation', 'turns:close', missing, { Authorization: `Convex ${key}` });
  assert.deepEqual(reply.errorData, { code: 'no_such_answer' });
});
await step('it is removed', async () => {
  const name = { site, conversation: turn.conversation };
  const removed = await call('mutation', 'conversations:remove', { name });
  assert.equal(removed.conversation, turn.conversation);
  assert.equal((await call('query', 'conversations:list', list)).total, 0);
});

const action = await post(
  'action',
  'chat:send',
  { sessionId: 'a b', message: 'x' },
  { Authorization: `Convex ${key}` },
);
if (action.http === 200 || action.http === 560) {
  console.log('WARNING  the key runs actions too: make one with the two permissions only (docs/CONVEX.md)');
}
console.log(`All well at ${url}`);
