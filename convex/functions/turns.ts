/**
 * Sending and answering. Each mutation is one unit of work of the server's contract, and may be sent again when its answer
 * was lost: the ids in it tell that it was carried out before.
 */

import { type Infer, v } from 'convex/values';
import type { Doc } from './_generated/dataModel';
import { internalMutation, internalQuery, type MutationCtx, type QueryCtx } from './_generated/server';
import { beginConversation, merged } from './lib/begin';
import {
  conversationOfSession,
  conversationOfSite,
  messageAt,
  messageById,
  messageOfKey,
  nextRevision,
  runningAnswer,
  runningIn,
} from './lib/find';
import { historyBefore } from './lib/history';
import { checkLimit, checkText, refuse } from './lib/limits';
import { preview } from './lib/preview';
import {
  asMessage,
  facts,
  feedback,
  historyEntry,
  identity,
  message,
  readCountOf,
  sessionKey,
  status,
  visit,
} from './lib/shapes';
import { NOBODY } from './nodes';

const turn = v.object({
  ...sessionKey,
  text: v.string(),
  idempotencyKey: v.optional(v.string()),
  /** Ids for what may have to be made. */
  conversation: v.string(),
  visitorMessage: v.string(),
  answer: v.string(),
  /** Who writes the answer. */
  node: v.string(),
  now: v.number(),
  historyLimit: v.number(),
  historySince: v.number(),
  identity: v.optional(identity),
  visit: v.optional(visit),
});
type Turn = Infer<typeof turn>;

const opening = v.union(
  v.object({
    kind: v.literal('opened'),
    conversation: v.string(),
    visitorMessage: v.string(),
    answer: v.string(),
    history: v.array(historyEntry),
    /** Set if there may be more history than one call can read: the place it goes on before. */
    moreBefore: v.optional(v.number()),
  }),
  v.object({ kind: v.literal('repeated'), conversation: v.string(), visitorMessage: v.string(), answer: message }),
  /** A person answers, or did when the message came for the first time. */
  v.object({
    kind: v.literal('delivered'),
    conversation: v.string(),
    visitorMessage: v.string(),
    operator: v.optional(v.string()),
    repeated: v.boolean(),
  }),
  v.object({ kind: v.literal('mismatch') }),
  v.object({ kind: v.literal('busy'), answer: v.string() }),
  /** This very call was carried out before, and its answer has been replaced since. */
  v.object({ kind: v.literal('stale') }),
);
type Opening = Infer<typeof opening>;

/** Accepts a visitor's message: stores it with an empty answer, and gives what the model needs to read. */
export const open = internalMutation({
  args: turn.fields,
  returns: opening,
  handler: async (ctx, turn): Promise<Opening> => {
    checkText(turn.text);
    checkLimit(turn.historyLimit);
    const found = await conversationOfSession(ctx, turn);
    const before = await openedBefore(ctx, turn, found);
    if (before) return before;

    const isAnswered = found?.state?.answering === undefined;
    const key = turn.idempotencyKey;
    const known = found && key !== undefined ? await messageOfKey(ctx, found.conversation, key, 'visitors') : null;
    if (found && known) {
      if (known.text !== turn.text) return { kind: 'mismatch' };
      const next = await messageAt(ctx, found.conversation, known.seq + 1);
      const answer = next?.role === 'assistant' ? next : null;
      if (answer && !mayBeReplaced(answer)) {
        const running = await runningIn(ctx, found.conversation);
        const repeated = asMessage(answer, running);
        return { kind: 'repeated', conversation: found.conversation, visitorMessage: known.message, answer: repeated };
      }
      if (!answer || !isAnswered) return delivered(found, known.message, true);
    }
    const running = found && isAnswered && (await runningIn(ctx, found.conversation));
    if (running) return { kind: 'busy', answer: running.answer };

    const conversation = found ?? (await beginConversation(ctx, turn));
    const visitor = known ?? (await append(ctx, conversation, turn, isAnswered));
    if (known) await replaceAnswer(ctx, conversation, known.seq + 1, turn);
    const { identity, visit } = turn;
    if (identity || visit) {
      await ctx.db.patch(conversation._id, {
        ...(identity ? { identity } : {}),
        ...(visit ? { visit: merged(conversation.visit, visit) } : {}),
      });
    }
    if (!isAnswered) return delivered(conversation, visitor.message, false);
    await ctx.db.insert('running', {
      answer: turn.answer,
      site: turn.site,
      conversation: conversation.conversation,
      text: '',
      node: turn.node,
    });
    return opened(ctx, visitor, turn);
  },
});

