/** Reading conversations, and removing one. */

import { type Infer, v } from 'convex/values';
import { internal } from './_generated/api';
import type { Doc } from './_generated/dataModel';
import { internalMutation, internalQuery, type MutationCtx, type QueryCtx } from './_generated/server';
import { add, conversationsOf, total } from './lib/counters';
import { conversationFilter, LOOKED_AT, place, placeOf, walk } from './lib/filtering';
import {
  conversationName,
  conversationNamed,
  conversationOfSession,
  conversationOfSite,
  draftsOf,
  messageById,
  runningIn,
} from './lib/find';
import { checkLimit, readBounded } from './lib/limits';
import { asMessage, asSummary, message, readCountOf, sessionKey, state, stateOf, summary } from './lib/shapes';

/** A site's conversations: latest activity first, then the larger id. With a filter there may be fewer than asked for. */
export const list = internalQuery({
  args: { site: v.string(), limit: v.number(), after: v.optional(place), filter: v.optional(conversationFilter) },
  returns: v.object({ conversations: v.array(summary), total: v.number(), next: v.optional(place) }),
  handler: async (ctx, { site, limit, after, filter }) => {
    checkLimit(limit);
    const found: Doc<'conversations'>[] = [];
    // One more than asked for tells whether there is another page.
    const most = filter ? LOOKED_AT : limit + 1;
    const stopped = await walk(ctx, site, filter ?? {}, after, most, (row) => found.push(row) <= limit);
    const page = found.slice(0, limit);
    const last = page.at(-1);
    return {
      conversations: page.map(asSummary),
      total: await total(ctx, conversationsOf(site)),
      next: last && found.length > limit ? placeOf(last) : filter && stopped,
    };
  },
});

const page = { before: v.optional(v.number()), limit: v.number() };

/** With fewer messages than asked for although there are older ones if their texts are very long. */
const threadShape = v.object({ conversation: summary, messages: v.array(message), hasOlder: v.boolean() });
type Thread = Infer<typeof threadShape>;

/** A conversation with a page of its messages. */
export const thread = internalQuery({
  args: { site: v.string(), conversation: v.string(), ...page },
  returns: v.union(threadShape, v.null()),
  handler: async (ctx, { site, conversation, ...page }): Promise<Thread | null> => {
    const found = await conversationOfSite(ctx, site, conversation);
    return found && readThread(ctx, found, page);
  },
});

/** A visitor's own conversation with a page of its messages. */
export const sessionThread = internalQuery({
  args: { ...sessionKey, ...page },
  returns: v.union(threadShape, v.null()),
  handler: async (ctx, { before, limit, ...session }): Promise<Thread | null> => {
    const found = await conversationOfSession(ctx, session);
    return found && readThread(ctx, found, { before, limit });
  },
});

async function readThread(
  ctx: QueryCtx,
  doc: Doc<'conversations'>,
  { before, limit }: { before?: number; limit: number },
): Promise<Thread> {
  const running = await runningIn(ctx, doc.conversation);
  const { rows } = await readBounded(checkLimit(limit), (count, last) =>
    ctx.db
      .query('messages')
      .withIndex('by_place', (q) => q.eq('conversation', doc.conversation).lt('seq', last?.seq ?? before ?? Infinity))
      .order('desc')
      .take(count),
  );
  const messages = rows.reverse().map((row) => asMessage(row, running));
  const oldest = messages[0];
  return { conversation: asSummary(doc), messages, hasOlder: oldest !== undefined && oldest.seq > 1 };
}

/** What has changed in a conversation after the change with that number. */
export const changes = internalQuery({
  args: {
    name: conversationName,
    after: v.number(),
    limit: v.number(),
  },
  returns: v.union(
    v.null(),
    v.object({
      conversation: v.string(),
      revision: v.number(),
      state,
      readCount: v.number(),
      messages: v.array(message),
      hasMore: v.boolean(),
      writing: v.optional(message),
    }),
  ),
  handler: async (ctx, { name, after, limit }) => {
    const found = await conversationNamed(ctx, name);
    if (!found) return null;
    const { conversation, revision } = found;
    const running = await runningIn(ctx, conversation);
    const writing = running && (await messageById(ctx, running.answer));
    const { rows, last, isEnd } = await readBounded(checkLimit(limit), (count, last) =>
      ctx.db
        .query('messages')
        .withIndex('by_change', (q) => q.eq('conversation', conversation).gt('revision', last?.revision ?? after))
        .take(count),
    );
    const next =
      !isEnd &&
      last &&
      (await ctx.db
        .query('messages')
        .withIndex('by_change', (q) => q.eq('conversation', conversation).gt('revision', last.revision))
        .first());
    return {
      conversation,
      revision,
      state: stateOf(found),
      readCount: readCountOf(found),
      messages: rows.map((row) => asMessage(row, running)),
      hasMore: Boolean(next),
      writing: writing ? asMessage(writing, running) : undefined,
    };
  },
});

