/** Finding the conversations that a filter asks for: along an index that has the list's order, so many at a time. */

import type { IndexRange } from 'convex/server';
import { type Infer, v } from 'convex/values';
import type { Doc } from '../_generated/dataModel';
import type { QueryCtx } from '../_generated/server';
import { conversationStatus, rating, stateOf } from './shapes';

/** What conversations have to be like. Everything that is given has to be so. */
export const conversationFilter = v.object({
  statuses: v.optional(v.array(conversationStatus)),
  assignee: v.optional(v.string()),
  isUnassigned: v.optional(v.literal(true)),
  tag: v.optional(v.string()),
  rating: v.optional(rating),
  page: v.optional(v.string()),
  session: v.optional(v.string()),
  visitor: v.optional(v.string()),
  /** Something was said since then. */
  since: v.optional(v.number()),
  /** Nothing was said from then on. */
  until: v.optional(v.number()),
});
type Filter = Infer<typeof conversationFilter>;

/** A place in the list. */
export const place = v.object({ updatedAt: v.number(), id: v.string() });
export type Place = Infer<typeof place>;

/** How many conversations one call looks at: each has up to eight kilobytes. */
export const LOOKED_AT = 1000;

/** How many it looks at to count them. */
export const COUNTED = 1000;

/** How many are read at once: mostly they are enough for a page. */
const PORTION = 200;

type Row = Doc<'conversations'>;

/** What is left of a range of an index: the place in the list. */
interface ByPlace {
  eq(field: 'updatedAt', value: number): { lt(field: 'conversation', value: string): IndexRange };
  lt(field: 'updatedAt', value: number): IndexRange;
}
type Narrow = (range: ByPlace) => IndexRange;

/** The conversations that may be as the filter says, latest activity first. */
function candidates(ctx: QueryCtx, site: string, filter: Filter, narrow: Narrow) {
  const { statuses = [], assignee, visitor } = filter;
  const [status] = statuses;
  const table = ctx.db.query('conversations');
  if (visitor !== undefined) {
    return table.withIndex('by_visitor', (q) => narrow(q.eq('site', site).eq('identity.id', visitor))).order('desc');
  }
  // Those that nobody has touched have no status yet, and are open.
  if (statuses.length === 1 && status !== 'open') {
    return table.withIndex('by_status', (q) => narrow(q.eq('site', site).eq('state.status', status))).order('desc');
  }
  if (assignee !== undefined) {
    return table
      .withIndex('by_assignee', (q) => narrow(q.eq('site', site).eq('state.assignee', assignee)))
      .order('desc');
  }
  return table.withIndex('by_activity', (q) => narrow(q.eq('site', site))).order('desc');
}

/** First those of the same moment, then those of earlier ones: one range of an index cannot hold both. */
async function rowsAfter(
  ctx: QueryCtx,
  site: string,
  filter: Filter,
  { updatedAt, id }: Place,
  wanted: number,
): Promise<Row[]> {
  const ofThatMoment: Narrow = (range) => range.eq('updatedAt', updatedAt).lt('conversation', id);
  const same = updatedAt === Infinity ? [] : await candidates(ctx, site, filter, ofThatMoment).take(wanted);
  if (same.length === wanted) return same;
  const earlier = await candidates(ctx, site, filter, (range) => range.lt('updatedAt', updatedAt)).take(
    wanted - same.length,
  );
  return [...same, ...earlier];
}

/** All conversations of a session after a place; nothing if they are too many to be put in order. */
async function rowsOfSession(ctx: QueryCtx, site: string, session: string, after: Place): Promise<Row[] | undefined> {
  const rows = await ctx.db
    .query('conversations')
    .withIndex('by_session', (q) => q.eq('site', site).eq('session', session))
    .take(LOOKED_AT + 1);
  if (rows.length > LOOKED_AT) return undefined;
  return rows
    .filter((row) => isBefore(after, placeOf(row)))
    .sort((a, b) => (isBefore(placeOf(a), placeOf(b)) ? -1 : 1));
}

export const placeOf = (row: Row): Place => ({ updatedAt: row.updatedAt, id: row.conversation });

/** Whether one place comes before another in the list. */
const isBefore = (one: Place, other: Place): boolean =>
  one.updatedAt > other.updatedAt || (one.updatedAt === other.updatedAt && one.id > other.id);

function fits(row: Row, filter: Filter): boolean {
  const { statuses, assignee, isUnassigned, tag, rating, page, session, visitor, since } = filter;
  const state = stateOf(row);
  return (
    (statuses === undefined || statuses.includes(state.status)) &&
    (assignee === undefined || state.assignee === assignee) &&
    (isUnassigned === undefined || state.assignee === undefined) &&
    (tag === undefined || state.tags.includes(tag)) &&
    (rating === undefined || row.rating === rating) &&
    (page === undefined || row.visit?.page === page) &&
    (session === undefined || row.session === session) &&
    (visitor === undefined || row.identity?.id === visitor) &&
    (since === undefined || row.updatedAt >= since)
  );
}

/** The place that everything asked for comes after. */
function beginning({ until }: Filter, after: Place | undefined): Place {
  const from = after ?? { updatedAt: Infinity, id: '' };
  return until !== undefined && until <= from.updatedAt ? { updatedAt: until, id: '' } : from;
}

/**
 * Goes along the conversations that may be as the filter says, from a place on, and hands out those that are, until `take`
 * wants no more after one of them. Looks at so many at most. Says where it stopped; nothing at the end.
 */
export async function walk(
  ctx: QueryCtx,
  site: string,
  filter: Filter,
  after: Place | undefined,
  most: number,
  take: (row: Row) => boolean,
): Promise<Place | undefined> {
  let at = beginning(filter, after);
  const isFiltered = Object.keys(filter).length > 0;
  const ofSession = filter.session === undefined ? undefined : await rowsOfSession(ctx, site, filter.session, at);
  for (let looked = 0; looked < most; ) {
    const wanted = Math.min(isFiltered ? PORTION : most, most - looked);
    const rows = ofSession?.slice(looked, looked + wanted) ?? (await rowsAfter(ctx, site, filter, at, wanted));
    for (const row of rows) {
      if (filter.since !== undefined && row.updatedAt < filter.since) return undefined;
      at = placeOf(row);
      if (fits(row, filter) && !take(row)) return at;
    }
    if (rows.length < wanted) return undefined;
    looked += rows.length;
  }
  return at;
}
