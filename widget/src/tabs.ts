/** What the tabs of one browser tell each other, so that they show the same. */

import type { StoredMessage } from './api';

export interface Word {
  /** The session it is about; tabs may have different ones. */
  id: string;
  /** The server has this message. */
  message?: StoredMessage;
  /** The conversation has ended. */
  over?: boolean;
  /** The visitor has seen what there is. */
  read?: boolean;
}

/** Where browsers have no way for tabs to talk, or forbid it, every tab is alone: the server tells it the same, later. */
export function joinTabs(name: string, life: AbortSignal, hear: (word: Word) => void): (word: Word) => void {
  try {
    const channel = new BroadcastChannel(name);
    channel.onmessage = ({ data }) => hear(data);
    life.addEventListener('abort', () => channel.close());
    return (word) => {
      if (!life.aborted) channel.postMessage(word);
    };
  } catch {
    return () => {};
  }
}
