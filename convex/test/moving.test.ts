import { expect, test } from 'vitest';
import { internal } from '../functions/_generated/api';
import { type Deployment, deployment, everything, id, open, SITE, say, turn } from './support';

const OTHER = '00000000-0000-7000-8000-0000000000ff';
const LONGEST = 512 * 1024;
const NOTHING = { settings: [], sites: [], documents: [], keys: [], conversations: [], messages: [] };

type Conversation = Awaited<ReturnType<typeof conversationsOf>>[number];
type Row = Awaited<ReturnType<typeof messagesOf>>[number];

/** All conversations of a site, a page at a time. */
async function conversationsOf(t: Deployment, site: string, limit: number) {
  const rows = [];
  let after: string | undefined = '';
  while (after !== undefined) {
    const page: Awaited<ReturnType<typeof read>> = await read(after);
    rows.push(...page.rows);
    after = page.last;
  }
  return rows;

  function read(after: string) {
    return t.query(internal.moving.conversations, { site, after, limit });
  }
}

/** All messages of conversations, a page at a time, and how many pages there were. */
async function pagesOf(t: Deployment, conversations: string[]) {
  const rows = [];
  let pages = 0;
  let after: { conversation: string; seq: number } | undefined;
  do {
    const rest = after ? conversations.filter((id) => id >= (after?.conversation ?? '')) : conversations;
    const page: Awaited<ReturnType<typeof read>> = await read(rest);
    rows.push(...page.rows);
    after = page.next;
    pages += 1;
  } while (after);
  return { rows, pages };

  function read(conversations: string[]) {
    return t.query(internal.moving.messages, { conversations, after });
  }
}

const messagesOf = async (t: Deployment, conversations: string[]) => (await pagesOf(t, conversations)).rows;

/** What puts these rows into a deployment. */
const asPut = (site: string, conversations: Conversation[], messages: Row[]) => ({
  ...NOTHING,
  conversations: conversations.map(({ id, hasSecret, ...rest }) => ({ ...rest, conversation: id, site, drafts: [] })),
  messages: messages.map((row) => ({ ...row, site })),
});

test('what is put into an empty deployment is what was read, and putting it again changes nothing', async () => {
  const t = deployment();
  for (let n = 0; n < 7; n++) await say(t, `s${n}`, `q${n}`, `a${n}`);
  const running = await open(t, turn('running', 'one', { idempotencyKey: 'k', secret: 'ab' }));
  await t.mutation(internal.turns.savePartial, { site: SITE, answer: running.answer, text: 'so far' });
  await say(t, 'elsewhere', 'q', 'a', { site: OTHER });

  const copy = deployment();
  for (const site of [SITE, OTHER]) {
    const conversations = await conversationsOf(t, site, 3);
    const messages = await messagesOf(
      t,
      conversations.map(({ id }) => id),
    );
    for (let again = 0; again < 2; again++) {
      await copy.mutation(internal.moving.put, asPut(site, conversations, messages));
    }
    expect(await conversationsOf(copy, site, 1000)).toEqual(conversations);
    const ids = conversations.map(({ id }) => id);
    expect(await messagesOf(copy, ids)).toEqual(messages);
    const list = await copy.query(internal.conversations.list, { site, limit: 100 });
    expect(list.total).toBe(conversations.length);
  }
  const [busy] = [await copy.mutation(internal.turns.open, turn('running', 'two', { secret: 'ab' }))];
  expect(busy).toEqual({ kind: 'busy', answer: running.answer });
});

test('conversations of the longest texts are read in portions that Convex allows', async () => {
  const t = deployment();
  for (let n = 0; n < 15; n++) {
    for (const session of ['a', 'b']) await say(t, session, `q${n}`, 'x'.repeat(LONGEST), { historyLimit: 1 });
  }
  const conversations = await conversationsOf(t, SITE, 1);
  const { rows, pages } = await pagesOf(
    t,
    conversations.map(({ id }) => id),
  );
  expect(rows.map(({ message }) => message.seq)).toEqual([1, 2].flatMap(() => [...Array(30).keys()].map((n) => n + 1)));
  expect(pages).toBeGreaterThan(1);
});

test('as many rows as may be put at once stay within what Convex allows, and more are refused', async () => {
  const t = deployment();
  const message = (n: number) => ({
    site: SITE,
    conversation: id(1),
    message: {
      id: id(n + 2),
      seq: n + 1,
      revision: n + 1,
      role: 'user' as const,
      status: 'accepted' as const,
      text: 'x'.repeat(4000),
      createdAt: 1,
    },
  });
  const messages = Array.from({ length: 600 }, (_, n) => message(n));
  await t.mutation(internal.moving.put, { ...NOTHING, messages });
  const tooMany = { ...NOTHING, messages: [...messages, message(600)] };
  const refused = expect.objectContaining({ data: { code: 'bad_limit' } });
  await expect(t.mutation(internal.moving.put, tooMany)).rejects.toEqual(refused);
});

test('a deployment says what it has, and whether a move to it is not finished', async () => {
  const t = deployment();
  const look = () => t.query(internal.moving.found, { mark: 'unfinished_move' });
  expect(await look()).toEqual({ hasConversations: false, hasKeys: false, hasSettings: false });
  const mark = { name: 'unfinished_move', value: 'as far as that' };
  await t.mutation(internal.moving.put, { ...NOTHING, settings: [mark] });
  expect(await look()).toMatchObject({ hasSettings: false, mark: mark.value });
  expect(await t.mutation(internal.health.ready, {})).toMatchObject({ moving: mark.value });
  await t.mutation(internal.moving.dropSetting, { name: mark.name });
  await t.mutation(internal.moving.dropSetting, { name: mark.name });
  expect((await t.mutation(internal.health.ready, {})).moving).toBeUndefined();
  await t.mutation(internal.operators.setPassword, { phc: 'x' });
  await say(t, 'a', 'q', 'a');
  expect(await look()).toMatchObject({ hasConversations: true, hasSettings: true });
  const before = await everything(t);
  const known = await t.query(internal.moving.knows, { site: SITE, session: 'a', secret: '', conversation: id(9) });
  expect(known).toEqual({ conversation: false, session: true });
  expect(await everything(t)).toEqual(before);
});
