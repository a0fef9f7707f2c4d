/** Servers that share the data, and the answers that each of them writes. */

import { v } from 'convex/values';
import { internalMutation, internalQuery, type QueryCtx } from './_generated/server';
import { refuse } from './lib/limits';

/** Owns the answers that were begun before answers had owners. */
export const NOBODY = '00000000-0000-0000-0000-000000000000';

/** Owns the answers that are written within Convex, by actions that give no sign of life. */
export const ACTIONS = '00000000-0000-0000-0000-000000000001';

const beats = v.object({ node: v.string(), beats: v.number() });

/** More servers than share one deployment. */
const MAX_NODES = 256;

function find(ctx: QueryCtx, node: string) {
  return ctx.db
    .query('nodes')
    .withIndex('by_node', (q) => q.eq('node', node))
    .unique();
}

/** Counts one more sign of life of a server, and says how many it has given. */
export const beat = internalMutation({
  args: { node: v.string(), now: v.number() },
  returns: v.number(),
  handler: async (ctx, { node, now }) => {
    const found = await find(ctx, node);
    if (!found) {
      await ctx.db.insert('nodes', { node, beats: 1, seenAt: now });
      return 1;
    }
    await ctx.db.patch(found._id, { beats: found.beats + 1, seenAt: now });
    return found.beats + 1;
  },
});

/** The servers that have given signs of life, and others that own answers which are being written; by their ids. */
export const list = internalQuery({
  args: {},
  returns: v.array(beats),
  handler: async (ctx) => {
    const known = await ctx.db.query('nodes').take(MAX_NODES);
    const found = new Map(known.map(({ node, beats }) => [node, beats]));
    // From one owner to the next, however many answers each of them writes.
    let next = await ctx.db.query('running').withIndex('by_node').first();
    while (next && found.size < MAX_NODES) {
      const { node } = next;
      const owner = node ?? NOBODY;
      if (!found.has(owner) && owner !== ACTIONS) found.set(owner, 0);
      next = await ctx.db
        .query('running')
        .withIndex('by_node', (q) => q.gt('node', node))
        .first();
    }
    const nodes = [...found].map(([node, beats]) => ({ node, beats }));
    return nodes.sort((a, b) => (a.node < b.node ? -1 : 1));
  },
});

/** Forgets a server that has given just so many signs of life, and says whether it is not known any more. */
export const forget = internalMutation({
  args: beats.fields,
  returns: v.boolean(),
  handler: async (ctx, { node, beats }) => {
    if (!Number.isInteger(beats) || beats < 0) return refuse('bad_count');
    const found = await find(ctx, node);
    if (found && found.beats !== beats) return false;
    if (found) await ctx.db.delete(found._id);
    return true;
  },
});
