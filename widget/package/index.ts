/** The chat widget as a module. It makes no global name, and touches the page only when a chat is made. */

import type { FrontdeskChat, FrontdeskOptions } from '../src/frontdesk';
import { create } from '../src/widget';

export type { FrontdeskChat, FrontdeskEvents, FrontdeskOptions } from '../src/frontdesk';

/**
 * Puts a chat on the page: into a corner, or with `target` into an element. The same address and key are the same chat. Without
 * what it needs the console says what is missing, and there is none.
 */
export function createChat(options: FrontdeskOptions): FrontdeskChat | undefined {
  return create(options);
}

/** Every event of a chat. */
export const EVENTS = ['ready', 'open', 'close', 'message', 'answer', 'unread', 'error'] as const;