/** What this call was answered when it was carried out before; `null` if it never was. */
async function openedBefore(
  ctx: QueryCtx,
  turn: Turn,
  conversation: Doc<'conversations'> | null,
): Promise<Opening | null> {
  const replaced = await ctx.db
    .query('replacedAnswers')
    .withIndex('by_answer', (q) => q.eq('answer', turn.answer))
    .first();
  if (replaced) return { kind: 'stale' };
  const answer = await messageById(ctx, turn.answer);
  if (!answer) {
    // Its id is new with each call, so it was this one.
    const message = conversation && (await messageById(ctx, turn.visitorMessage));
    if (!message) return null;
    return message.conversation === conversation.conversation
      ? delivered(conversation, message.message, false)
      : refuse('id_taken');
  }
  if (answer.conversation !== conversation?.conversation) return refuse('id_taken');
  const visitor = await messageAt(ctx, answer.conversation, answer.seq - 1);
  return visitor ? opened(ctx, visitor, turn) : refuse('id_taken');
}

async function opened(ctx: QueryCtx, visitor: Doc<'messages'>, turn: Turn): Promise<Opening> {
  const { history, moreBefore } = await historyBefore(ctx, visitor.conversation, {
    before: visitor.seq + 1,
    limit: turn.historyLimit,
    since: turn.historySince,
    always: visitor.seq,
  });
  return {
    kind: 'opened',
    conversation: visitor.conversation,
    visitorMessage: visitor.message,
    answer: turn.answer,
    history,
    moreBefore,
  };
}

function delivered(conversation: Doc<'conversations'>, visitorMessage: string, repeated: boolean): Opening {
  const operator = conversation.state?.answering?.operator;
  return { kind: 'delivered', conversation: conversation.conversation, visitorMessage, operator, repeated };
}

/** Whether this answer is not what was owed. One that the model ended at a limit is. */
function mayBeReplaced(answer: Doc<'messages'>): boolean {
  const isEndedByModel = answer.finish !== undefined && answer.failure === undefined;
  return (answer.status === 'interrupted' || answer.status === 'failed') && !isEndedByModel;
}

/** Appends the message, and its empty answer if the AI answers, and gives the message. */
async function append(
  ctx: MutationCtx,
  conversation: Doc<'conversations'>,
  turn: Turn,
  isAnswered: boolean,
): Promise<Doc<'messages'>> {
  if (await messageById(ctx, turn.visitorMessage)) refuse('id_taken');
  const common = { site: turn.site, conversation: conversation.conversation, createdAt: turn.now };
  const { messageCount, revision, state } = conversation;
  const id = await ctx.db.insert('messages', {
    ...common,
    message: turn.visitorMessage,
    seq: messageCount + 1,
    revision: revision + 1,
    role: 'user',
    status: 'accepted',
    text: turn.text,
    idempotencyKey: turn.idempotencyKey,
  });
  if (isAnswered) {
    await ctx.db.insert('messages', {
      ...common,
      message: turn.answer,
      seq: messageCount + 2,
      revision: revision + 2,
      role: 'assistant',
      status: 'streaming',
      text: '',
    });
  }
  const more = isAnswered ? 2 : 1;
  await ctx.db.patch(conversation._id, {
    updatedAt: turn.now,
    lastMessage: preview(turn.text),
    lastRole: 'user',
    messageCount: messageCount + more,
    readCount: readCountOf(conversation),
    revision: revision + more,
    ...(state?.status === 'closed' ? { state: { ...state, status: 'open' as const } } : {}),
  });
  return (await ctx.db.get(id)) ?? refuse('not_made');
}

/** Begins an answer anew, in its place and under its new id. */
async function replaceAnswer(
  ctx: MutationCtx,
  conversation: Doc<'conversations'>,
  seq: number,
  turn: Turn,
): Promise<void> {
  const old = (await messageAt(ctx, conversation.conversation, seq)) ?? refuse('answer_missing');
  await ctx.db.insert('replacedAnswers', { answer: old.message, conversation: old.conversation });
  await ctx.db.replace(old._id, {
    message: turn.answer,
    site: old.site,
    conversation: old.conversation,
    seq,
    revision: await nextRevision(ctx, conversation, { updatedAt: turn.now }),
    role: 'assistant',
    status: 'streaming',
    text: '',
    createdAt: turn.now,
  });
}

/** More of a turn's history than the call that opened it could read. */
export const history = internalQuery({
  args: { conversation: v.string(), before: v.number(), limit: v.number(), since: v.number() },
  returns: v.object({ history: v.array(historyEntry), moreBefore: v.optional(v.number()) }),
  handler: (ctx, { conversation, before, limit, since }) =>
    historyBefore(ctx, conversation, { before, limit: checkLimit(limit), since }),
});

