/** Tabs of a visitor's browser, without anything drawn in them, and what a server has to say to them. */

import { afterEach, beforeEach, vi } from 'vitest';
import type { StoredMessage } from '../src/api';
import type { Config } from '../src/config';
import { type Conversation, createConversation } from '../src/conversation';
import { createLink } from '../src/link';
import { openSession, type Session } from '../src/session';
import { closeDesk, config, json, settle } from './desk';

/** A visitor's message as the server has it. */
export const user = (place: number, content: string, clientMessageId?: string): StoredMessage => ({
  id: `q${place}`,
  place,
  role: 'user',
  content,
  status: 'accepted',
  createdAt: place,
  clientMessageId,
});
export const assistant = (place: number, content: string, more: Partial<StoredMessage> = {}): StoredMessage => ({
  id: `a${place}`,
  place,
  role: 'assistant',
  content,
  status: 'complete',
  createdAt: place,
  seq: content.length,
  ...more,
});
/** How the feed tells of a message. */
export const message = (stored: StoredMessage, cursor = `c.${stored.place}.0`) => ({
  type: 'message',
  message: stored,
  cursor,
});
/** The reader has everything there is. */
export const caughtUp = { type: 'state', answering: null, cursor: 'c.9.0' };

/** Tabs of one browser, as far as they hear each other. */
export class Channel {
  static all: Channel[] = [];
  onmessage?: (event: { data: unknown }) => void;
  constructor(readonly name: string) {
    Channel.all.push(this);
  }
  postMessage(data: unknown) {
    for (const other of Channel.all)
      if (other !== this && other.name === this.name) other.onmessage?.({ data: structuredClone(data) });
  }
  close() {
    Channel.all = Channel.all.filter((other) => other !== this);
  }
}

interface Tab {
  conversation: Conversation;
  session: Session;
  read: () => void;
  life: AbortController;
}

let lives: AbortController[];
export function openTab(changed = () => {}, options: Partial<Config> = {}): Tab {
  const life = new AbortController();
  lives.push(life);
  const session = openSession(config);
  const read = vi.fn();
  const link = createLink(() => {}, life.signal);
  const conversation = createConversation({ ...config, ...options }, session, link, changed, life.signal, read);
  return { conversation, session, read, life };
}

/** Whether the visitor looks at another tab. */
export function look(away: boolean) {
  vi.spyOn(document, 'hidden', 'get').mockReturnValue(away);
  document.dispatchEvent(new Event('visibilitychange'));
}

export const seconds = (count: number) => vi.advanceTimersByTimeAsync(count * 1000);
export const said = ({ turns }: Conversation) =>
  turns.map(({ question, replyText: answer, stage: state }) => [question, answer, state]);
export const history = (eventsCursor: string, ...messages: StoredMessage[]) =>
  json(200, { messages, nextCursor: null, eventsCursor });

/** For a file of tests: each begins in a browser that knows nothing, at a time of its own. */
export function inOneBrowser() {
  beforeEach(() => {
    vi.useFakeTimers({ now: 1_000_000 });
    vi.spyOn(Math, 'random').mockReturnValue(0);
    vi.stubGlobal('BroadcastChannel', Channel);
    Channel.all = [];
    lives = [];
    localStorage.clear();
    sessionStorage.clear();
  });

  afterEach(async () => {
    for (const life of lives) life.abort();
    closeDesk();
    await settle();
    vi.useRealTimers();
    vi.restoreAllMocks();
    vi.unstubAllGlobals();
  });
}
