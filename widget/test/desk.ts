/** A pretended Frontdesk server: it answers one request after the other as it was told, and remembers what was asked. */

import { vi } from 'vitest';
import type { Config } from '../src/config';

export interface Asked {
  method: string;
  url: string;
  headers: Record<string, string>;
  body: { sessionId: string; message?: string; messageId?: string } | undefined;
}

export type Reply = (signal: AbortSignal | null | undefined) => Promise<Response>;

export interface Desk {
  asked: Asked[];
  /** What the next requests get. A request that nothing is left for fails the test. */
  replies: Reply[];
}

export const config: Config = {
  apiUrl: 'https://desk.example/chat',
  base: 'https://desk.example',
  apiKey: 'public-key',
  title: 'Wren',
  welcomeMessage: 'Hello',
  storage: 'local',
  nonce: '',
};

export const identity = { id: 'visitor', secret: 'secret' };

/** Puts itself in the place of `fetch`. */
export function openDesk(...replies: Reply[]): Desk {
  const desk: Desk = { asked: [], replies };
  vi.stubGlobal('fetch', (url: string, init: RequestInit = {}) => {
    const body = init.body ? JSON.parse(init.body as string) : undefined;
    desk.asked.push({ method: init.method ?? 'GET', url, headers: init.headers as Record<string, string>, body });
    const reply = desk.replies.shift();
    if (!reply) throw new Error(`Nobody expected ${url}`);
    return reply(init.signal);
  });
  return desk;
}

function response(status: number, body: unknown, more: object): Response {
  const json = async () => body;
  return { ok: status < 400, status, headers: new Headers(), json, ...more } as unknown as Response;
}

/** A reply with a JSON body. */
export function json(status: number, body: unknown = {}, headers: HeadersInit = {}): Reply {
  return async () => response(status, body, { headers: new Headers(headers) });
}

/** No reply at all. */
export const unreachable: Reply = async () => {
  throw new TypeError('Failed to fetch');
};

/** A stream that says these events and ends. */
export function says(...events: object[]): Reply {
  const live = stream();
  for (const event of events) live.say(event);
  live.end();
  return live.reply;
}

/** A stream in our hands. */
export function stream() {
  const encoder = new TextEncoder();
  let controller: ReadableStreamDefaultController<Uint8Array>;
  const body = new ReadableStream<Uint8Array>({
    start(created) {
      controller = created;
    },
  });
  const live = {
    aborted: false,
    reply: (async (signal) => {
      signal?.addEventListener('abort', () => {
        live.aborted = true;
        controller.error(new DOMException('', 'AbortError'));
      });
      return response(200, undefined, { body });
    }) as Reply,
    say: (event: object) => controller.enqueue(encoder.encode(`${JSON.stringify(event)}\n`)),
    blank: () => controller.enqueue(encoder.encode('\n')),
    end: () => controller.close(),
    cut: () => controller.error(new TypeError('network error')),
  };
  return live;
}

/** Leaves whoever still waits for a next try without an answer for good, so that no test hears of another. */
export function closeDesk(): void {
  vi.stubGlobal('fetch', () => new Promise(() => {}));
  window.dispatchEvent(new Event('online'));
}

/** Lets everything happen that needs no time. */
export const settle = () => vi.advanceTimersByTimeAsync(0);
