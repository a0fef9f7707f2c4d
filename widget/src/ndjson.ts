/** The server's answer as a stream of events: one JSON object a line. */

import type { Source } from './api';

interface Common {
  messageId?: string;
  /** The server's mark for the place in the answer after this event. */
  seq?: number;
}

/** What a line may say. Types and members that are not listed here are to be ignored. */
export type ChatEvent = Common &
  (
    | { type: 'start' }
    | { type: 'token'; token: string }
    // Without a type it is the reply of `POST /v1/chat`, which does not stream.
    | { type: 'done' | undefined; message: string; status?: string; finishReason?: string; sources?: Source[] }
    | { type: 'error'; error: string; code?: string; retryable?: boolean; requestId?: string }
  );

/**
 * Reads the events of a body until `take` has seen enough; returns whether it has. `alive` is called for every piece that
 * arrives, also for the blank lines that only say that the server is still there. A last line without its newline counts if
 * it is whole.
 */
export async function readEvents<Event = ChatEvent>(
  body: ReadableStream<Uint8Array>,
  alive: () => void,
  take: (event: Event) => boolean,
): Promise<boolean> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  for (;;) {
    const { value, done } = await reader.read();
    alive();
    const lines = (rest + decoder.decode(value, { stream: !done })).split('\n');
    rest = done ? '' : (lines.pop() as string);
    if (lines.some((line) => takeLine(line, take))) {
      reader.cancel().catch(() => {});
      return true;
    }
    if (done) return false;
  }
}

function takeLine<Event>(line: string, take: (event: Event) => boolean): boolean {
  let event: Event;
  try {
    event = JSON.parse(line);
  } catch {
    // Blank, or cut off in the middle.
    return false;
  }
  return take(event);
}

/** The server says something every 15 seconds, so this much silence means a dead connection. */
const SILENCE = 40_000;

/** Reads the events of the response that `ask` gets, and hangs up when there is nothing but silence. */
export async function listen<Event = ChatEvent>(
  connection: AbortController,
  ask: (signal: AbortSignal) => Promise<Response>,
  take: (event: Event) => boolean,
): Promise<boolean> {
  let silence: ReturnType<typeof setTimeout> | undefined;
  const alive = () => {
    clearTimeout(silence);
    silence = setTimeout(() => connection.abort(), SILENCE);
  };
  alive();
  try {
    const { body } = await ask(connection.signal);
    return await readEvents(body as ReadableStream<Uint8Array>, alive, take);
  } finally {
    clearTimeout(silence);
  }
}
