import { expect, test } from 'vitest';
import { internal } from '../functions/_generated/api';
import { deployment, everything, mint, SITE, say, thread, turn } from './support';

const answering = { status: 'open' as const, answering: { operator: 'Maya', since: 5 }, tags: ['vip'] };

const change = (conversation: string, expectedRevision: number, more: Record<string, unknown> = {}) => ({
  call: mint(),
  site: SITE,
  conversation,
  expectedRevision,
  state: answering,
  isActivity: false,
  now: 3000,
  ...more,
});

const event = () => ({ id: mint(), role: 'event' as const, text: 'joined', author: 'Maya' });

test('a change that is sent again because its answer was lost is done once', async () => {
  const t = deployment();
  const { conversation } = await say(t, 'a', 'hello', 'Hello');
  for (const [revision, message] of [
    [3, event()],
    [4, undefined],
  ] as const) {
    const asked = change(conversation, revision, { message });
    const done = { kind: 'done' };
    expect(await t.mutation(internal.inbox.update, asked)).toEqual(done);
    const after = await everything(t);
    expect(await t.mutation(internal.inbox.update, asked)).toEqual(done);
    expect(await everything(t)).toEqual(after);
    // Another one that wants the same is late.
    const late = { ...asked, call: mint(), message: message && event() };
    expect(await t.mutation(internal.inbox.update, late)).toEqual({ kind: 'outdated' });
    expect(await everything(t)).toEqual(after);
  }
});

test('a message for an operator that is sent again because its answer was lost is delivered once', async () => {
  const t = deployment();
  const { conversation } = await say(t, 'a', 'hello', 'Hello');
  await t.mutation(internal.inbox.update, change(conversation, 3, { message: event() }));
  const asked = turn('a', 'are you there?');
  const delivered = await t.mutation(internal.turns.open, asked);
  expect(delivered).toMatchObject({ kind: 'delivered', operator: 'Maya', repeated: false });
  const after = await everything(t);
  expect(await t.mutation(internal.turns.open, asked)).toEqual(delivered);
  expect(await everything(t)).toEqual(after);
});

test('an id that is taken is refused, and a text that is too long', async () => {
  const t = deployment();
  const { conversation } = await say(t, 'a', 'hello', 'Hello');
  const other = await say(t, 'b', 'hello', 'Hello');
  const taken = { ...event(), id: other.visitorMessage };
  await expect(t.mutation(internal.inbox.update, change(conversation, 3, { message: taken }))).rejects.toThrow(
    'id_taken',
  );
  const long = { ...event(), text: 'x'.repeat(513 * 1024) };
  await expect(t.mutation(internal.inbox.update, change(conversation, 3, { message: long }))).rejects.toThrow(
    'text_too_long',
  );
  expect((await thread(t, 'a'))?.conversation.revision).toBe(3);
});
