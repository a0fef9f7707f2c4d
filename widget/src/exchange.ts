/**
 * Carries one turn to its end: sends the message, reads the answer, picks it up again where the connection broke, and stops
 * it when the visitor asks. Knows nothing of the page; whoever owns the turn hears of every change.
 */

import { type Api, isRefusal, LEAVING, type Problem } from './api';
import type { Link } from './link';
import { type ChatEvent, listen } from './ndjson';
import { stateOf, type Turn, type TurnState } from './turn';

export interface Exchange {
  /** Settles when the turn needs nothing more, well or badly: to the seconds to wait if there were too many messages. */
  ended: Promise<number>;
  /** Keeps the text so far and tells the server to end the answer. */
  halt(): void;
  /** Hangs up; the server goes on. */
  leave(): void;
}

const TRIES = 5;
/** How long a stopped answer may take to end before we hang up. */
const STOP_GRACE = 3_000;
/** Seconds to wait where the server does not say. */
const LIMIT_WAIT = 30;

/** The beginning of a text, as long as the server counts: in bytes. */
const firstBytes = (text: string, count = 0) =>
  new TextDecoder().decode(new TextEncoder().encode(text).slice(0, count));

export function startExchange(turn: Turn, api: Api, link: Link, changed: () => void): Exchange {
  let connection: AbortController;
  /** The server has begun this answer: from here on we follow it instead of asking again. */
  let following = turn.stage === 'streaming';
  let stopping = false;
  let left = false;

  function settle(state: TurnState) {
    turn.stage = state;
    changed();
  }

  function fail() {
    settle(turn.accepted ? stateOf('', '', turn.replyText) : 'unsent');
  }

  async function carry(): Promise<number> {
    if (!following) settle('sending');
    for (let failures = 1; ; failures++) {
      const before = turn.reached;
      // A stream that ends too early leaves no more trace than one that breaks.
      const problem: Problem = await connect().catch((error) => error);
      if (!problem || left || (stopping && following)) return 0;
      const { status, retryAfter } = problem;
      turn.trouble = problem.code;
      if (turn.reached !== before) failures = 1;
      // What passes: no reply, a server restarting, another answer running, and limits while an answer is on its way.
      const limited = status === 429;
      const passing = !status || status > 501 || problem.code === 'conversation_busy' || (limited && following);
      // Without any network there is no point in giving up: the message waits until it is back.
      const patient = failures <= TRIES || (!status && !navigator.onLine);
      if (stopping || !passing || !patient) {
        if (isRefusal(problem)) settle('refused');
        else if (limited) settle('limited');
        else fail();
        return limited ? retryAfter || LIMIT_WAIT : 0;
      }
      if (!status && !turn.accepted) settle('queueing');
      await link.holdOn(failures, retryAfter);
      if (left || (stopping && !following)) return 0;
    }
  }

  /** One connection, to the end of the turn. */
  async function connect(): Promise<void> {
    connection = new AbortController();
    const ask = (signal: AbortSignal) =>
      following ? api.follow(turn.answerId, turn.reached, signal) : api.send(turn.key, turn.question, signal);
    if (!(await listen(connection, ask, take))) throw new Error();
  }

  /** Applies one event. True if it ends the turn. */
  function take(event: ChatEvent): boolean {
    const shown = turn.reached;
    turn.answerId = event.messageId ?? turn.answerId;
    if (event.type === 'error') {
      turn.final = !turn.key || event.retryable === false;
      turn.trouble = event.code;
      if (!stopping || !following) fail();
      return true;
    }
    turn.reached = event.seq ?? turn.reached;
    turn.accepted = true;
    if (event.type === 'done' || !event.type) {
      // What the server says is what is stored, also where it is a few words more than we showed.
      if (!event.message.startsWith(turn.replyText)) turn.kept = undefined;
      turn.replyText = event.message;
      turn.takenFrom = event.sources;
      settle(stateOf(event.status ?? 'complete', event.finishReason, event.message));
      return true;
    }
    if (event.type === 'start') {
      // A person's answer comes another way, and has no id yet.
      following = !!turn.answerId;
      // After a crash the server may have less than it has shown.
      if (!event.seq || event.seq < shown) {
        turn.replyText = firstBytes(turn.replyText, event.seq);
        turn.kept = undefined;
      }
      if (stopping) tellServerToStop();
    } else if (event.type === 'token' && !stopping) turn.replyText += event.token;
    if (!stopping) settle(turn.replyText ? 'streaming' : 'waiting');
    return false;
  }

  function tellServerToStop() {
    api.halt(turn.answerId).catch(() => {});
    setTimeout(() => connection.abort(), STOP_GRACE);
  }

  return {
    ended: carry(),
    halt() {
      if (stopping) return;
      stopping = true;
      settle('stopped');
      if (following) tellServerToStop();
    },
    leave() {
      left = true;
      connection.abort(LEAVING);
    },
  };
}
