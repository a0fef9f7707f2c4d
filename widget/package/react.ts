/** A chat as a React component. */

import { type CSSProperties, createElement, type ReactElement, useEffect, useRef } from 'react';
import type { FrontdeskChat as Chat, FrontdeskEvents, FrontdeskOptions } from '../src/frontdesk';
import { createChat, EVENTS } from './index';

export interface FrontdeskChatProps extends Omit<FrontdeskOptions, 'target'> {
  /** The chat fills the component's own element, in place of a corner of the page. */
  inline?: boolean;
  /** Of that element. */
  className?: string;
  style?: CSSProperties;
  /** The chat is on the page; what is given is its API. */
  onReady?(chat: Chat): void;
  onOpen?(): void;
  onClose?(): void;
  onMessage?(detail: FrontdeskEvents['message']): void;
  onAnswer?(detail: FrontdeskEvents['answer']): void;
  onUnread?(detail: FrontdeskEvents['unread']): void;
  onError?(detail: FrontdeskEvents['error']): void;
}

/** There while it is mounted. Other options make another chat; other listeners do not. */
export function FrontdeskChat(props: FrontdeskChatProps): ReactElement | null {
  const { inline, className, style, ...options } = props;
  const place = useRef<HTMLDivElement>(null);
  const latest = useRef(props);
  latest.current = props;
  // Functions are left out: these are the options alone.
  const key = JSON.stringify([inline, options]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key stands for all of them
  useEffect(() => {
    const chat = createChat({ ...options, target: inline ? (place.current ?? undefined) : undefined });
    for (const event of EVENTS) {
      const name = `on${event[0]?.toUpperCase()}${event.slice(1)}` as 'onReady';
      chat?.on(event, (detail) => latest.current[name]?.(event === 'ready' ? chat : (detail as never)));
    }
    return () => chat?.destroy();
  }, [key]);
  return inline ? createElement('div', { ref: place, className, style }) : null;
}
