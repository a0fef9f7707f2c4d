/** One message of the visitor and the answer to it, or something else that stands in the log for itself. */

import type { Source, StoredMessage } from './api';

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

/** What can stand in the log without being a message; whatever else a server names is not shown. */
export type TurnEvent = 'asked' | 'away' | 'joined' | 'left' | 'closed';

/** What the visitor thinks of an answer; null if they took it back. */
export type Rating = 'up' | 'down' | null;

export interface Turn {
  /** The visitor's message by our own name for it. Empty if the server does not know it by such a name. */
  key: string;
  /** Empty when the question is on an older page of the conversation, or when nobody asked. */
  question: string;
  askedAt: number;
  stage: TurnState;
  /** The server has stored the question. */
  accepted?: boolean;
  /** The server's name for what went wrong last. */
  trouble?: string;
  /** Asking again cannot help. */
  final?: boolean;
  answerId: string;
  /** Where the question stands in the conversation, or the answer if it stands alone; unknown until the server says. */
  questionPlace?: number;
  answerPlace?: number;
  /** Came to its end where nobody was looking, and has yet to be told of. */
  news?: boolean;
  /** The answer so far. */
  replyText: string;
  /** The server's mark for the place up to which we have the answer. */
  reached: number;
  /** What a view keeps of the answer; thrown away when the answer begins anew. */
  kept?: unknown;
  /** The person who wrote the answer, or did what the event says. An assistant's answer has none. */
  person?: string;
  happened?: TurnEvent;
  /** What the answer was taken from, in the order of the numbers in it. */
  takenFrom?: Source[];
  /** A person has read the question. */
  wasSeen?: boolean;
  opinion?: Rating;
  /** What the visitor was thanked with for the rating they just gave. */
  thankedWith?: string | null;
  /** The form that asks what was wrong is open. */
  askingWhy?: boolean;
  /** The reason that is chosen in it. */
  blamedOn?: string;
}

/** A message that has yet to be sent. */
export function newTurn(key: string, question: string, askedAt: number): Turn {
  return { key, question, askedAt, stage: 'sending', answerId: '', replyText: '', reached: 0 };
}

/** The turn of a message that the server has, or of one that stands alone. */
export function turnOf({ role, clientMessageId, content, createdAt }: StoredMessage): Turn {
  const turn = newTurn(clientMessageId ?? '', role === 'user' ? content : '', createdAt);
  turn.stage = 'complete';
  turn.final = !turn.key;
  return turn;
}

/** Whether nothing more will happen to a turn by itself. */
export const isOver = (turn: Turn) => !turn.stage.endsWith('ing');

/** Whether a turn is a message of somebody who works for the site. */
export const isPersons = (turn: Turn) => !!turn.person && !turn.happened;

/** The person who is answering now, if it is not the assistant. */
export function personOf(turns: readonly Turn[]): string | undefined {
  const last = turns.findLast((turn) => turn.person);
  // Whoever has left, or has closed the conversation, is answering no more.
  return /^(joined)?$/.test(last?.happened ?? '') ? last?.person : undefined;
}

/** Whether the visitor has asked for a person, who has yet to come. */
export const isPersonAsked = (turns: readonly Turn[]) =>
  /^(asked|away)$/.test(turns.findLast((turn) => turn.happened)?.happened ?? '');

/** Where a turn stands by what the server says of its answer. A half answer is kept and said to be half. */
export function stateOf(status: string | undefined, finishReason: string | undefined, answer: string): TurnState {
  if (status === 'streaming' || status === 'stopped') return status;
  if (finishReason === 'length') return 'cut';
  // What a person will answer is delivered, and that is all.
  if (status === 'complete' || status === 'delivered') return 'complete';
  return answer ? 'interrupted' : 'failed';
}

/** Pairs stored messages, oldest first, into turns. An answer whose question is on an older page stands alone. */
export function turnsOf(messages: StoredMessage[]): Turn[] {
  const turns: Turn[] = [];
  let turn: Turn | undefined;
  for (const message of messages) {
    const { role } = message;
    const asked = role === 'user';
    if (role !== 'assistant' || !turn || turn.answerId) {
      // A question that a person took is not one that failed.
      if (turn && !turn.answerId && !asked) turn.stage = 'complete';
      turn = turnOf(message);
      turn.accepted = true;
      turn.questionPlace = message.place;
      turn.wasSeen = message.seen;
      if (!personOf(turns)) turn.stage = 'failed';
      turns.push(turn);
    }
    if (!asked) tell(turn, message);
  }
  return turns;
}

/** Tells a turn what became of it. */
export function tell(turn: Turn, message: StoredMessage): void {
  const { role, content, feedback } = message;
  turn.answerId = message.id;
  turn.answerPlace = message.place;
  turn.person = message.name;
  if (role === 'event') turn.happened = content as TurnEvent;
  else turn.replyText = content;
  turn.reached = message.seq ?? 0;
  turn.takenFrom = message.sources;
  turn.opinion = feedback?.rating;
  turn.stage = role === 'assistant' ? stateOf(message.status, message.finishReason, content) : 'complete';
}
