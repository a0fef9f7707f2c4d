/**
 * Follows a conversation as the server has it, whoever changes it: another tab, another device, a person of the site. Every
 * event brings a cursor, and with the last one the server gives exactly what was missed.
 */

import { type Api, LEAVING, type Problem, type StoredMessage } from './api';
import type { Link } from './link';
import { listen } from './ndjson';
import { type Turn, tell, turnOf } from './turn';

/** What the feed says. Types and members that are not listed here are to be ignored. */
export type FeedEvent = { cursor?: string | null } & (
  | { type: 'message'; message: StoredMessage }
  | { type: 'token'; messageId: string; token: string; seq: number }
  /** The reader has everything there is now. */
  | { type: 'state'; answering: { role: string } | null }
  /** A person is writing, or nobody any more. */
  | { type: 'typing'; name?: string | null }
  /** What the reader has is of no use; everything follows from the beginning. */
  | { type: 'reset' }
  | { type: 'error' }
);

/** Follows from the cursor on, again and again, until `signal` says to leave. False if this server has no feed. */
export async function followFeed(
  api: Api,
  link: Link,
  cursor: string | undefined,
  signal: AbortSignal,
  take: (event: FeedEvent) => void,
): Promise<boolean> {
  for (let failures = 1; ; failures++) {
    const before = cursor;
    const problem: Problem | undefined = await connect().catch((error) => error);
    if (signal.aborted) return true;
    const status = problem?.status;
    if (status === 400 && cursor) {
      cursor = undefined;
      take({ type: 'reset' });
    } else if (status && status !== 429 && status < 500) return false;
    if (cursor !== before) failures = 1;
    await link.holdOn(failures, problem?.retryAfter);
    if (signal.aborted) return true;
  }

  async function connect(): Promise<undefined> {
    const mine = new AbortController();
    const leave = () => mine.abort(LEAVING);
    signal.addEventListener('abort', leave, { signal: mine.signal });
    try {
      await listen<FeedEvent>(
        mine,
        (end) => api.listenTo(cursor, end),
        (event) => {
          if (signal.aborted) return true;
          cursor = event.cursor ?? cursor;
          take(event);
          return event.type === 'error';
        },
      );
    } finally {
      leave();
    }
  }
}

/**
 * Puts a message where it belongs among the turns, or in the place of what we have of it. The answer of the turn that is being
 * carried comes another way. Messages that the server does not have yet stay at the end.
 */
export function mergeMessage(turns: Turn[], message: StoredMessage, carried?: Turn): void {
  const { role, place = 0, clientMessageId, id } = message;
  const asked = role === 'user';
  let turn = asked
    ? turns.find((other) => (clientMessageId ? other.key === clientMessageId : other.questionPlace === place))
    : turns.find((other) => other.answerId === id);
  if (!turn) {
    const index = turns.findLastIndex((other) => (other.questionPlace as number) < place);
    const before = turns[index];
    // An answer that was written anew has another id, and the place of the one that failed.
    if (role === 'assistant' && before && (!before.answerId || before.answerPlace === place)) turn = before;
    else {
      turn = turnOf(message);
      turns.splice(index + 1, 0, turn);
    }
  }
  if (asked || !turn.question) turn.questionPlace ??= place;
  if (turn === carried) return;
  if (asked) {
    if (!turn.accepted) turn.stage = 'complete';
    turn.accepted = true;
    turn.wasSeen = message.seen;
    return;
  }
  turn.accepted = true;
  // What is stored need not go on from what was shown.
  if (!message.content.startsWith(turn.replyText)) turn.kept = undefined;
  const known = turn.stage;
  const old = turn.answerId;
  tell(turn, message);
  turn.news = turn.stage !== 'streaming' && (old !== id || known === 'streaming');
}
