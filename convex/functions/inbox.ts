/** What operators do with conversations. Which of it is allowed when is for the server to say. */

import { type Infer, v } from 'convex/values';
import { internalMutation, internalQuery } from './_generated/server';
import { beginConversation, merged } from './lib/begin';
import { COUNTED, conversationFilter, walk } from './lib/filtering';
import {
  conversationName,
  conversationNamed,
  conversationOfSession,
  conversationOfSite,
  draftsOf,
  messageOfKey as findByKey,
  messageById,
} from './lib/find';
import { checkLimit, checkText, readBounded, refuse } from './lib/limits';
import { preview } from './lib/preview';
import {
  asMessage,
  asSummary,
  draft,
  isTalk,
  message,
  readCountOf,
  role,
  sessionKey,
  state,
  summary,
  visit,
} from './lib/shapes';

/** Finds a session's conversation, or makes one without messages. */
export const begin = internalMutation({
  args: { ...sessionKey, conversation: v.string(), visit: v.optional(visit), now: v.number() },
  returns: v.string(),
  handler: async (ctx, { visit, ...begun }) => {
    const conversation = (await conversationOfSession(ctx, begun)) ?? (await beginConversation(ctx, begun));
    if (visit) await ctx.db.patch(conversation._id, { visit: merged(conversation.visit, visit) });
    return conversation.conversation;
  },
});

/** A conversation without its messages, and the hash of its session's secret. */
export const conversation = internalQuery({
  args: { name: conversationName },
  returns: v.union(v.null(), v.object({ secret: v.string(), conversation: summary })),
  handler: async (ctx, { name }) => {
    const found = await conversationNamed(ctx, name);
    return found && { secret: found.secret, conversation: asSummary(found) };
  },
});

const newMessage = v.object({
  id: v.string(),
  role,
  text: v.string(),
  author: v.optional(v.string()),
  idempotencyKey: v.optional(v.string()),
});

/**
 * Changes a conversation's state, and appends a message, if nothing has changed since; as the next change. `call` names this
 * call: sent again, it is done already.
 */
export const update = internalMutation({
  args: {
    call: v.string(),
    site: v.string(),
    conversation: v.string(),
    expectedRevision: v.number(),
    state,
    message: v.optional(newMessage),
    isActivity: v.boolean(),
    now: v.number(),
  },
  returns: v.union(
    v.null(),
    v.object({ kind: v.literal('done') }),
    v.object({ kind: v.literal('outdated') }),
    v.object({ kind: v.literal('repeated'), message }),
  ),
  handler: async (ctx, { call, site, conversation, expectedRevision, state, message, isActivity, now }) => {
    const found = await conversationOfSite(ctx, site, conversation);
    if (!found) return null;
    if (found.lastCall === call) return { kind: 'done' as const };
    const appended = message && (await messageById(ctx, message.id));
    if (appended) return appended.conversation === conversation ? { kind: 'done' as const } : refuse('id_taken');
    const key = message?.idempotencyKey;
    const known = key === undefined ? null : await findByKey(ctx, conversation, key, 'operators');
    if (known) return { kind: 'repeated' as const, message: asMessage(known, null) };
    if (found.revision !== expectedRevision) return { kind: 'outdated' as const };

    const messageCount = found.messageCount + (message ? 1 : 0);
    const revision = found.revision + 1;
    if (message) {
      const { id, text, ...rest } = message;
      await ctx.db.insert('messages', {
        ...rest,
        message: id,
        site,
        conversation,
        seq: messageCount,
        revision,
        status: 'accepted',
        text: checkText(text),
        createdAt: now,
      });
    }
    await ctx.db.patch(found._id, {
      state,
      revision,
      messageCount,
      readCount: readCountOf(found),
      lastCall: call,
      ...(isActivity ? { updatedAt: now } : {}),
      ...(message && isTalk(message.role) ? { lastMessage: preview(message.text), lastRole: message.role } : {}),
    });
    return { kind: 'done' as const };
  },
});

