/** The shape of everything on the page: the launcher, and the open chat around its log. */

import { composerShape } from './composer';
import { Icon, icon } from './icons';
import { logShape } from './log';
import { box, button, type Child, type Shape, shape } from './shape';
import type { ChatState } from './state';
import { avatar } from './turn-shape';
import { Words } from './words';

/** The panel is there from the first open on; until then the launcher is all there is. */
export function chatShapes(state: ChatState): Child[] {
  const isOpen = !!state.isOpen;
  return [
    state.built && panelShape(state),
    !state.config.target &&
      button(
        {
          class: 'launcher',
          'aria-haspopup': 'dialog',
          'aria-expanded': `${isOpen}`,
          'aria-label': isOpen ? Words.minimise : Words.openChat,
          onclick: state.on.toggle,
        },
        icon(isOpen ? Icon.chevron : Icon.bubble),
      ),
  ];
}

function panelShape(state: ChatState): Shape {
  const { on } = state;
  const inert = state.asking;
  const tool = (name: string, path: Icon, onclick: () => void) =>
    button({ class: 'icon', 'aria-label': name, onclick }, icon(path));
  return shape(
    'div',
    {
      class: state.isOpen ? 'panel' : 'panel closed',
      role: state.config.target ? 'group' : 'dialog',
      'aria-labelledby': 'title',
      onkeydown: on.keydown,
    },
    shape(
      'header',
      { class: 'head', inert },
      avatar(),
      box(
        state.offline ? 'who off' : 'who',
        shape('h2', { id: 'title', tabindex: '-1' }, state.config.title),
        shape('p', {}, shape('i'), state.offline ? Words.reconnecting : Words.aiAssistant),
      ),
      tool(Words.newConversation, Icon.pencil, on.newConversation),
      !state.config.target && tool(Words.minimise, Icon.chevron, on.toggle),
    ),
    state.offline &&
      shape(
        'div',
        { class: 'banner', inert },
        icon(Icon.noSignal),
        shape('span', {}, Words.offline),
        button({ onclick: on.tryNow }, Words.tryNow),
      ),
    logShape(state),
    composerShape(state),
    shape('div', { class: 'sr', role: 'status' }, state.said),
    // Nothing behind the question can be reached until there is an answer.
    inert &&
      box(
        'scrim',
        shape(
          'div',
          { class: 'sheet', role: 'alertdialog', 'aria-labelledby': 'ask', 'aria-describedby': 'more' },
          shape('h2', { id: 'ask' }, Words.startNewTitle),
          shape('p', { id: 'more' }, Words.startNewText),
          button({ class: 'button', onclick: on.keep }, Words.keepThis),
          button({ class: 'button primary', onclick: on.startOver }, Words.startNew),
        ),
      ),
  );
}
