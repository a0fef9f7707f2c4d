/** The dashboard's password, sessions, devices and tries to sign in. */

import { type Infer, v } from 'convex/values';
import { internalMutation, internalQuery, type MutationCtx, type QueryCtx } from './_generated/server';
import { keepSetting, settingOf } from './lib/find';
import { checkLimit, MAX_PAGE } from './lib/limits';
import { rule, type ThrottleState, take, UNTRIED } from './lib/throttle';

const PASSWORD = 'operator_password';

/** How many rows one call deletes. They are small. */
const DELETED_AT_ONCE = 1000;

/** Tries are forgotten after a day at the latest: longer than any window or pause. */
const TRIES_KEPT = 24 * 60 * 60 * 1000;

export const password = internalQuery({
  args: {},
  returns: v.union(v.null(), v.string()),
  handler: async (ctx) => (await settingOf(ctx, PASSWORD))?.value ?? null,
});

/** Replaces the password's hash and ends every session. True: there are sessions left to end, call again. */
export const setPassword = internalMutation({
  args: { phc: v.string() },
  returns: v.boolean(),
  handler: async (ctx, { phc }) => {
    await keepSetting(ctx, PASSWORD, phc);
    return deleteSessions(ctx, Infinity);
  },
});

const session = v.object({
  token: v.string(),
  passwordFingerprint: v.string(),
  createdAt: v.number(),
  lastSeenAt: v.number(),
  userAgent: v.string(),
  /** What the operator is called. */
  name: v.optional(v.string()),
});

/** Keeps a session that was just opened, and forgets older ones. True: there are more to forget, call again. */
export const openSession = internalMutation({
  args: { session, expiredBefore: v.number() },
  returns: v.boolean(),
  handler: async (ctx, { session, expiredBefore }) => {
    const isMore = await deleteSessions(ctx, expiredBefore);
    if (!(await findSession(ctx, session.token))) await ctx.db.insert('operatorSessions', session);
    return isMore;
  },
});

export const openedSession = internalQuery({
  args: { token: v.string() },
  returns: v.union(v.null(), session),
  handler: async (ctx, { token }): Promise<Infer<typeof session> | null> => {
    const row = await findSession(ctx, token);
    if (!row) return null;
    const { _id, _creationTime, ...found } = row;
    return found;
  },
});

export const touchSession = internalMutation({
  args: { token: v.string(), now: v.number() },
  returns: v.null(),
  handler: async (ctx, { token, now }) => {
    const row = await findSession(ctx, token);
    if (row) await ctx.db.patch(row._id, { lastSeenAt: now });
    return null;
  },
});

/** Changes what the operator of a session is called. */
export const nameSession = internalMutation({
  args: { token: v.string(), name: v.string() },
  returns: v.null(),
  handler: async (ctx, { token, name }) => {
    const row = await findSession(ctx, token);
    if (row) await ctx.db.patch(row._id, { name });
    return null;
  },
});

/** What operators are called who have been seen since then; `null` for those that were opened before there were names. */
export const names = internalQuery({
  args: { since: v.number() },
  returns: v.array(v.union(v.string(), v.null())),
  handler: async (ctx, { since }) => {
    const rows = await ctx.db.query('operatorSessions').withIndex('by_age').order('desc').take(MAX_PAGE);
    return [...new Set(rows.filter((row) => row.lastSeenAt >= since).map((row) => row.name ?? null))];
  },
});

/** Some sessions' tokens; none if there are none. */
export const sessions = internalQuery({
  args: {},
  returns: v.array(v.string()),
  handler: async (ctx) => (await ctx.db.query('operatorSessions').take(DELETED_AT_ONCE)).map(({ token }) => token),
});

export const endSessions = internalMutation({
  args: { tokens: v.array(v.string()) },
  returns: v.null(),
  handler: async (ctx, { tokens }) => {
    checkLimit(Math.max(tokens.length, 1));
    for (const token of tokens) {
      const row = await findSession(ctx, token);
      if (row) await ctx.db.delete(row._id);
    }
    return null;
  },
});

function findSession(ctx: QueryCtx, token: string) {
  return ctx.db
    .query('operatorSessions')
    .withIndex('by_token', (q) => q.eq('token', token))
    .unique();
}

