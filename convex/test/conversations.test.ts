import { expect, test } from 'vitest';
import { internal } from '../functions/_generated/api';
import { deployment, id, open, SITE, say, thread, turn } from './support';

test('pages of conversations of one moment visit each of them once, the larger id first', async () => {
  const t = deployment();
  for (let n = 0; n < 25; n++) {
    const now = n < 20 ? 5000 : 4000;
    await say(t, `s${n}`, 'hello', 'Hello', { conversation: id(n), now });
  }
  const seen: string[] = [];
  let after: { updatedAt: number; id: string } | undefined;
  for (;;) {
    const page = await t.query(internal.conversations.list, { site: SITE, limit: 7, after });
    expect(page.total).toBe(25);
    seen.push(...page.conversations.map((conversation) => conversation.id));
    after = page.next;
    if (!after) break;
  }
  const expected = [...Array.from({ length: 20 }, (_, n) => id(19 - n)), ...[24, 23, 22, 21, 20].map(id)];
  expect(seen).toEqual(expected);
});

test('totals are exact although they lie in several rows', async () => {
  const t = deployment();
  for (let n = 0; n < 30; n++) await open(t, turn(`s${n}`, 'hello', { conversation: id(n) }));
  const rows = await t.run((ctx) => ctx.db.query('counters').collect());
  expect(rows.length).toBeGreaterThan(1);
  expect(rows.length).toBeLessThanOrEqual(8);
  for (let n = 0; n < 10; n++)
    await t.mutation(internal.conversations.remove, { name: { site: SITE, conversation: id(n) } });
  const { total } = await t.query(internal.conversations.list, { site: SITE, limit: 1 });
  expect(total).toBe(20);
});

test('a removed conversation is gone at once, and its messages soon', async () => {
  const t = deployment();
  for (let n = 0; n < 30; n++) await say(t, 'a', `q${n}`, `a${n}`, { conversation: id(1) });
  const failed = await open(t, turn('a', 'again', { idempotencyKey: 'k', conversation: id(1) }));
  await t.mutation(internal.turns.close, {
    site: SITE,
    answer: failed.answer,
    status: 'failed',
    text: '',
    now: 1,
  });
  const running = await open(t, turn('a', 'again', { idempotencyKey: 'k' }));
  await say(t, 'b', 'stays', 'here');

  const remove = (site: string) => t.mutation(internal.conversations.remove, { name: { site, conversation: id(1) } });
  expect(await remove(id(9))).toBeNull();
  expect(await remove(SITE)).toEqual({ conversation: id(1), session: 'a', secret: '' });
  expect(await remove(SITE)).toBeNull();
  expect(await thread(t, 'a')).toBeNull();
  const answer = { site: SITE, secret: '', answer: running.answer };
  expect(await t.query(internal.conversations.sessionAnswer, answer)).toBeNull();

  await expect
    .poll(() => t.run(async (ctx) => (await ctx.db.query('messages').collect()).map(({ text }) => text)))
    .toEqual(['stays', 'here']);
  expect(await t.run((ctx) => ctx.db.query('replacedAnswers').collect())).toEqual([]);
  expect(await t.run((ctx) => ctx.db.query('running').collect())).toEqual([]);
});

test('messages are found by whole words, of their own site only', async () => {
  const t = deployment();
  const { conversation } = await say(t, 'a', 'where is my parcel', 'It is on its way');
  await say(t, 'b', 'a parcel elsewhere', 'yes', { site: id(9) });
  const found = await t.query(internal.conversations.search, { site: SITE, words: 'parcel', limit: 10 });
  expect(found.map((hit) => [hit.conversation.id, hit.message.text])).toEqual([[conversation, 'where is my parcel']]);
});

test('a filter is looked up or gone along, however many conversations are between, and a call has its limit', async () => {
  const t = deployment();
  const states = {
    open: { status: 'open' as const, tags: [] as string[] },
    waiting: { status: 'needs_person' as const, tags: ['vip'] },
  };
  await t.run(async (ctx) => {
    for (let n = 0; n < 2300; n++) {
      await ctx.db.insert('conversations', {
        conversation: id(n),
        site: SITE,
        session: `s${n}`,
        secret: '',
        createdAt: 1,
        updatedAt: Math.floor(n / 3),
        lastMessage: 'x'.repeat(500),
        lastRole: 'user',
        messageCount: 2,
        revision: 2,
        // Those of before there was an inbox have none.
        ...(n % 2 ? { state: n % 500 === 1 ? states.waiting : states.open } : {}),
      });
    }
  });
  const pages = async (filter: object, limit = 9) => {
    const found: string[] = [];
    let after: { updatedAt: number; id: string } | undefined;
    for (let calls = 1; ; calls++) {
      const page = await t.query(internal.conversations.list, { site: SITE, limit, after, filter });
      found.push(...page.conversations.map((conversation) => conversation.id));
      after = page.next;
      if (!after) return { found, calls };
    }
  };
  const waiting = [2001, 1501, 1001, 501, 1].map(id);
  expect(await pages({ statuses: ['needs_person'] })).toEqual({ found: waiting, calls: 1 });
  expect(await pages({ statuses: ['needs_person'] }, 2)).toEqual({ found: waiting, calls: 3 });
  expect(await pages({ tag: 'vip' })).toEqual({ found: waiting, calls: 3 });
  expect(await pages({ tag: 'nobody' })).toEqual({ found: [], calls: 3 });
  const count = (filter: object, atMost = 99) => t.query(internal.inbox.count, { site: SITE, filter, atMost });
  expect(await count({ statuses: ['needs_person'] })).toBe(5);
  expect(await count({ statuses: ['open'] })).toBe(99);
  expect(await count({ tag: 'vip' })).toBe(2);
});

test('what was there before there was an inbox is open and has been seen', async () => {
  const t = deployment();
  const { conversation } = await say(t, 'a', 'hello', 'Hello');
  await t.run(async (ctx) => {
    for (const row of await ctx.db.query('conversations').collect()) {
      await ctx.db.patch(row._id, { readCount: undefined, state: undefined });
    }
  });
  const read = async () => (await thread(t, 'a'))?.conversation;
  expect(await read()).toMatchObject({ readCount: 2, messageCount: 2, state: { status: 'open', tags: [] } });
  await say(t, 'a', 'more', 'Yes?');
  expect(await read()).toMatchObject({ readCount: 2, messageCount: 4 });
  await t.mutation(internal.inbox.markRead, { site: SITE, conversation, count: 9 });
  expect(await read()).toMatchObject({ readCount: 4, messageCount: 4 });
});
