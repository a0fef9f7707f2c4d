/** The requests the widget makes, and what can be wrong with their replies. */

import type { Config } from './config';
import type { Link } from './link';
import type { Identity } from './session';
import type { Rating } from './turn';

/** Why a request did not do its work; what breaks off without a reply has no status. */
export interface Problem extends Error {
  status?: number;
  code?: string;
  /** Seconds the server asks us to wait; the same number is in the header Retry-After. */
  retryAfter?: number;
}

/** Where something in an answer was taken from. */
export interface Source {
  title: string;
  url?: string;
}

/** What a visitor says of an answer. */
export interface Feedback {
  rating: Rating;
  /** `incorrect`, `outdated`, `unanswered` or `unclear`. */
  reason?: string;
  comment?: string;
}

/** A message as the server keeps it, or something that happened, which `content` names. */
export interface StoredMessage {
  id: string;
  role: 'user' | 'assistant' | 'operator' | 'event';
  content: string;
  status: string;
  createdAt: number;
  /** Its place in the conversation, 1 for the first. */
  place?: number;
  seq?: number;
  clientMessageId?: string;
  finishReason?: string;
  /** The operator's, as visitors may see it. */
  name?: string;
  seen?: boolean;
  sources?: Source[];
  feedback?: Feedback | null;
}

export interface HistoryPage {
  messages: StoredMessage[];
  nextCursor: string | null;
  /** Where the feed goes on after the newest page. */
  eventsCursor?: string | null;
}

/** Whether somebody of the team will come, or when they are there again. */
export interface Handoff {
  status: 'asked' | 'away';
  until?: string | null;
}

export interface Api {
  /** Sends a message. The key is the same on every retry, so the server stores it once. */
  send(key: string, message: string, signal: AbortSignal): Promise<Response>;
  /** Continues an answer after the cursor. */
  follow(messageId: string, cursor: number, signal: AbortSignal): Promise<Response>;
  halt(messageId: string): Promise<unknown>;
  /** One page of the conversation: the newest, or the one before a cursor. */
  fetchPage(before: string): Promise<HistoryPage>;
  /** Follows the conversation after the cursor, or from its beginning. */
  listenTo(cursor: string | undefined, signal: AbortSignal): Promise<Response>;
  sendOpinion(messageId: string, feedback: Feedback): Promise<unknown>;
  /** The whole conversation as Markdown. */
  transcript(): Promise<Blob>;
  /** Asks for a person, and says where the visitor can be written to. */
  handOff(email?: string): Promise<Handoff>;
  /** Tells the person who is answering whether the visitor is writing. */
  tellTyping(typing: boolean): Promise<unknown>;
  /** Removes the conversation from the server. */
  erase(): Promise<unknown>;
}

/** The longest address of a page that the server takes. */
const LONGEST_ADDRESS = 2000;

/** Why we hang up when nothing is wrong with the connection. */
export const LEAVING = 'leaving';

/**
 * Whether trying again cannot help, because this site or this key may not chat. If the server only does not believe who the visitor
 * is, another token can.
 */
export const isRefusal = ({ status, code }: Problem) =>
  /^40[13]$/.test(`${status}`) && !code?.endsWith('identity_token');

/** `token` gives the site's word for who the visitor is, if there is any. */
export function createApi(config: Config, identity: Identity, link: Link, token: () => string): Api {
  const { base } = config;

  async function request(url: string, init?: RequestInit, idempotency?: HeadersInit): Promise<Response> {
    const response = await fetch(url, {
      ...init,
      headers: {
        'x-widget-api-key': config.apiKey,
        'x-session-secret': identity.secret,
        'Content-Type': 'application/json',
        ...idempotency,
      },
      cache: 'no-store',
      credentials: 'omit',
    }).catch(() => undefined);
    if (init?.signal?.reason !== LEAVING) link.report(!!response);
    if (response?.ok) return response;
    const problem: Problem = Object.assign(new Error(), await response?.json().catch(() => undefined));
    problem.status = response?.status;
    if (isRefusal(problem)) {
      const what =
        problem.status === 401 ? 'data-api-key is not in WIDGET_API_KEY' : `${location.origin} is not in CORS_ORIGIN`;
      console.error(`[Frontdesk] Refused: ${what}`);
    }
    throw problem;
  }

  const post = (content: object, signal?: AbortSignal): RequestInit => ({
    method: 'POST',
    body: JSON.stringify({ sessionId: identity.id, ...content }),
    signal,
  });

  /** Where the visitor is, unless that is nobody's business. */
  const visit = () =>
    config.page !== 'none' && {
      page: (location.href.split('#')[0] as string).slice(0, LONGEST_ADDRESS),
      referrer: document.referrer.slice(0, LONGEST_ADDRESS) || undefined,
    };

  const session = `${base}/v1/sessions/${identity.id}`;

  return {
    send: (key, message, signal) =>
      request(config.apiUrl, post({ message, ...visit() }, signal), {
        'Idempotency-Key': key,
        ...(token() && { 'x-identity-token': token() }),
      }),
    follow: (messageId, cursor, signal) => request(`${base}/v1/chat/stream/${messageId}?after=${cursor}`, { signal }),
    halt: (messageId) => request(`${base}/v1/chat/stop`, post({ messageId })),
    fetchPage: async (before) => {
      const page = `limit=50${before && `&before=${encodeURIComponent(before)}`}`;
      return (await request(`${session}/messages?${page}`)).json();
    },
    listenTo: (cursor, signal) =>
      request(`${session}/events${cursor ? `?after=${encodeURIComponent(cursor)}` : ''}`, { signal }),
    sendOpinion: (messageId, feedback) => request(`${base}/v1/messages/${messageId}/feedback`, post(feedback)),
    transcript: async () => (await request(`${session}/export?format=markdown`)).blob(),
    handOff: async (email) => (await request(`${session}/handoff`, post({ email, ...visit() }))).json(),
    tellTyping: (typing) => request(`${session}/typing`, post({ typing })),
    erase: () => request(session, { method: 'DELETE' }),
  };
}