/** Keeps the text of an answer that is still being written, and says whether it is. */
export const savePartial = internalMutation({
  args: { site: v.string(), answer: v.string(), text: v.string() },
  returns: v.boolean(),
  handler: async (ctx, { site, answer, text }) => {
    const running = await runningAnswer(ctx, answer);
    if (running?.site !== site) return false;
    await ctx.db.patch(running._id, { text: checkText(text) });
    return true;
  },
});

/**
 * Ends an answer, and says whether it has ended like this. An answer that has ended stays as it is; one that does not exist
 * is refused.
 */
export const close = internalMutation({
  args: { site: v.string(), answer: v.string(), status, text: v.string(), now: v.number(), ...facts },
  returns: v.boolean(),
  handler: async (ctx, { site, answer: id, now, status, text, ...facts }) => {
    checkText(text);
    const answer = await messageById(ctx, id);
    if (!answer || answer.site !== site) return refuse('no_such_answer');
    if (answer.status !== 'streaming') return answer.status === status && answer.failure === facts.failure;
    const conversation = await conversationOfSite(ctx, site, answer.conversation);
    if (!conversation) return refuse('no_such_answer');
    const isLatest = answer.seq === conversation.messageCount && text !== '';
    const revision = await nextRevision(ctx, conversation, {
      updatedAt: now,
      ...(isLatest ? { lastMessage: preview(text), lastRole: 'assistant' } : {}),
    });
    await ctx.db.patch(answer._id, { status, text, revision, ...facts });
    await endRunning(ctx, id);
    return true;
  },
});

/** Keeps what a visitor says of an answer; without `feedback`, takes back what was said. */
export const rate = internalMutation({
  args: { site: v.string(), secret: v.string(), answer: v.string(), feedback: v.optional(feedback) },
  returns: v.union(
    v.null(),
    v.object({ kind: v.literal('kept'), conversation: v.string(), session: v.string() }),
    v.object({ kind: v.literal('notEnded') }),
  ),
  handler: async (ctx, { site, secret, answer: id, feedback }) => {
    const answer = await messageById(ctx, id);
    if (!answer || answer.site !== site || answer.role !== 'assistant') return null;
    const conversation = await conversationOfSite(ctx, site, answer.conversation);
    if (!conversation || conversation.secret !== secret) return null;
    if (answer.status === 'streaming') return { kind: 'notEnded' as const };
    const { rating, reason, comment } = answer.feedback ?? {};
    if (rating !== feedback?.rating || reason !== feedback?.reason || comment !== feedback?.comment) {
      const revision = await nextRevision(ctx, conversation, { rating: feedback?.rating });
      await ctx.db.patch(answer._id, { feedback, revision });
    }
    return { kind: 'kept' as const, conversation: conversation.conversation, session: conversation.session };
  },
});

async function endRunning(ctx: MutationCtx, answer: string): Promise<string> {
  const running = await runningAnswer(ctx, answer);
  if (running) await ctx.db.delete(running._id);
  return running?.text ?? '';
}

/** So many answers with all of their text are read and written without coming near a limit. */
const INTERRUPTED_AT_ONCE = 8;

/** Some of the answers that are being written, or that one node writes; none if there are none. */
export const unfinished = internalQuery({
  args: { node: v.optional(v.string()) },
  returns: v.array(v.string()),
  handler: async (ctx, { node }) => {
    const running = ctx.db.query('running');
    const found =
      node === undefined
        ? running
        : running.withIndex('by_node', (q) => q.eq('node', node === NOBODY ? undefined : node));
    return (await found.take(INTERRUPTED_AT_ONCE)).map(({ answer }) => answer);
  },
});

/** An answer that broke off without a word never began. Blank is what Rust's `str::trim` takes away. */
const brokenStatus = (text: string) => (/^\p{White_Space}*$/u.test(text) ? 'failed' : 'interrupted');

/** Ends those of these answers as broken off that are being written, and says how many of them are. */
export const interrupt = internalMutation({
  args: { answers: v.array(v.string()), failure: v.string() },
  returns: v.number(),
  handler: async (ctx, { answers, failure }) => {
    if (answers.length > INTERRUPTED_AT_ONCE) refuse('bad_limit');
    let count = 0;
    for (const id of answers) {
      const answer = await messageById(ctx, id);
      const conversation = answer && (await conversationOfSite(ctx, answer.site, answer.conversation));
      const text = await endRunning(ctx, id);
      if (answer?.status === 'streaming' && conversation) {
        const revision = await nextRevision(ctx, conversation);
        await ctx.db.patch(answer._id, { status: brokenStatus(text), failure, text, revision });
        count += 1;
      } else if (answer && answer.status === brokenStatus(answer.text) && answer.failure === failure) {
        // By this very call, whose answer was lost.
        count += 1;
      }
    }
    return count;
  },
});
