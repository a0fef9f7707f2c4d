/** Where the visitor writes. What they have typed is never taken away from them. */

import { Icon, icon } from './icons';
import { box, button, type Shape, shape } from './shape';
import type { ChatState } from './state';
import { isPersonAsked, personOf } from './turn';
import { fill, sendAgainIn, Words } from './words';

/** What the server accepts, in UTF-16 units. */
const LONGEST = 4000;
const COUNTED_FROM = LONGEST * 0.8;

/** Whether somebody has ended the conversation: it can be read, and another one begun. */
const isClosed = (state: ChatState) => state.talk.turns.at(-1)?.happened === 'closed';

/** Whether there is something to send that may be sent. */
export function canSend(state: ChatState): boolean {
  const { length } = state.written.trim();
  return length > 0 && length <= LONGEST && !state.countdown && !state.talk.refused && !isClosed(state);
}

export function composerShape(state: ChatState): Shape {
  const { setup, missed, on } = state;
  const { isBusy, refused, turns } = state.talk;
  const person = personOf(turns);
  const { length } = state.written.trim();
  const over = length > LONGEST;
  const counter = length >= COUNTED_FROM && `${length.toLocaleString()} / ${LONGEST.toLocaleString()}`;
  const waiting = state.countdown && sendAgainIn(state.countdown);
  const busy = isBusy();
  return shape(
    'div',
    { class: 'foot', inert: !!state.asking },
    missed !== undefined &&
      button(
        { class: 'jump', onclick: on.jump },
        icon(Icon.arrowDown),
        missed ? fill('newMessages', { count: missed }) : Words.newAnswer,
      ),
    isClosed(state) &&
      box(
        'field over',
        shape('span', {}, Words.closed),
        button({ class: 'button', onclick: on.goAhead }, Words.startNewOne),
      ),
    shape(
      'div',
      { class: over ? 'field bad' : 'field' },
      shape('textarea', {
        rows: '1',
        'aria-label': Words.yourMessage,
        placeholder: refused
          ? Words.unavailable
          : person
            ? fill('replyTo', { name: person })
            : isPersonAsked(turns)
              ? fill('keepAsking', { title: setup.title })
              : setup.inputPlaceholder || (turns.length ? Words.askFollowUp : Words.askQuestion),
        disabled: refused,
        'aria-describedby': 'fine',
        'aria-invalid': `${over}`,
        oninput: on.typed,
      }),
      button(
        {
          class: busy ? 'send stop' : 'send',
          'aria-label': busy ? Words.stop : Words.send,
          'aria-disabled': `${!busy && !canSend(state)}`,
          onclick: on.sendOrStop,
        },
        icon(busy ? Icon.square : Icon.arrowUp),
      ),
    ),
    shape(
      'div',
      { id: 'fine', class: over ? 'fine split bad' : waiting || counter ? 'fine split' : 'fine' },
      shape('span', {}, over ? Words.tooLong : waiting || (!counter && (person ? Words.toPerson : Words.finePrint))),
      shape('span', {}, over ? fill('tooLongBy', { count: (length - LONGEST).toLocaleString() }) : counter),
    ),
  );
}

/** Makes the field as high as its text; the style sheet says where that ends. */
export function growField(field: HTMLTextAreaElement): void {
  field.style.height = 'auto';
  field.style.height = `${field.scrollHeight}px`;
}
