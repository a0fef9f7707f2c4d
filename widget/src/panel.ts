/** The shape of everything on the page: the launcher, and the open chat around its log. */

import { composerShape } from './composer';
import { Icon, icon, tool } from './icons';
import { launcherShape, peekShape } from './launcher';
import { logShape } from './log';
import { menuShape } from './menu';
import { avatar } from './people';
import { box, button, type Child, type Shape, shape } from './shape';
import { sheetShape } from './sheet';
import type { ChatState } from './state';
import { personOf } from './turn';
import { Words } from './words';

/** The panel is there from the first open on; until then the launcher is all there is. */
export function chatShapes(state: ChatState): Child[] {
  return [
    state.built && panelShape(state),
    !state.setup.target && launcherShape(state),
    state.peek && peekShape(state.peek, state),
  ];
}

function panelShape(state: ChatState): Shape {
  const { asking, menu, cutOff: offline, on } = state;
  const { isBusy, turns } = state.talk;
  const person = personOf(turns);
  const inert = !!asking;
  return shape(
    'div',
    {
      class: !state.isOpen ? 'panel closed' : state.waiting ? 'panel waiting' : 'panel',
      role: state.setup.target ? 'group' : 'dialog',
      'aria-labelledby': 'title',
      onkeydown: on.keydown,
      onclick: on.clicked,
    },
    shape(
      'header',
      { class: 'head', inert },
      avatar(person),
      box(
        offline ? 'who off' : person ? 'who human' : 'who',
        shape('h2', { id: 'title', tabindex: '-1' }, person ?? state.setup.title),
        shape(
          'p',
          {},
          shape('i'),
          offline ? Words.reconnecting : person ? Words.hereNow : isBusy() ? Words.busy : Words.aiAssistant,
        ),
      ),
      tool(Words.newConversation, Icon.pencil, on.askStartOver),
      tool(Words.moreOptions, Icon.dots, on.toggleMenu, {
        class: 'icon more',
        'aria-haspopup': 'menu',
        'aria-expanded': `${!!menu}`,
      }),
      !state.setup.target && tool(Words.minimise, Icon.chevron, on.openOrClose),
    ),
    menu && menuShape(state),
    offline &&
      shape(
        'div',
        { class: 'banner', inert },
        icon(Icon.noSignal),
        shape('span', {}, Words.offline),
        button({ onclick: on.reconnect }, Words.tryNow),
      ),
    logShape(state),
    composerShape(state),
    shape('div', { class: 'sr', role: 'status' }, state.said),
    // Nothing behind the question can be reached until there is an answer.
    inert && sheetShape(state),
  );
}