/** Deletes sessions that were opened before a moment, and says whether there may be more. */
async function deleteSessions(ctx: MutationCtx, before: number): Promise<boolean> {
  const rows = await ctx.db
    .query('operatorSessions')
    .withIndex('by_age', (q) => q.lt('createdAt', before))
    .take(DELETED_AT_ONCE);
  for (const row of rows) await ctx.db.delete(row._id);
  return rows.length === DELETED_AT_ONCE;
}

/** Takes a try out of every bucket, or refuses it and takes none. `call` names this call. */
export const takeTry = internalMutation({
  args: { call: v.string(), tries: v.array(v.object({ bucket: v.string(), rule })), now: v.number() },
  returns: v.union(v.object({ left: v.number() }), v.object({ wait: v.number() })),
  handler: async (ctx, { call, tries, now }) => {
    const before = await ctx.db
      .query('loginCalls')
      .withIndex('by_call', (q) => q.eq('call', call))
      .unique();
    if (before) return { left: before.left };
    const states = new Map<string, ThrottleState>();
    // What nobody limits may be tried as often as the server can count.
    let left = 2 ** 32 - 1;
    for (const { bucket, rule } of tries) {
      const taken = take(states.get(bucket) ?? (await triesOf(ctx, bucket)) ?? UNTRIED, rule, now);
      if ('wait' in taken) return taken;
      states.set(bucket, taken.state);
      left = Math.min(left, taken.left);
    }
    for (const [bucket, state] of states) await keepTries(ctx, bucket, state);
    await ctx.db.insert('loginCalls', { call, left, at: now });
    await forgetOldTries(ctx, now - TRIES_KEPT);
    return { left };
  },
});

function triesOf(ctx: MutationCtx, bucket: string) {
  return ctx.db
    .query('loginTries')
    .withIndex('by_bucket', (q) => q.eq('bucket', bucket))
    .unique();
}

async function keepTries(ctx: MutationCtx, bucket: string, { tries, lastTryAt, pausedUntil }: ThrottleState) {
  const row = await triesOf(ctx, bucket);
  const kept = { bucket, tries, lastTryAt, pausedUntil, touchedAt: Math.max(lastTryAt, pausedUntil) };
  if (row) await ctx.db.replace(row._id, kept);
  else await ctx.db.insert('loginTries', kept);
}

/** A few at a time: more than are made meanwhile. */
const FORGOTTEN_AT_ONCE = 16;

async function forgetOldTries(ctx: MutationCtx, before: number): Promise<void> {
  const tries = await ctx.db
    .query('loginTries')
    .withIndex('by_age', (q) => q.lt('touchedAt', before))
    .take(FORGOTTEN_AT_ONCE);
  const calls = await ctx.db
    .query('loginCalls')
    .withIndex('by_age', (q) => q.lt('at', before))
    .take(FORGOTTEN_AT_ONCE);
  for (const row of [...tries, ...calls]) await ctx.db.delete(row._id);
}

export const forgetTries = internalMutation({
  args: { buckets: v.array(v.string()) },
  returns: v.null(),
  handler: async (ctx, { buckets }) => {
    for (const bucket of buckets) {
      const row = await triesOf(ctx, bucket);
      if (row) await ctx.db.delete(row._id);
    }
    return null;
  },
});

export const rememberDevice = internalMutation({
  args: { token: v.string(), now: v.number() },
  returns: v.null(),
  handler: async (ctx, { token, now }) => {
    const row = await ctx.db
      .query('operatorDevices')
      .withIndex('by_token', (q) => q.eq('token', token))
      .unique();
    if (row) await ctx.db.patch(row._id, { seenAt: now });
    else await ctx.db.insert('operatorDevices', { token, seenAt: now });
    return null;
  },
});

export const knowsDevice = internalQuery({
  args: { token: v.string(), since: v.number() },
  returns: v.boolean(),
  handler: async (ctx, { token, since }) => {
    const row = await ctx.db
      .query('operatorDevices')
      .withIndex('by_token', (q) => q.eq('token', token))
      .unique();
    return row !== null && row.seenAt >= since;
  },
});
