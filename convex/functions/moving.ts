/** Moving house: everything that is data, out of a deployment and into an empty one. */

import { type Infer, v } from 'convex/values';
import type { Doc } from './_generated/dataModel';
import { internalMutation, internalQuery, type MutationCtx, type QueryCtx } from './_generated/server';
import { add, conversationsOf } from './lib/counters';
import {
  conversationOfSession,
  documentOf,
  draftsOf,
  keepSetting,
  messageById,
  runningAnswer,
  settingOf,
} from './lib/find';
import { bytesOf, checkLimit, checkText, MAX_PAGE, MAX_TEXT, READ_BUDGET, refuse } from './lib/limits';
import {
  asMessage,
  asSummary,
  draft,
  identity,
  key,
  message,
  rating,
  role,
  sessionKey,
  state,
  summary,
  visit,
} from './lib/shapes';

const setting = v.object({ name: v.string(), value: v.string() });
const site = v.object({ site: v.string(), name: v.string(), createdAt: v.number() });

/** All settings by their names. There are a few. */
export const settings = internalQuery({
  args: {},
  returns: v.array(setting),
  handler: async (ctx) => {
    const rows = await ctx.db.query('settings').withIndex('by_name').take(MAX_PAGE);
    return rows.map(({ name, value }) => ({ name, value }));
  },
});

/** All sites by their ids. */
export const sites = internalQuery({
  args: {},
  returns: v.array(site),
  handler: async (ctx) => {
    const rows = await ctx.db.query('sites').withIndex('by_site').take(MAX_PAGE);
    return rows.map(({ site, name, createdAt }) => ({ site, name, createdAt }));
  },
});

const document = v.object({ site: v.string(), name: v.string(), text: v.string() });

/** All documents of a site by their names. There are a few. */
export const documents = internalQuery({
  args: { site: v.string() },
  returns: v.array(document),
  handler: async (ctx, { site }) => {
    const rows = await ctx.db
      .query('siteDocuments')
      .withIndex('by_name', (q) => q.eq('site', site))
      .take(Math.floor(READ_BUDGET / MAX_TEXT));
    return rows.map(({ site, name, text }) => ({ site, name, text }));
  },
});

/** A site's conversations by their ids, of as many as `limit` of all sites; `last` is set if there may be more behind it. */
export const conversations = internalQuery({
  args: { site: v.string(), after: v.string(), limit: v.number() },
  returns: v.object({
    rows: v.array(v.object({ ...summary.fields, secret: v.string() })),
    last: v.optional(v.string()),
  }),
  handler: async (ctx, { site, after, limit }) => {
    const rows = await ctx.db
      .query('conversations')
      .withIndex('by_conversation', (q) => q.gt('conversation', after))
      .take(checkLimit(limit));
    return {
      rows: rows.filter((row) => row.site === site).map((row) => ({ ...asSummary(row), secret: row.secret })),
      last: rows.length === limit ? rows.at(-1)?.conversation : undefined,
    };
  },
});

/** What operators have begun to write in some conversations, which are in their order; `next` is the first not looked at. */
export const drafts = internalQuery({
  args: { conversations: v.array(v.string()) },
  returns: v.object({
    rows: v.array(v.object({ conversation: v.string(), drafts: v.array(draft) })),
    next: v.optional(v.string()),
  }),
  handler: async (ctx, { conversations }) => {
    const rows: { conversation: string; drafts: Infer<typeof draft>[] }[] = [];
    let room = READ_BUDGET;
    for (const conversation of conversations) {
      // A document has a mebibyte at most.
      if (room < 2 * MAX_TEXT) return { rows, next: conversation };
      const doc = await draftsOf(ctx, conversation);
      if (!doc) continue;
      rows.push({ conversation, drafts: doc.drafts });
      room -= doc.drafts.reduce((sum, { text }) => sum + bytesOf(text), 0);
    }
    return { rows };
  },
});

const place = v.object({ conversation: v.string(), seq: v.number() });

/** The messages of some conversations in their order; `next` is set if there may be more behind it. */
export const messages = internalQuery({
  args: { conversations: v.array(v.string()), after: v.optional(place) },
  returns: v.object({
    rows: v.array(v.object({ conversation: v.string(), message })),
    next: v.optional(place),
  }),
  handler: async (ctx, { conversations, after }) => {
    const rows: { conversation: string; message: Infer<typeof message> }[] = [];
    let room = READ_BUDGET;
    for (const conversation of conversations) {
      let seq = conversation === after?.conversation ? after.seq : 0;
      for (;;) {
        const count = Math.floor(room / MAX_TEXT);
        if (count < 1 || rows.length >= MAX_PAGE) return { rows, next: { conversation, seq } };
        const portion = await messagesAfter(ctx, conversation, seq, count);
        for (const doc of portion) {
          const found = asMessage(doc, doc.status === 'streaming' ? await runningAnswer(ctx, doc.message) : null);
          // The text of an answer that is being written was read besides its message.
          room -= bytesOf(found.text);
          seq = doc.seq;
          rows.push({ conversation, message: found });
        }
        if (portion.length < count) break;
      }
    }
    return { rows };
  },
});

