/** One message of the visitor and the answer to it. */

import type { StoredMessage } from './api';

/**
 * Where a turn stands:
 * - on its way, which is what all names in -ing mean: `sending`, `queueing` (no connection), `waiting` (for the first word),
 *   `streaming`
 * - over: `complete`, `stopped` (by the visitor), `cut` (at the length limit)
 * - needs another try: `unsent`, `limited` (too many messages), `failed` (no answer), `interrupted` (half an answer)
 * - `refused`: this site or key may not chat
 */
export type TurnState =
  | 'sending'
  | 'queueing'
  | 'waiting'
  | 'streaming'
  | 'complete'
  | 'stopped'
  | 'cut'
  | 'unsent'
  | 'limited'
  | 'failed'
  | 'interrupted'
  | 'refused';

export interface Turn {
  /** The visitor's message by our own name for it. Empty if the server does not know it by such a name. */
  key: string;
  /** Empty when the question is on an older page of the conversation. */
  question: string;
  askedAt: number;
  state: TurnState;
  /** The server has stored the question. */
  accepted?: boolean;
  /** The server's name for what went wrong last. */
  code?: string;
  /** Asking again cannot help. */
  final?: boolean;
  answerId: string;
  /** Where the question stands in the conversation, or the answer if it stands alone; unknown until the server says. */
  place?: number;
  answerPlace?: number;
  /** Came to its end where nobody was looking, and has yet to be told of. */
  news?: boolean;
  /** The answer so far. */
  answer: string;
  /** The server's mark for the place up to which we have the answer. */
  cursor: number;
  /** What a view keeps of the answer; thrown away when the answer begins anew. */
  memory?: unknown;
}

/** A message that has yet to be sent. */
export function newTurn(key: string, question: string, askedAt: number): Turn {
  return { key, question, askedAt, state: 'sending', answerId: '', answer: '', cursor: 0 };
}

/** Whether nothing more will happen to a turn by itself. */
export const isOver = (turn: Turn) => !turn.state.endsWith('ing');

/** Where a turn stands by what the server says of its answer. A half answer is kept and said to be half. */
export function stateOf(status: string | undefined, finishReason: string | undefined, answer: string): TurnState {
  if (status === 'streaming' || status === 'stopped') return status;
  if (finishReason === 'length') return 'cut';
  if (status === 'complete') return status;
  return answer ? 'interrupted' : 'failed';
}

/** Pairs stored messages, oldest first, into turns. An answer whose question is on an older page stands alone. */
export function turnsOf(messages: StoredMessage[]): Turn[] {
  const turns: Turn[] = [];
  let turn: Turn | undefined;
  for (const message of messages) {
    const asked = message.role === 'user';
    if (asked || !turn || turn.answerId) {
      turn = newTurn(message.clientMessageId ?? '', asked ? message.content : '', message.createdAt);
      turn.accepted = true;
      turn.final = !turn.key;
      turn.place = message.place;
      turn.state = 'failed';
      turns.push(turn);
    }
    if (!asked) tell(turn, message);
  }
  return turns;
}

/** Tells a turn what became of it. */
export function tell(turn: Turn, message: StoredMessage): void {
  turn.answerId = message.id;
  turn.answerPlace = message.place;
  turn.answer = message.content;
  turn.cursor = message.seq ?? 0;
  turn.state = stateOf(message.status, message.finishReason, message.content);
}
