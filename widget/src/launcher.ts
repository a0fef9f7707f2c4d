/** What is to be seen of the chat while it is closed: the launcher, and beside it what a person has just written. */

import { Icon, icon, tool } from './icons';
import { avatar } from './people';
import { button, type Child, type Shape, shape } from './shape';
import type { ChatState } from './state';
import type { Turn } from './turn';
import { fill, Words } from './words';

const MOST_COUNTED = 9;

export function launcherShape({ isOpen, newCount: unread, on }: ChatState): Shape {
  return button(
    {
      class: 'launcher',
      'aria-haspopup': 'dialog',
      'aria-expanded': `${!!isOpen}`,
      'aria-label': isOpen ? Words.minimise : unread ? fill('unreadMessages', { count: unread }) : Words.openChat,
      onclick: on.openOrClose,
    },
    icon(isOpen ? Icon.chevron : Icon.bubble),
    unread > 0 &&
      shape(
        'span',
        { class: 'badge', 'aria-hidden': 'true' },
        unread > MOST_COUNTED ? `${MOST_COUNTED}+` : `${unread}`,
      ),
  );
}

export function peekShape({ person, replyText }: Turn, { on }: ChatState): Child {
  return shape(
    'div',
    { class: 'peek', role: 'status' },
    avatar(person),
    button({ onclick: on.openOrClose }, shape('strong', {}, person), shape('span', { dir: 'auto' }, replyText)),
    tool(Words.dismiss, Icon.cross, on.closePeek),
  );
}