/** An answer, to whoever knows the secret of its session. */
export const sessionAnswer = internalQuery({
  args: { site: v.string(), secret: v.string(), answer: v.string() },
  returns: v.union(v.null(), v.object({ conversation: v.string(), answer: message })),
  handler: async (ctx, { site, secret, answer }) => {
    const found = await messageById(ctx, answer);
    if (!found || found.site !== site || found.role !== 'assistant') return null;
    const conversation = await conversationOfSite(ctx, site, found.conversation);
    if (conversation?.secret !== secret) return null;
    const running = await runningIn(ctx, found.conversation);
    return { conversation: found.conversation, answer: asMessage(found, running) };
  },
});

/**
 * Messages with these words, the best matches first as Convex ranks them. Of the words the last may be only begun. An answer
 * that is being written is not found.
 */
export const search = internalQuery({
  args: { site: v.string(), words: v.string(), limit: v.number() },
  returns: v.array(v.object({ conversation: summary, message })),
  handler: async (ctx, { site, words, limit }) => {
    // A ranked search cannot be read in portions, so it reads few.
    const hits = await ctx.db
      .query('messages')
      .withSearchIndex('by_words', (q) => q.search('text', words).eq('site', site))
      .take(Math.min(checkLimit(limit), MAX_HITS));
    const found = [];
    for (const hit of hits) {
      // A conversation that is being removed is gone already.
      const conversation = await conversationOfSite(ctx, site, hit.conversation);
      if (conversation) found.push({ conversation: asSummary(conversation), message: asMessage(hit, null) });
    }
    return found;
  },
});

const MAX_HITS = 40;

/** How many rows one call deletes: with all of their texts, far from what a transaction may read. */
const REMOVED_AT_ONCE = 16;

/**
 * Removes a conversation: at once for every reader, and its messages portion by portion. Says which one that was; a call
 * that is sent again finds none.
 */
export const remove = internalMutation({
  args: { name: conversationName },
  returns: v.union(v.null(), v.object({ conversation: v.string(), session: v.string(), secret: v.string() })),
  handler: async (ctx, { name }) => {
    const found = await conversationNamed(ctx, name);
    if (!found) return null;
    const { conversation, session, secret } = found;
    await ctx.db.delete(found._id);
    await add(ctx, conversationsOf(found.site), -1);
    await sweepMessages(ctx, conversation);
    return { conversation, session, secret };
  },
});

/** Deletes what is left of a removed conversation. */
export const sweep = internalMutation({
  args: { conversation: v.string() },
  returns: v.null(),
  handler: async (ctx, { conversation }) => {
    await sweepMessages(ctx, conversation);
    return null;
  },
});

async function sweepMessages(ctx: MutationCtx, conversation: string): Promise<void> {
  const running = await runningIn(ctx, conversation);
  if (running) await ctx.db.delete(running._id);
  const drafts = await draftsOf(ctx, conversation);
  if (drafts) await ctx.db.delete(drafts._id);
  const messages = await ctx.db
    .query('messages')
    .withIndex('by_place', (q) => q.eq('conversation', conversation))
    .take(REMOVED_AT_ONCE);
  const replaced = await ctx.db
    .query('replacedAnswers')
    .withIndex('by_conversation', (q) => q.eq('conversation', conversation))
    .take(REMOVED_AT_ONCE);
  for (const row of [...messages, ...replaced]) await ctx.db.delete(row._id);
  if (Math.max(messages.length, replaced.length) === REMOVED_AT_ONCE) {
    await ctx.scheduler.runAfter(0, internal.conversations.sweep, { conversation });
  }
}
