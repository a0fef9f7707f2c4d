/** What a visitor can do with an answer, and the form that asks what was wrong with it. */

import { Icon, tool } from './icons';
import { box, button, type Child, type Shape, shape } from './shape';
import type { ChatState } from './state';
import type { Turn } from './turn';
import { Words } from './words';

/** The reasons, which the server and the words call the same. */
const REASONS = ['incorrect', 'outdated', 'unanswered', 'unclear'] as const;

/** `note` is what there is to say about the answer. */
export function actionsShape(turn: Turn, note: Child, { on }: ChatState): Shape {
  const rating = (value: 'up' | 'down', name: string) =>
    tool(name, Icon.thumb, () => on.giveOpinion(turn, value), {
      class: `icon ${value}`,
      'aria-pressed': `${turn.opinion === value}`,
    });
  return box(
    'actions',
    isSecureContext &&
      tool(Words.copyAnswer, Icon.copy, (event) => on.copyText(event.currentTarget as HTMLElement, turn.replyText)),
    rating('up', Words.goodAnswer),
    rating('down', Words.badAnswer),
    shape('span', {}, turn.thankedWith || note),
  );
}

export function feedbackForm(turn: Turn, { on }: ChatState): Shape {
  return shape(
    'div',
    { class: 'form', role: 'group', 'aria-label': Words.whatWentWrong },
    box(
      'legend',
      shape('b', {}, Words.whatWentWrong),
      tool(Words.close, Icon.cross, () => on.closeForm(turn)),
    ),
    box(
      'chips',
      ...REASONS.map((reason) =>
        button({ 'aria-pressed': `${turn.blamedOn === reason}`, onclick: () => on.blame(turn, reason) }, Words[reason]),
      ),
    ),
    shape('textarea', { class: 'entry', rows: '2', 'aria-label': Words.tellMore, placeholder: Words.tellMore }),
    button({ class: 'button primary', onclick: () => on.closeForm(turn, true) }, Words.sendFeedback),
  );
}
