/** Exact totals that many transactions may change at once. */

import type { MutationCtx, QueryCtx } from '../_generated/server';

const SHARDS = 8;

/** The name of the count of a site's conversations. */
export const conversationsOf = (site: string) => `conversations ${site}`;

/** Adds to a total, in one of its rows: two calls wait for each other only if they meet in the same one. */
export async function add(ctx: MutationCtx, name: string, by: number): Promise<void> {
  const shard = Math.floor(Math.random() * SHARDS);
  const row = await ctx.db
    .query('counters')
    .withIndex('by_name', (q) => q.eq('name', name).eq('shard', shard))
    .unique();
  if (row) await ctx.db.patch(row._id, { value: row.value + by });
  else await ctx.db.insert('counters', { name, shard, value: by });
}

export async function total(ctx: QueryCtx, name: string): Promise<number> {
  const rows = await ctx.db
    .query('counters')
    .withIndex('by_name', (q) => q.eq('name', name))
    .take(SHARDS);
  return rows.reduce((sum, row) => sum + row.value, 0);
}
