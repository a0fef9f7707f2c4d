/** What a visitor can do with an answer, and the form that asks what was wrong with it. */

import { Icon, icon } from './icons';
import { box, button, type Child, type Shape, shape } from './shape';
import type { ChatState } from './state';
import type { Turn } from './turn';
import { Words } from './words';

/** The reasons as the server names them, and as visitors read them. */
const reasons = () => ({
  incorrect: Words.incorrect,
  outdated: Words.outdated,
  unanswered: Words.unanswered,
  unclear: Words.unclear,
});

/** `note` is what there is to say about the answer. */
export function actionsShape(turn: Turn, note: Child, { on }: ChatState): Shape {
  const rating = (value: 'up' | 'down', name: string) =>
    button(
      {
        class: `icon ${value}`,
        'aria-label': name,
        'aria-pressed': `${turn.rating === value}`,
        onclick: () => on.rate(turn, value),
      },
      icon(Icon.thumb),
    );
  return box(
    'actions',
    isSecureContext &&
      button(
        {
          class: 'icon',
          'aria-label': Words.copyAnswer,
          onclick: (event: Event) => on.copy(event.currentTarget as HTMLElement, turn.answer),
        },
        icon(Icon.copy),
      ),
    rating('up', Words.goodAnswer),
    rating('down', Words.badAnswer),
    shape('span', {}, turn.thanks || note),
  );
}

export function feedbackForm(turn: Turn, { on }: ChatState): Shape {
  return shape(
    'div',
    { class: 'form', role: 'group', 'aria-label': Words.whatWentWrong },
    box(
      'legend',
      shape('b', {}, Words.whatWentWrong),
      button({ class: 'icon', 'aria-label': Words.close, onclick: () => on.closeForm(turn) }, icon(Icon.cross)),
    ),
    box(
      'chips',
      ...Object.entries(reasons()).map(([reason, name]) =>
        button({ 'aria-pressed': `${turn.reason === reason}`, onclick: () => on.blame(turn, reason) }, name),
      ),
    ),
    shape('textarea', { class: 'input', rows: '2', 'aria-label': Words.tellMore, placeholder: Words.tellMore }),
    button({ class: 'button primary', onclick: () => on.closeForm(turn, true) }, Words.sendFeedback),
  );
}
