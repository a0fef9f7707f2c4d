import { expect, test } from 'vitest';
import { internal } from '../functions/_generated/api';
import { take, UNTRIED } from '../functions/lib/throttle';
import { deployment, everything } from './support';

const MINUTE = 60_000;
const rule = { freeTries: 3, window: 5 * MINUTE, firstPause: MINUTE, longestPause: 15 * MINUTE };

const session = (token: string, createdAt: number) => ({
  token,
  passwordFingerprint: 'ff',
  createdAt,
  lastSeenAt: createdAt,
  userAgent: 'Browser/1',
});

test('a try that is sent again because its answer was lost is counted once', async () => {
  const t = deployment();
  const call = { call: 'c1', tries: [{ bucket: 'ip', rule }], now: 1000 };
  expect(await t.mutation(internal.operators.takeTry, call)).toEqual({ left: 2 });
  await t.mutation(internal.operators.takeTry, { ...call, call: 'c2' });
  const before = await everything(t);
  expect(await t.mutation(internal.operators.takeTry, call)).toEqual({ left: 2 });
  expect(await everything(t)).toEqual(before);
});

test('tries of long ago are forgotten a few at a time', async () => {
  const t = deployment();
  const at = (call: string, bucket: string, now: number) =>
    t.mutation(internal.operators.takeTry, { call, tries: [{ bucket, rule }], now });
  for (let n = 0; n < 20; n++) await at(`old${n}`, `old${n}`, 1000);
  const later = 1000 + 25 * 60 * MINUTE;
  await at('new1', 'new', later);
  await at('new2', 'new', later);
  const kept = await t.run(async (ctx) => [
    (await ctx.db.query('loginTries').collect()).map(({ bucket }) => bucket),
    (await ctx.db.query('loginCalls').collect()).map(({ call }) => call),
  ]);
  expect(kept).toEqual([['new'], ['new1', 'new2']]);
});

test('pauses double up to the longest, and a clock set back locks nobody out for longer', () => {
  let state = UNTRIED;
  let now = 1_000_000_000;
  const waits = [];
  for (let n = 0; n < 8; n++) {
    const taken = take(state, rule, now);
    if ('wait' in taken) throw new Error('it should have been allowed');
    state = taken.state;
    const next = take(state, rule, now);
    if ('wait' in next) {
      waits.push(next.wait / MINUTE);
      now += next.wait;
    }
  }
  expect(waits).toEqual([1, 2, 4, 8, 15, 15]);
  expect(take(state, rule, 0)).toEqual({ wait: rule.longestPause });
});

test('more sessions than one call may delete are ended by calling again', async () => {
  const t = deployment();
  await t.run(async (ctx) => {
    for (let n = 0; n < 1500; n++) await ctx.db.insert('operatorSessions', session(`t${n}`, n));
  });
  const left = () => t.run(async (ctx) => (await ctx.db.query('operatorSessions').collect()).length);
  const reopened = { session: session('mine', 5000), expiredBefore: 1500 };
  expect(await t.mutation(internal.operators.openSession, reopened)).toBe(true);
  expect(await t.mutation(internal.operators.openSession, reopened)).toBe(false);
  expect(await left()).toBe(1);
  expect(await t.mutation(internal.operators.setPassword, { phc: '$argon2id$x' })).toBe(false);
  expect(await left()).toBe(0);
});
