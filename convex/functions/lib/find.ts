/** One document by what names it. */

import type { Infer } from 'convex/values';
import { v } from 'convex/values';
import type { Doc } from '../_generated/dataModel';
import type { MutationCtx, QueryCtx } from '../_generated/server';
import { sessionKey } from './shapes';

const sessionKeyObject = v.object(sessionKey);

/** The conversation that a session's next message belongs to. */
export function conversationOfSession(
  ctx: QueryCtx,
  { site, session, secret }: Infer<typeof sessionKeyObject>,
): Promise<Doc<'conversations'> | null> {
  return ctx.db
    .query('conversations')
    .withIndex('by_session', (q) => q.eq('site', site).eq('session', session).eq('secret', secret))
    .unique();
}

/** A site's conversation by its id. */
export async function conversationOfSite(
  ctx: QueryCtx,
  site: string,
  conversation: string,
): Promise<Doc<'conversations'> | null> {
  const found = await ctx.db
    .query('conversations')
    .withIndex('by_conversation', (q) => q.eq('conversation', conversation))
    .unique();
  return found?.site === site ? found : null;
}

/** That one of a site, or the one that a session's next message belongs to. */
export const conversationName = v.union(v.object({ site: v.string(), conversation: v.string() }), v.object(sessionKey));

export function conversationNamed(
  ctx: QueryCtx,
  name: Infer<typeof conversationName>,
): Promise<Doc<'conversations'> | null> {
  return 'conversation' in name
    ? conversationOfSite(ctx, name.site, name.conversation)
    : conversationOfSession(ctx, name);
}

export function settingOf(ctx: QueryCtx, name: string): Promise<Doc<'settings'> | null> {
  return ctx.db
    .query('settings')
    .withIndex('by_name', (q) => q.eq('name', name))
    .unique();
}

export async function keepSetting(ctx: MutationCtx, name: string, value: string): Promise<void> {
  const row = await settingOf(ctx, name);
  if (row) await ctx.db.patch(row._id, { value });
  else await ctx.db.insert('settings', { name, value });
}

export function documentOf(ctx: QueryCtx, site: string, name: string): Promise<Doc<'siteDocuments'> | null> {
  return ctx.db
    .query('siteDocuments')
    .withIndex('by_name', (q) => q.eq('site', site).eq('name', name))
    .unique();
}

export function messageById(ctx: QueryCtx, id: string): Promise<Doc<'messages'> | null> {
  return ctx.db
    .query('messages')
    .withIndex('by_message', (q) => q.eq('message', id))
    .unique();
}

/** A message that was stored under that idempotency key: visitors have theirs, and operators have others. */
export async function messageOfKey(
  ctx: QueryCtx,
  conversation: string,
  key: string,
  whose: 'visitors' | 'operators',
): Promise<Doc<'messages'> | null> {
  const rows = await ctx.db
    .query('messages')
    .withIndex('by_key', (q) => q.eq('conversation', conversation).eq('idempotencyKey', key))
    .take(2);
  return rows.find(({ role }) => (role === 'user') === (whose === 'visitors')) ?? null;
}

/** What operators have begun to write in a conversation. */
export function draftsOf(ctx: QueryCtx, conversation: string): Promise<Doc<'drafts'> | null> {
  return ctx.db
    .query('drafts')
    .withIndex('by_conversation', (q) => q.eq('conversation', conversation))
    .unique();
}

export function messageAt(ctx: QueryCtx, conversation: string, seq: number): Promise<Doc<'messages'> | null> {
  return ctx.db
    .query('messages')
    .withIndex('by_place', (q) => q.eq('conversation', conversation).eq('seq', seq))
    .unique();
}

/** The answer of a conversation that is being written; there is one at most. */
export function runningIn(ctx: QueryCtx, conversation: string): Promise<Doc<'running'> | null> {
  return ctx.db
    .query('running')
    .withIndex('by_conversation', (q) => q.eq('conversation', conversation))
    .unique();
}

export function runningAnswer(ctx: QueryCtx, answer: string): Promise<Doc<'running'> | null> {
  return ctx.db
    .query('running')
    .withIndex('by_answer', (q) => q.eq('answer', answer))
    .unique();
}

/** Counts a change of a conversation, and gives its number. */
export async function nextRevision(
  ctx: MutationCtx,
  conversation: Doc<'conversations'>,
  change: Partial<Doc<'conversations'>> = {},
): Promise<number> {
  const revision = conversation.revision + 1;
  await ctx.db.patch(conversation._id, { ...change, revision });
  return revision;
}
