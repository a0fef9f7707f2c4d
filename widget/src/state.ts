/** What the chat looks like, apart from what was said, and what a visitor can do to it. */

import type { Config } from './config';
import type { Conversation } from './conversation';
import type { Rating, Turn } from './turn';

export interface ChatState {
  setup: Config;
  on: Handlers;
  talk: Conversation;
  /** The panel exists: the chat has been open on this page. */
  built?: boolean;
  isOpen?: boolean;
  /** It is not shown yet, lest it changes its language or its looks under the visitor's eyes. */
  waiting?: boolean;
  /** Words and settings are on their way. */
  fetching?: boolean;
  /** The menu is open. */
  menu?: boolean;
  /** What the visitor is being asked: whether the conversation may end, or be deleted. */
  asking?: 'startOver' | 'erase';
  /** The visitor wants no sounds. */
  muted?: boolean;
  /** Messages that came in while the chat was closed. */
  newCount: number;
  /** The person's message that is shown beside the launcher. */
  peek?: Turn;
  /** The server has been out of reach for so long that the visitor should know. */
  cutOff?: boolean;
  /** Words came in that the reader has not scrolled to: so many messages of people, or an answer. */
  missed?: number;
  /** After too many messages, how long the visitor has to wait, like `0:42`. */
  countdown: string;
  /** What is in the composer. */
  written: string;
  /** What people who use a screen reader were told last. */
  said?: string;
  /** What the visitor wanted last could not be done. */
  failed?: boolean;
}

export interface Handlers {
  openOrClose(): void;
  keydown(event: KeyboardEvent): void;
  /** Anything in the panel was pressed. */
  clicked(event: Event): void;
  toggleMenu(): void;
  /** Asks whether the conversation may end or be deleted; `keep` and `confirm` are the answers. */
  askStartOver(): void;
  askErase(): void;
  keep(): void;
  goAhead(): void;
  reconnect(): void;
  scrolled(): void;
  /** Takes the reader to the newest words. */
  jump(): void;
  typed(): void;
  /** Sends what is in the composer, or stops the answer that is coming in. */
  sendOrStop(): void;
  /** Sends one of the suggestions. */
  suggest(question: string): void;
  askAgain(turn: Turn): void;
  copyText(button: HTMLElement, text: string): void;
  /** Rates an answer, or takes the same rating back. */
  giveOpinion(turn: Turn, rating: Rating): void;
  /** Chooses the reason of a bad rating, or takes it back. */
  blame(turn: Turn, reason: string): void;
  /** Sends the form about a bad rating; without `send` only closes it. */
  closeForm(turn: Turn, send?: boolean): void;
  keepTranscript(): void;
  toggleSound(): void;
  askForPerson(): void;
  /** Says where the visitor can be written to. */
  giveEmail(): void;
  closePeek(): void;
}
