/**
 * A whole chat turn within Convex, for deployments without our server. Internal like everything here: a website calls it
 * through an HTTP action or a function of its own that decides who may, because every call costs the owner of the key.
 *
 * Its settings are variables of the deployment (`npx convex env set`), with the server's names and defaults.
 */

import type { FunctionReturnType } from 'convex/server';
import { ConvexError, type Infer, v } from 'convex/values';
import { internal } from './_generated/api';
import { type ActionCtx, internalAction } from './_generated/server';
import { refuse } from './lib/limits';
import { ask, type ModelAnswer, ModelError, type ModelSettings } from './lib/openai';
import { buildPrompt, type PromptMessage } from './lib/prompt';
import type { historyEntry } from './lib/shapes';
import { mintId } from './lib/uuid';
import { ACTIONS } from './nodes';

declare const process: { env: Record<string, string | undefined> };

/** The site every deployment begins with. */
const DEFAULT_SITE = '00000000-0000-7000-8000-000000000001';

const MAX_MESSAGE_UNITS = 4000;

const INSTRUCTIONS =
  "You are the assistant of a website's chat. Answer visitors briefly, kindly and truthfully. " +
  'If you do not know something, say so.';

const reply = v.object({ conversationId: v.string(), message: v.string() });
type Reply = Infer<typeof reply>;

/** Stores a visitor's message, asks the model, stores its answer and gives it. */
export const send = internalAction({
  args: {
    sessionId: v.string(),
    message: v.string(),
    /** The client's own name for the message: sent again under the same name, it is not answered twice. */
    idempotencyKey: v.optional(v.string()),
  },
  returns: reply,
  handler: async (ctx, { sessionId, message, idempotencyKey }): Promise<Reply> => {
    if (!/^[A-Za-z0-9._:-]{1,128}$/.test(sessionId)) refuse('invalid_session');
    if (message.trim() === '' || message.length > MAX_MESSAGE_UNITS) refuse('invalid_message');
    const now = Date.now();
    const turn = {
      site: DEFAULT_SITE,
      session: sessionId,
      secret: '',
      text: message,
      idempotencyKey,
      conversation: mintId(now),
      visitorMessage: mintId(now),
      answer: mintId(now),
      node: ACTIONS,
      now,
      historyLimit: number('MAX_HISTORY_MESSAGES', 30, 1000),
      historySince: now - DAY,
    };
    let opening = await ctx.runMutation(internal.turns.open, turn);
    const writing = beingWritten(opening);
    if (writing !== undefined && (await endIfAbandoned(ctx, writing, now))) {
      opening = await ctx.runMutation(internal.turns.open, turn);
    }
    switch (opening.kind) {
      case 'opened':
        return answer(ctx, opening.conversation, opening.answer, promptOf(opening.history), now);
      case 'repeated':
        if (opening.answer.status === 'streaming') return refuse('busy');
        return { conversationId: opening.conversation, message: opening.answer.text };
      default:
        return refuse(opening.kind);
    }
  },
});

/** Whoever guesses the id of a session without a secret can have no more than this repeated to them. */
const DAY = 24 * 60 * 60 * 1000;

/** The answer for which this message would have to wait. */
function beingWritten(opening: FunctionReturnType<typeof internal.turns.open>): string | undefined {
  if (opening.kind === 'busy') return opening.answer;
  return opening.kind === 'repeated' && opening.answer.status === 'streaming' ? opening.answer.id : undefined;
}

/** Longer than any answer takes. */
const ABANDONED_AFTER = 10 * 60 * 1000;

/** Ends an answer that nobody can be writing any more, because its action was cut off. Says whether it did. */
async function endIfAbandoned(ctx: ActionCtx, answer: string, now: number): Promise<boolean> {
  const found = await ctx.runQuery(internal.conversations.sessionAnswer, { site: DEFAULT_SITE, secret: '', answer });
  if (!found || now - found.answer.createdAt < ABANDONED_AFTER) return false;
  const count = await ctx.runMutation(internal.turns.interrupt, { answers: [answer], failure: 'restarted' });
  return count > 0;
}

function promptOf(history: Infer<typeof historyEntry>[]): PromptMessage[] {
  return buildPrompt(history, number('MAX_HISTORY_TOKENS', 8000, 10_000_000));
}

async function answer(
  ctx: ActionCtx,
  conversationId: string,
  answer: string,
  prompt: PromptMessage[],
  begun: number,
): Promise<Reply> {
  const ending = { site: DEFAULT_SITE, answer };
  const times = () => ({ now: Date.now(), totalMillis: Math.max(0, Date.now() - begun) });
  let written: ModelAnswer;
  try {
    written = await ask(modelSettings(), process.env.ASSISTANT_INSTRUCTIONS || INSTRUCTIONS, prompt);
  } catch (error) {
    const failure = error instanceof ModelError ? error.code : 'internal_error';
    await ctx.runMutation(internal.turns.close, { ...ending, ...times(), status: 'failed', text: '', failure });
    throw new ConvexError({ code: failure });
  }
  const { text, ...facts } = written;
  const status = facts.finish === undefined || facts.finish === 'stop' ? 'complete' : 'interrupted';
  await ctx.runMutation(internal.turns.close, { ...ending, ...times(), status, text, ...facts });
  return { conversationId, message: text };
}

function modelSettings(): ModelSettings {
  const { OPENAI_BASE_URL, OPENAI_API_KEY, OPENAI_MODEL } = process.env;
  return {
    baseUrl: (OPENAI_BASE_URL || 'https://api.openai.com/v1').replace(/\/+$/, ''),
    key: OPENAI_API_KEY || undefined,
    model: OPENAI_MODEL || 'gpt-4.1-mini',
    maxOutputTokens: number('MAX_OUTPUT_TOKENS', 1024, 1_000_000),
  };
}

function number(name: string, otherwise: number, most: number): number {
  const value = Number(process.env[name] || otherwise);
  return Number.isInteger(value) && value >= 1 && value <= most ? value : refuse('misconfigured');
}
