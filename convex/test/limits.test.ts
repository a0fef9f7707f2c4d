import { expect, test } from 'vitest';
import { internal } from '../functions/_generated/api';
import { deployment, ending, id, open, SITE, say, thread, turn } from './support';

const LONGEST = 512 * 1024;

test('a conversation of the longest texts is read in portions that Convex allows', async () => {
  const t = deployment();
  for (let n = 0; n < 30; n++) await say(t, 'a', `q${n}`, 'x'.repeat(LONGEST), { historyLimit: 1 });
  const seen: number[] = [];
  let before: number | undefined;
  let calls = 0;
  for (;;) {
    const page = await t.query(internal.conversations.sessionThread, {
      site: SITE,
      session: 'a',
      secret: '',
      limit: 200,
      before,
    });
    calls += 1;
    seen.unshift(...(page?.messages.map(({ seq }) => seq) ?? []));
    if (!page?.hasOlder) break;
    before = page.messages[0]?.seq;
  }
  expect(seen).toEqual(Array.from({ length: 60 }, (_, n) => n + 1));
  expect(calls).toBeGreaterThan(1);

  const opened = await open(t, turn('a', 'last', { historyLimit: 1000 }));
  const { history, moreBefore } = opened;
  expect(history.at(-1)?.text).toBe('last');
  let rest = moreBefore;
  let count = history.length;
  while (rest !== undefined) {
    const more = await t.query(internal.turns.history, {
      conversation: opened.conversation,
      before: rest,
      limit: 1000 - count,
      since: 0,
    });
    count += more.history.length;
    rest = more.moreBefore;
  }
  expect(count).toBe(61);

  let after = 0;
  let messages = 0;
  for (;;) {
    const name = { site: SITE, session: 'a', secret: '' };
    const changes = await t.query(internal.conversations.changes, { name, after, limit: 1000 });
    messages += changes?.messages.length ?? 0;
    after = changes?.messages.at(-1)?.revision ?? 0;
    if (!changes?.hasMore) break;
  }
  expect(messages).toBe(62);
});

test('a text that is longer than a document may be is refused', async () => {
  const t = deployment();
  const { answer } = await open(t, turn('a', 'one'));
  const tooLong = expect.objectContaining({ data: { code: 'text_too_long' } });
  await expect(t.mutation(internal.turns.close, ending(answer, 'é'.repeat(LONGEST / 2 + 1)))).rejects.toEqual(tooLong);
  await t.mutation(internal.turns.close, ending(answer, 'é'.repeat(LONGEST / 2)));
});

test('no more can be asked for than one call may read', async () => {
  const t = deployment();
  for (const limit of [0, -1, 1.5, 1001, Number.NaN]) {
    const refused = expect.objectContaining({ data: { code: 'bad_limit' } });
    await expect(t.query(internal.conversations.list, { site: SITE, limit })).rejects.toEqual(refused);
  }
});

test('what was left unfinished is interrupted in portions, with all of its text', async () => {
  const t = deployment();
  for (let n = 0; n < 20; n++) {
    const { answer } = await open(t, turn(`s${n}`, 'one'));
    await t.mutation(internal.turns.savePartial, { site: SITE, answer, text: 'x'.repeat(LONGEST) });
  }
  let count = 0;
  for (;;) {
    const answers = await t.query(internal.turns.unfinished, {});
    if (answers.length === 0) break;
    count += await t.mutation(internal.turns.interrupt, { answers, failure: 'restarted' });
  }
  expect(count).toBe(20);
  const answer = (await thread(t, 's19'))?.messages[1];
  expect([answer?.status, answer?.failure, answer?.text.length]).toEqual(['interrupted', 'restarted', LONGEST]);
});

test('a turn with full history reads and writes little', async () => {
  const t = deployment();
  for (let n = 0; n < 40; n++) await say(t, 'a', `q${n}`, `a${n}`);
  await say(t, 'b', 'x', 'y');
  const before = await t.run((ctx) => ctx.db.query('messages').collect());
  expect(before).toHaveLength(82);
  const args = turn('a', 'new', { historyLimit: 30 });
  const measured = await t.mutation(async (ctx) => {
    await ctx.runMutation(internal.turns.open, args);
    return ctx.meta.getTransactionMetrics();
  });
  expect(measured.documentsRead.used).toBeLessThan(45);
  expect(measured.documentsWritten.used).toBeLessThan(10);
});

test('ids sort as they do in the server', () => {
  const ids = [255, 4096, 16, 9, 10].map(id);
  expect([...ids].sort()).toEqual([9, 10, 16, 255, 4096].map(id));
});
