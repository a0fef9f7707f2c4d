import { v } from 'convex/values';
import { internalMutation } from './_generated/server';
import { settingOf } from './lib/find';
import { UNFINISHED_MOVE } from './lib/shapes';
import { SCHEMA } from './schema';

/**
 * Which tables these functions work on. A mutation, although it changes nothing: whoever may only read cannot work as the
 * server's store.
 */
export const ready = internalMutation({
  args: {},
  returns: v.object({
    schema: v.number(),
    /** Set as long as a move to this deployment is not finished. */
    moving: v.optional(v.string()),
  }),
  handler: async (ctx) => ({ schema: SCHEMA, moving: (await settingOf(ctx, UNFINISHED_MOVE))?.value }),
});
