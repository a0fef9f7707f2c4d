/** What the model reads: the same as `frontdesk_core::build_prompt`. */

import type { Infer } from 'convex/values';
import { bytesOf } from './limits';
import type { historyEntry } from './shapes';

export interface PromptMessage {
  role: 'user' | 'assistant';
  content: string;
}

/** Follows a text that ended before its end, so that the model does not take it for a finished thought. */
const CUT_OFF = ' [cut off]';

/** The latest messages that fit, oldest first, ending with the one to answer. A turn whose answer failed is left out. */
export function buildPrompt(history: Infer<typeof historyEntry>[], maxTokens: number): PromptMessage[] {
  const messages: PromptMessage[] = [];
  for (const { role, author, status, text } of history) {
    if (status === 'failed') {
      if (messages.at(-1)?.role === 'user') messages.pop();
    } else if (text !== '') {
      const isCut = status === 'stopped' || status === 'interrupted';
      const said = isCut ? text + CUT_OFF : text;
      const content = author === undefined ? said : `[${author}, a person of the team] ${said}`;
      messages.push({ role: role === 'user' ? 'user' : 'assistant', content });
    }
  }
  return messages.slice(firstThatFits(messages, maxTokens));
}

function firstThatFits(messages: PromptMessage[], maxTokens: number): number {
  let left = maxTokens;
  let first = messages.length;
  while (first > 0) {
    // About a token for three bytes, and four around each message.
    left -= Math.ceil(bytesOf(messages[first - 1]?.content ?? '') / 3) + 4;
    if (left < 0) break;
    first -= 1;
  }
  first = Math.min(first, Math.max(messages.length - 1, 0));
  // An answer says little without its question.
  return first > 0 && messages[first]?.role === 'assistant' ? first + 1 : first;
}
