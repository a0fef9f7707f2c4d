/** What goes over the wire, and how documents become it. */

import { type Infer, v } from 'convex/values';
import type { Doc } from '../_generated/dataModel';

export const role = v.union(
  v.literal('user'),
  v.literal('assistant'),
  v.literal('operator'),
  v.literal('event'),
  v.literal('note'),
);

/** Whether this is a part of the talk with the visitor. */
export const isTalk = (it: Infer<typeof role>): boolean => it !== 'event' && it !== 'note';

export const status = v.union(
  v.literal('accepted'),
  v.literal('streaming'),
  v.literal('complete'),
  v.literal('stopped'),
  v.literal('interrupted'),
  v.literal('failed'),
);

export const finish = v.union(v.literal('stop'), v.literal('length'), v.literal('content_filter'));

/** What is known of an answer besides its text. */
export const facts = {
  model: v.optional(v.string()),
  finish: v.optional(finish),
  /** One of the server's codes; it may know newer ones than this. */
  failure: v.optional(v.string()),
  inputTokens: v.optional(v.number()),
  outputTokens: v.optional(v.number()),
  firstTokenMillis: v.optional(v.number()),
  totalMillis: v.optional(v.number()),
};

export const rating = v.union(v.literal('up'), v.literal('down'));

/** What a visitor says of an answer. */
export const feedback = v.object({
  rating,
  reason: v.optional(
    v.union(v.literal('incorrect'), v.literal('outdated'), v.literal('unanswered'), v.literal('unclear')),
  ),
  comment: v.optional(v.string()),
});

/** Who a visitor is, as the site's own server has vouched for. */
export const identity = v.object({ id: v.string(), name: v.optional(v.string()), email: v.optional(v.string()) });

export const conversationStatus = v.union(v.literal('open'), v.literal('needs_person'), v.literal('closed'));

/** What operators make of a conversation. */
export const state = v.object({
  status: conversationStatus,
  /** Who answers in place of the AI, and since when. */
  answering: v.optional(v.object({ operator: v.string(), since: v.number() })),
  assignee: v.optional(v.string()),
  tags: v.array(v.string()),
  contact: v.optional(v.string()),
});

/** What an operator has begun to write. */
export const draft = v.object({
  operator: v.string(),
  kind: v.union(v.literal('reply'), v.literal('note')),
  text: v.string(),
});

/** What a visitor's browser says of the visit. */
export const visit = v.object({
  page: v.optional(v.string()),
  referrer: v.optional(v.string()),
  userAgent: v.optional(v.string()),
  language: v.optional(v.string()),
});

export const message = v.object({
  id: v.string(),
  seq: v.number(),
  revision: v.number(),
  role,
  author: v.optional(v.string()),
  status,
  text: v.string(),
  createdAt: v.number(),
  idempotencyKey: v.optional(v.string()),
  ...facts,
  feedback: v.optional(feedback),
});

export const summary = v.object({
  id: v.string(),
  session: v.string(),
  hasSecret: v.boolean(),
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
});

/** The setting that there is as long as a move to the deployment is not finished. */
export const UNFINISHED_MOVE = 'unfinished_move';

export const key = v.object({
  key: v.string(),
  site: v.string(),
  kind: v.string(),
  sha256: v.string(),
  text: v.optional(v.string()),
  createdAt: v.number(),
});

export const historyEntry = v.object({ role, author: v.optional(v.string()), status, text: v.string() });

/** A visitor's session: a site, the name the client gave it, and the hash of its secret or nothing. */
export const sessionKey = { site: v.string(), session: v.string(), secret: v.string() };

/** A message as it is now; `running` is the text of the answer that is being written, if this is it. */
export function asMessage(doc: Doc<'messages'>, running: Doc<'running'> | null): Infer<typeof message> {
  const { _id, _creationTime, message: id, site, conversation, ...rest } = doc;
  return { ...rest, id, text: running?.answer === id ? running.text : doc.text };
}

export function asSummary(doc: Doc<'conversations'>): Infer<typeof summary> {
  const { _id, _creationTime, conversation, site, secret, lastCall, ...rest } = doc;
  const [readCount, state] = [readCountOf(doc), stateOf(doc)];
  return { ...rest, id: conversation, hasSecret: secret !== '', readCount, state };
}

export function stateOf(doc: Doc<'conversations'>): Infer<typeof state> {
  return doc.state ?? { status: 'open', tags: [] };
}

export function readCountOf(doc: Doc<'conversations'>): number {
  return doc.readCount ?? doc.messageCount;
}

export function asHistoryEntry(doc: Doc<'messages'>): Infer<typeof historyEntry> {
  return { role: doc.role, author: doc.author, status: doc.status, text: doc.text };
}
