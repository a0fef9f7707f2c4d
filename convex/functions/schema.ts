/**
 * What Frontdesk keeps in Convex.
 *
 * Ids are the server's own, as text: UUIDv7, whose order as text is their order in time. Convex's `_id` stays inside. Times
 * are milliseconds since 1970 and come from the server, never from Convex. Hashes are SHA-256 in hexadecimal.
 *
 * Every index is billed as another copy of its table, so there is none that nothing reads.
 */

import { defineSchema, defineTable } from 'convex/server';
import { v } from 'convex/values';
import { draft, feedback, finish, identity, rating, role, state, status, visit } from './lib/shapes';

/** Raised with every change that an older server could not work with. */
export const SCHEMA = 5;

export default defineSchema({
  sites: defineTable({
    site: v.string(),
    name: v.string(),
    createdAt: v.number(),
  }).index('by_site', ['site']),

  keys: defineTable({
    key: v.string(),
    site: v.string(),
    kind: v.string(),
    sha256: v.string(),
    /** Public keys only: they are shown wherever the widget is installed. */
    text: v.optional(v.string()),
    createdAt: v.number(),
  })
    .index('by_site', ['site', 'createdAt', 'key'])
    .index('by_sha256', ['sha256']),

  /** Documents that a site has one of each. */
  siteDocuments: defineTable({
    site: v.string(),
    name: v.string(),
    text: v.string(),
  }).index('by_name', ['site', 'name']),

  conversations: defineTable({
    conversation: v.string(),
    site: v.string(),
    session: v.string(),
    /** The hash of the visitor's secret; empty for clients that send none, which are a lane of their own. */
    secret: v.string(),
    createdAt: v.number(),
    updatedAt: v.number(),
    lastMessage: v.string(),
    lastRole: role,
    messageCount: v.number(),
    /** The number of its latest change. */
    revision: v.number(),
    identity: v.optional(identity),
    visit: v.optional(visit),
    /** Missing in those that nobody has touched since there is an inbox: they are open. */
    state: v.optional(state),
    /** Missing in those of which nobody has said anything since there is an inbox: all of it has been seen. */
    readCount: v.optional(v.number()),
    /** What the visitor said last of an answer. */
    rating: v.optional(rating),
    /** The call that changed its state last, which may be sent again. */
    lastCall: v.optional(v.string()),
  })
    .index('by_conversation', ['conversation'])
    .index('by_session', ['site', 'session', 'secret'])
    .index('by_activity', ['site', 'updatedAt', 'conversation'])
    .index('by_status', ['site', 'state.status', 'updatedAt', 'conversation'])
    .index('by_assignee', ['site', 'state.assignee', 'updatedAt', 'conversation'])
    .index('by_visitor', ['site', 'identity.id', 'updatedAt', 'conversation']),

  messages: defineTable({
    message: v.string(),
    site: v.string(),
    conversation: v.string(),
    /** Its place in the conversation: 1 for the first. A message's answer has the next place. */
    seq: v.number(),
    /** The number of the change that touched it last. */
    revision: v.number(),
    role,
    /** The operator who wrote it, or whom an event is about. */
    author: v.optional(v.string()),
    status,
    /** Empty while the answer is being written: see `running`. */
    text: v.string(),
    createdAt: v.number(),
    idempotencyKey: v.optional(v.string()),
    model: v.optional(v.string()),
    finish: v.optional(finish),
    failure: v.optional(v.string()),
    inputTokens: v.optional(v.number()),
    outputTokens: v.optional(v.number()),
    firstTokenMillis: v.optional(v.number()),
    totalMillis: v.optional(v.number()),
    feedback: v.optional(feedback),
  })
    .index('by_message', ['message'])
    .index('by_place', ['conversation', 'seq'])
    .index('by_change', ['conversation', 'revision'])
    .index('by_key', ['conversation', 'idempotencyKey'])
    .searchIndex('by_words', { searchField: 'text', filterFields: ['site'] }),

  /** What operators have begun to write in a conversation: a few short texts. */
  drafts: defineTable({
    conversation: v.string(),
    drafts: v.array(draft),
  }).index('by_conversation', ['conversation']),

  /**
   * The answers that are being written, with their text so far. Apart from the messages, so that a text that grows every
   * second is not indexed anew every second.
   */
  running: defineTable({
    answer: v.string(),
    site: v.string(),
    conversation: v.string(),
    text: v.string(),
    /** Who writes it; missing where it was begun before answers had owners. */
    node: v.optional(v.string()),
  })
    .index('by_answer', ['answer'])
    .index('by_conversation', ['conversation'])
    .index('by_node', ['node']),

  /** Servers that share the data. Each counts up as long as it lives; what its own clock says then is for people. */
  nodes: defineTable({
    node: v.string(),
    beats: v.number(),
    seenAt: v.number(),
  }).index('by_node', ['node']),

  /** Answers in whose place others were begun, so that a call that arrives late cannot bring them back. */
  replacedAnswers: defineTable({
    answer: v.string(),
    conversation: v.string(),
  })
    .index('by_answer', ['answer'])
    .index('by_conversation', ['conversation']),

  /** Totals in several rows each: a single one would make every new conversation wait for every other. */
  counters: defineTable({
    name: v.string(),
    shard: v.number(),
    value: v.number(),
  }).index('by_name', ['name', 'shard']),

  settings: defineTable({
    name: v.string(),
    value: v.string(),
  }).index('by_name', ['name']),

  operatorSessions: defineTable({
    token: v.string(),
    passwordFingerprint: v.string(),
    createdAt: v.number(),
    lastSeenAt: v.number(),
    userAgent: v.string(),
    /** Missing in those that were opened before operators had names. */
    name: v.optional(v.string()),
  })
    .index('by_token', ['token'])
    .index('by_age', ['createdAt']),

  operatorDevices: defineTable({
    token: v.string(),
    seenAt: v.number(),
  }).index('by_token', ['token']),

  loginTries: defineTable({
    bucket: v.string(),
    tries: v.number(),
    lastTryAt: v.number(),
    pausedUntil: v.number(),
    /** The later of the two times. */
    touchedAt: v.number(),
  })
    .index('by_bucket', ['bucket'])
    .index('by_age', ['touchedAt']),

  /** What calls for a try were answered, for those that are sent again because the answer was lost. */
  loginCalls: defineTable({
    call: v.string(),
    left: v.number(),
    at: v.number(),
  })
    .index('by_call', ['call'])
    .index('by_age', ['at']),
});
