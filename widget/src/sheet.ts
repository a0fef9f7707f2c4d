/** Questions that have to be answered before anything else can be done. */

import { box, button, type Shape, shape } from './shape';
import type { ChatState } from './state';
import { Words } from './words';

/** The way back stands first; the first word of each is what the focus is on (`chat.ts`). */
export function sheetShape({ asking, on }: ChatState): Shape {
  const erase = asking === 'erase';
  return box(
    'scrim',
    shape(
      'div',
      {
        class: 'sheet',
        role: 'alertdialog',
        'aria-modal': 'true',
        'aria-labelledby': 'ask',
        'aria-describedby': 'more',
      },
      shape('h2', { id: 'ask' }, erase ? Words.deleteTitle : Words.startNewTitle),
      shape('p', { id: 'more' }, erase ? Words.deleteText : Words.startNewText),
      button({ class: 'button', onclick: on.keep }, erase ? Words.keepIt : Words.keepThis),
      button({ class: 'button primary', onclick: on.goAhead }, erase ? Words.delete : Words.startNew),
    ),
  );
}
