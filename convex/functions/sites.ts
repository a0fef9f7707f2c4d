/** Sites and their keys. */

import { v } from 'convex/values';
import { internalMutation, internalQuery } from './_generated/server';
import { documentOf } from './lib/find';
import { checkText, MAX_PAGE, refuse } from './lib/limits';
import { key } from './lib/shapes';

/** Makes a site unless it exists. */
export const ensure = internalMutation({
  args: { site: v.string(), name: v.string(), now: v.number() },
  returns: v.null(),
  handler: async (ctx, { site, name, now }) => {
    const found = await ctx.db
      .query('sites')
      .withIndex('by_site', (q) => q.eq('site', site))
      .unique();
    if (!found) await ctx.db.insert('sites', { site, name, createdAt: now });
    return null;
  },
});

/** A site's keys, oldest first, then the smaller id. */
export const keys = internalQuery({
  args: { site: v.string() },
  returns: v.array(key),
  handler: async (ctx, { site }) => {
    const rows = await ctx.db
      .query('keys')
      .withIndex('by_site', (q) => q.eq('site', site))
      .take(MAX_PAGE);
    return rows.map(({ _id, _creationTime, ...key }) => key);
  },
});

/** A site's document of that name, as it was kept last. */
export const document = internalQuery({
  args: { site: v.string(), name: v.string() },
  returns: v.union(v.null(), v.string()),
  handler: async (ctx, { site, name }) => (await documentOf(ctx, site, name))?.text ?? null,
});

/** Keeps a site's document, in place of the one before. */
export const setDocument = internalMutation({
  args: { site: v.string(), name: v.string(), text: v.string() },
  returns: v.null(),
  handler: async (ctx, { site, name, text }) => {
    checkText(text);
    const found = await documentOf(ctx, site, name);
    if (found) await ctx.db.patch(found._id, { text });
    else await ctx.db.insert('siteDocuments', { site, name, text });
    return null;
  },
});

/** Keeps a new key. Another one with the same text is refused. */
export const addKey = internalMutation({
  args: key.fields,
  returns: v.null(),
  handler: async (ctx, key) => {
    const found = await ctx.db
      .query('keys')
      .withIndex('by_sha256', (q) => q.eq('sha256', key.sha256))
      .unique();
    if (!found) await ctx.db.insert('keys', key);
    // The same key again: the call is repeated, because its answer was lost.
    else if (found.key !== key.key || found.site !== key.site) refuse('key_exists');
    return null;
  },
});