function messagesAfter(ctx: QueryCtx, conversation: string, seq: number, count: number): Promise<Doc<'messages'>[]> {
  return ctx.db
    .query('messages')
    .withIndex('by_place', (q) => q.eq('conversation', conversation).gt('seq', seq))
    .take(count);
}

/** What a deployment has before something is moved to it. */
export const found = internalQuery({
  args: { mark: v.string() },
  returns: v.object({
    hasConversations: v.boolean(),
    hasKeys: v.boolean(),
    hasSettings: v.boolean(),
    mark: v.optional(v.string()),
  }),
  handler: async (ctx, { mark }) => {
    const settings = await ctx.db.query('settings').take(2);
    return {
      hasConversations: (await ctx.db.query('conversations').first()) !== null,
      hasKeys: (await ctx.db.query('keys').first()) !== null,
      hasSettings: settings.some(({ name }) => name !== mark),
      mark: (await settingOf(ctx, mark))?.value,
    };
  },
});

/** Whether that conversation is there, and whether any is for that session. */
export const knows = internalQuery({
  args: { ...sessionKey, conversation: v.string() },
  returns: v.object({ conversation: v.boolean(), session: v.boolean() }),
  handler: async (ctx, { conversation, ...session }) => ({
    conversation: (await conversationById(ctx, conversation)) !== null,
    session: (await conversationOfSession(ctx, session)) !== null,
  }),
});

function conversationById(ctx: QueryCtx, conversation: string): Promise<Doc<'conversations'> | null> {
  return ctx.db
    .query('conversations')
    .withIndex('by_conversation', (q) => q.eq('conversation', conversation))
    .unique();
}

const conversation = v.object({
  conversation: v.string(),
  ...sessionKey,
  createdAt: v.number(),
  updatedAt: v.number(),
  lastMessage: v.string(),
  lastRole: role,
  messageCount: v.number(),
  readCount: v.number(),
  revision: v.number(),
  identity: v.optional(identity),
  visit: v.optional(visit),
  state,
  rating: v.optional(rating),
  drafts: v.array(draft),
});

const movedMessage = v.object({ site: v.string(), conversation: v.string(), message });

/** So many rows are written at once at most: each is a few reads of indexes, of which a transaction has 4,096. */
const PUT_AT_ONCE = 600;

/** Keeps rows unless they are there. */
export const put = internalMutation({
  args: {
    settings: v.array(setting),
    sites: v.array(site),
    documents: v.array(document),
    keys: v.array(key),
    conversations: v.array(conversation),
    messages: v.array(movedMessage),
  },
  returns: v.null(),
  handler: async (ctx, { settings, sites, documents, keys, conversations, messages }) => {
    const all = [settings, sites, documents, keys, conversations, messages];
    if (all.reduce((sum, rows) => sum + rows.length, 0) > PUT_AT_ONCE) refuse('bad_limit');
    for (const site of sites) await putSite(ctx, site);
    for (const document of documents) await putDocument(ctx, document);
    for (const key of keys) await putKey(ctx, key);
    for (const message of messages) await putMessage(ctx, message);
    const made = new Map<string, number>();
    for (const { drafts, ...conversation } of conversations) {
      if (await conversationById(ctx, conversation.conversation)) continue;
      await ctx.db.insert('conversations', conversation);
      if (drafts.length > 0) await ctx.db.insert('drafts', { conversation: conversation.conversation, drafts });
      made.set(conversation.site, (made.get(conversation.site) ?? 0) + 1);
    }
    for (const [site, count] of made) await add(ctx, conversationsOf(site), count);
    // Among them is how far the move has come.
    for (const { name, value } of settings) await keepSetting(ctx, name, value);
    return null;
  },
});

async function putSite(ctx: MutationCtx, row: Infer<typeof site>): Promise<void> {
  const found = await ctx.db
    .query('sites')
    .withIndex('by_site', (q) => q.eq('site', row.site))
    .unique();
  if (found) await ctx.db.patch(found._id, row);
  else await ctx.db.insert('sites', row);
}

async function putDocument(ctx: MutationCtx, row: Infer<typeof document>): Promise<void> {
  checkText(row.text);
  const found = await documentOf(ctx, row.site, row.name);
  if (!found) await ctx.db.insert('siteDocuments', row);
}

async function putKey(ctx: MutationCtx, row: Infer<typeof key>): Promise<void> {
  const found = await ctx.db
    .query('keys')
    .withIndex('by_sha256', (q) => q.eq('sha256', row.sha256))
    .unique();
  if (!found) await ctx.db.insert('keys', row);
}

async function putMessage(ctx: MutationCtx, row: Infer<typeof movedMessage>): Promise<void> {
  const { site, conversation } = row;
  const { id, text, ...rest } = row.message;
  checkText(text);
  if (await messageById(ctx, id)) return;
  const isRunning = rest.status === 'streaming';
  await ctx.db.insert('messages', { ...rest, message: id, site, conversation, text: isRunning ? '' : text });
  if (isRunning) await ctx.db.insert('running', { answer: id, site, conversation, text });
}

/** Forgets a setting. */
export const dropSetting = internalMutation({
  args: { name: v.string() },
  returns: v.null(),
  handler: async (ctx, { name }) => {
    const row = await settingOf(ctx, name);
    if (row) await ctx.db.delete(row._id);
    return null;
  },
});