/** What operators said or noted under an idempotency key. */
export const messageOfKey = internalQuery({
  args: { site: v.string(), conversation: v.string(), key: v.string() },
  returns: v.union(v.null(), message),
  handler: async (ctx, { site, conversation, key }) => {
    const found = await conversationOfSite(ctx, site, conversation);
    const known = found && (await findByKey(ctx, conversation, key, 'operators'));
    return known && asMessage(known, null);
  },
});

/** Keeps what an operator has begun to write unless there are `most` other drafts; no text keeps nothing. */
export const saveDraft = internalMutation({
  args: {
    site: v.string(),
    conversation: v.string(),
    operator: v.string(),
    kind: draft.fields.kind,
    text: v.optional(v.string()),
    most: v.number(),
  },
  returns: v.union(v.null(), v.literal('done'), v.literal('tooMany')),
  handler: async (ctx, { site, conversation, operator, kind, text, most }) => {
    if (!(await conversationOfSite(ctx, site, conversation))) return null;
    const doc = await draftsOf(ctx, conversation);
    const drafts = (doc?.drafts ?? []).filter((it) => it.operator !== operator || it.kind !== kind);
    if (text !== undefined) {
      if (drafts.length >= most) return 'tooMany';
      drafts.push({ operator, kind, text: checkText(text) });
    }
    if (doc && drafts.length === 0) await ctx.db.delete(doc._id);
    else if (doc) await ctx.db.patch(doc._id, { drafts });
    else if (drafts.length > 0) await ctx.db.insert('drafts', { conversation, drafts });
    return 'done';
  },
});

/** What an operator has begun to write. */
export const drafts = internalQuery({
  args: { site: v.string(), conversation: v.string(), operator: v.string() },
  returns: v.union(v.null(), v.array(draft)),
  handler: async (ctx, { site, conversation, operator }) => {
    if (!(await conversationOfSite(ctx, site, conversation))) return null;
    const doc = await draftsOf(ctx, conversation);
    return (doc?.drafts ?? []).filter((it) => it.operator === operator);
  },
});

const modelUsage = v.object({ model: v.optional(v.string()), inputTokens: v.number(), outputTokens: v.number() });

/** What the answers among the newest messages cost in tokens, by their models. Of very long texts fewer are looked at. */
export const usage = internalQuery({
  args: { site: v.string(), conversation: v.string(), limit: v.number() },
  returns: v.union(v.null(), v.array(modelUsage)),
  handler: async (ctx, { site, conversation, limit }) => {
    if (!(await conversationOfSite(ctx, site, conversation))) return null;
    const { rows } = await readBounded(checkLimit(limit), (count, last) =>
      ctx.db
        .query('messages')
        .withIndex('by_place', (q) => q.eq('conversation', conversation).lt('seq', last?.seq ?? Infinity))
        .order('desc')
        .take(count),
    );
    const sums = new Map<string | undefined, Infer<typeof modelUsage>>();
    for (const { model, inputTokens, outputTokens } of rows) {
      if (inputTokens === undefined || outputTokens === undefined) continue;
      const sum = sums.get(model) ?? { model, inputTokens: 0, outputTokens: 0 };
      sum.inputTokens += inputTokens;
      sum.outputTokens += outputTokens;
      sums.set(model, sum);
    }
    return [...sums.values()];
  },
});

/** Notes that an operator has seen so many messages, unless more were seen before. */
export const markRead = internalMutation({
  args: { site: v.string(), conversation: v.string(), count: v.number() },
  returns: v.null(),
  handler: async (ctx, { site, conversation, count }) => {
    const found = await conversationOfSite(ctx, site, conversation);
    const seen = Math.min(count, found?.messageCount ?? 0);
    if (found && seen > readCountOf(found)) await ctx.db.patch(found._id, { readCount: seen });
    return null;
  },
});

/** How many conversations are as the filter says: at most so many, and of the first thousand that may be. */
export const count = internalQuery({
  args: { site: v.string(), filter: conversationFilter, atMost: v.number() },
  returns: v.number(),
  handler: async (ctx, { site, filter, atMost }) => {
    let count = 0;
    if (atMost < 1) return count;
    checkLimit(Math.min(atMost, COUNTED));
    await walk(ctx, site, filter, undefined, COUNTED, () => {
      count += 1;
      return count < atMost;
    });
    return count;
  },
});
