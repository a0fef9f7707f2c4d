import type { Infer } from 'convex/values';
import type { QueryCtx } from '../_generated/server';
import { readBounded } from './limits';
import { asHistoryEntry, type historyEntry, isTalk } from './shapes';

interface Wanted {
  /** Only messages before this place. */
  before: number;
  limit: number;
  /** Older ones are left out... */
  since: number;
  /** ...but for the one at this place. */
  always?: number;
}

interface History {
  history: Infer<typeof historyEntry>[];
  /** Set if this call has read enough, and there may be more before this place. */
  moreBefore?: number;
}

/** The latest messages of a conversation that are said to or by the visitor, oldest first. */
export async function historyBefore(
  ctx: QueryCtx,
  conversation: string,
  { before, limit, since, always }: Wanted,
): Promise<History> {
  const { rows, last, isEnd } = await readBounded(
    limit,
    (count, last) =>
      ctx.db
        .query('messages')
        .withIndex('by_place', (q) => q.eq('conversation', conversation).lt('seq', last?.seq ?? before))
        .order('desc')
        .take(count),
    (row) => isTalk(row.role) && (row.createdAt >= since || row.seq === always),
  );
  const isWhole = isEnd || rows.length === limit || last?.seq === 1;
  return { history: rows.reverse().map(asHistoryEntry), moreBefore: isWhole ? undefined : last?.seq };
}
