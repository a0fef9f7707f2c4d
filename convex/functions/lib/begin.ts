import type { Infer } from 'convex/values';
import type { Doc } from '../_generated/dataModel';
import type { MutationCtx } from '../_generated/server';
import { add, conversationsOf } from './counters';
import { refuse } from './limits';
import type { visit } from './shapes';

interface Begun {
  site: string;
  session: string;
  secret: string;
  conversation: string;
  now: number;
}

/** Makes a session's conversation, with no message in it. */
export async function beginConversation(
  ctx: MutationCtx,
  { site, session, secret, conversation, now }: Begun,
): Promise<Doc<'conversations'>> {
  const id = await ctx.db.insert('conversations', {
    conversation,
    site,
    session,
    secret,
    createdAt: now,
    updatedAt: now,
    lastMessage: '',
    lastRole: 'user',
    messageCount: 0,
    readCount: 0,
    revision: 0,
  });
  await add(ctx, conversationsOf(site), 1);
  return (await ctx.db.get(id)) ?? refuse('not_made');
}

type Visit = Infer<typeof visit>;

/** What is said of a visit later counts more; what is not said stays. */
export const merged = (earlier: Visit | undefined, later: Visit): Visit => ({ ...earlier, ...later });
