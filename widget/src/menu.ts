/** The menu of the panel's header. */

import { Icon, icon } from './icons';
import { button, type Child, type Shape, shape } from './shape';
import type { ChatState } from './state';
import { Words } from './words';

export function menuShape({ setup, talk, muted, on }: ChatState): Shape {
  const begun = talk.turns[0];
  const item = (picture: Icon, name: string, onclick: () => void, attributes = {}, ...more: Child[]) =>
    button({ role: 'menuitem', tabindex: '-1', onclick, ...attributes }, icon(picture), name, ...more);
  return shape(
    'div',
    { class: 'menu', role: 'menu', 'aria-label': Words.moreOptions },
    setup.handoff && item(Icon.headset, Words.talkToPerson, on.askForPerson),
    begun && item(Icon.download, Words.saveTranscript, on.keepTranscript),
    item(
      Icon.speaker,
      Words.sound,
      on.toggleSound,
      { role: 'menuitemcheckbox', 'aria-checked': `${!muted}` },
      shape('small', {}, muted ? Words.off : Words.on),
    ),
    begun && shape('hr', { role: 'separator' }),
    begun && item(Icon.bin, Words.deleteThis, on.askErase),
  );
}

/** Moves the focus within a menu, as its keys ask. False if the key is none of them. */
export function moveInMenu(menu: Element, { key, target }: KeyboardEvent): boolean {
  const items = [...menu.querySelectorAll('button')];
  const at = items.indexOf(target as HTMLButtonElement);
  const to = { ArrowDown: at + 1, ArrowUp: at + items.length - 1, Home: 0, End: items.length - 1 }[key];
  if (to === undefined) return false;
  items[to % items.length]?.focus();
  return true;
}
