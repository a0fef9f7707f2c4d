import { describe, expect, test } from 'vitest';
import { internal } from '../functions/_generated/api';
import { deployment, ending, everything, mint, open, SITE, say, thread, turn } from './support';

const data = (code: string) => expect.objectContaining({ data: expect.objectContaining({ code }) });

describe('a call that is sent again because its answer was lost changes nothing and is answered the same', () => {
  test('opening a turn, with a key and without', async () => {
    const t = deployment();
    await say(t, 'a', 'one', '1');
    for (const key of [undefined, 'k1']) {
      const args = turn('a', 'two', { idempotencyKey: key });
      const first = await t.mutation(internal.turns.open, args);
      const before = await everything(t);
      expect(await t.mutation(internal.turns.open, args)).toEqual(first);
      expect(await everything(t)).toEqual(before);
      await t.mutation(internal.turns.close, ending(args.answer, '2'));
    }
  });

  test('opening a turn whose answer takes the place of a failed one', async () => {
    const t = deployment();
    const failed = await open(t, turn('a', 'one', { idempotencyKey: 'k1' }));
    await t.mutation(internal.turns.close, ending(failed.answer, '', { status: 'failed', failure: 'upstream_error' }));
    const args = turn('a', 'one', { idempotencyKey: 'k1' });
    const again = await t.mutation(internal.turns.open, args);
    expect(again).toMatchObject({ kind: 'opened', visitorMessage: failed.visitorMessage, answer: args.answer });
    const before = await everything(t);
    expect(await t.mutation(internal.turns.open, args)).toEqual(again);
    expect(await everything(t)).toEqual(before);
  });

  test('a call that arrives when its answer has been replaced already brings nothing back', async () => {
    const t = deployment();
    const late = turn('a', 'one', { idempotencyKey: 'k1' });
    await t.mutation(internal.turns.open, late);
    await t.mutation(internal.turns.close, ending(late.answer, '', { status: 'failed' }));
    const second = await open(t, turn('a', 'one', { idempotencyKey: 'k1' }));
    await t.mutation(internal.turns.close, ending(second.answer, '', { status: 'failed' }));
    const before = await everything(t);
    expect(await t.mutation(internal.turns.open, late)).toEqual({ kind: 'stale' });
    expect(await everything(t)).toEqual(before);
  });

  test('ending an answer', async () => {
    const t = deployment();
    const opened = await open(t, turn('a', 'one'));
    await t.mutation(internal.turns.close, ending(opened.answer, '1', { inputTokens: 3, outputTokens: 4 }));
    const before = await everything(t);
    expect(await t.mutation(internal.turns.close, ending(opened.answer, '1'))).toBe(true);
    expect(await everything(t)).toEqual(before);
  });

  test('interrupting what was left unfinished', async () => {
    const t = deployment();
    await open(t, turn('a', 'one'));
    await open(t, turn('b', 'one'));
    const answers = await t.query(internal.turns.unfinished, {});
    const interrupt = () => t.mutation(internal.turns.interrupt, { answers, failure: 'restarted' });
    expect(await interrupt()).toBe(2);
    const before = await everything(t);
    expect(await interrupt()).toBe(2);
    expect(await everything(t)).toEqual(before);
    expect(await t.query(internal.turns.unfinished, {})).toEqual([]);
  });

  test('making a site and a key', async () => {
    const t = deployment();
    const site = { site: SITE, name: 'default', now: 1 };
    const key = { key: mint(), site: SITE, kind: 'public', sha256: 'aa', text: 'pk', createdAt: 1 };
    for (let n = 0; n < 2; n++) {
      await t.mutation(internal.sites.ensure, site);
      await t.mutation(internal.sites.addKey, key);
    }
    expect(await t.query(internal.sites.keys, { site: SITE })).toEqual([key]);
    const other = { ...key, key: mint() };
    await expect(t.mutation(internal.sites.addKey, other)).rejects.toEqual(data('key_exists'));
  });
});

test('ids that belong to something else are refused, and nothing is stored', async () => {
  const t = deployment();
  const { answer, visitorMessage } = await say(t, 'a', 'one', '1');
  const before = await everything(t);
  for (const stolen of [{ answer }, { visitorMessage }]) {
    await expect(t.mutation(internal.turns.open, turn('b', 'x', stolen))).rejects.toEqual(data('id_taken'));
    expect(await everything(t)).toEqual(before);
  }
});

test('many first messages at once make one conversation', async () => {
  const t = deployment();
  const openings = await Promise.all(
    Array.from({ length: 20 }, (_, n) => t.mutation(internal.turns.open, turn('a', `message ${n}`))),
  );
  expect(openings.filter(({ kind }) => kind === 'opened')).toHaveLength(1);
  expect(openings.filter(({ kind }) => kind === 'busy')).toHaveLength(19);
  const list = await t.query(internal.conversations.list, { site: SITE, limit: 5 });
  expect([list.total, list.conversations.length]).toEqual([1, 1]);
});

test('a text that grows is kept apart from the messages until it is whole', async () => {
  const t = deployment();
  const { answer } = await open(t, turn('a', 'one'));
  await t.mutation(internal.turns.savePartial, { site: SITE, answer, text: 'Hel' });
  expect((await thread(t, 'a'))?.messages[1]).toMatchObject({ status: 'streaming', text: 'Hel' });
  const stored = () => t.run((ctx) => ctx.db.query('messages').collect());
  expect((await stored())[1]?.text).toBe('');
  await t.mutation(internal.turns.close, ending(answer, 'Hello'));
  await t.mutation(internal.turns.savePartial, { site: SITE, answer, text: 'late' });
  expect((await stored())[1]).toMatchObject({ status: 'complete', text: 'Hello' });
  expect(await t.run((ctx) => ctx.db.query('running').collect())).toEqual([]);
});

test('a preview is cut between characters', async () => {
  const t = deployment();
  await say(t, 'a', 'x', `a${'😀'.repeat(300)}`);
  const preview = (await thread(t, 'a'))?.conversation.lastMessage ?? '';
  expect(preview).toHaveLength(499);
  expect(preview.endsWith('😀')).toBe(true);
});
