/** What the chat looks like, apart from what was said, and what a visitor can do to it. */

import type { Config } from './config';
import type { Conversation } from './conversation';
import type { Turn } from './turn';

export interface ChatState {
  config: Config;
  on: Handlers;
  conversation: Conversation;
  /** The panel exists: the chat has been open on this page. */
  built?: boolean;
  isOpen?: boolean;
  /** The visitor is being asked whether the conversation may end. */
  asking?: boolean;
  /** The server has been out of reach for so long that the visitor should know. */
  offline?: boolean;
  /** Answers the visitor has not seen. */
  unread?: number;
  /** Words came in that the reader has not scrolled to. */
  missed?: boolean;
  /** After too many messages, how long the visitor has to wait, like `0:42`. */
  wait: string;
  /** What is in the composer. */
  draft: string;
  /** What people who use a screen reader were told last. */
  said?: string;
}

export interface Handlers {
  toggle(): void;
  keydown(event: KeyboardEvent): void;
  /** Asks whether the conversation may end; `keep` and `startOver` are the answers. */
  newConversation(): void;
  keep(): void;
  startOver(): void;
  tryNow(): void;
  scrolled(): void;
  /** Takes the reader to the newest words. */
  jump(): void;
  typed(): void;
  /** Sends what is in the composer, or stops the answer that is coming in. */
  submit(): void;
  retry(turn: Turn): void;
  copy(button: HTMLElement, text: string): void;
  copyCode(event: Event): void;
}
