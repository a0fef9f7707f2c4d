/** The shape of one turn: the visitor's bubble, the answer, and whatever has to be said about either. */

import { Icon, icon } from './icons';
import { box, button, type Child, type Shape, shape } from './shape';
import type { ChatState } from './state';
import { isOver, type Turn } from './turn';
import { answering, Words } from './words';

/** `answer` is its text as it is to be shown now, `day` the name of the day where the turn begins one. */
export function turnShape(turn: Turn, answer: Child[], day: string | false, last: boolean, state: ChatState): Shape {
  const { title } = state.config;
  const stage = turn.state;
  const note = stage === 'stopped' ? Words.stopped : stage === 'cut' && Words.lengthLimit;
  const over = isOver(turn);
  const unsent = over && !turn.accepted;
  const queued = stage === 'queueing' && state.offline;
  const shown = answer.length > 0;
  const retry = (className: string, mayRetry: boolean, ...face: Child[]) =>
    mayRetry &&
    !state.wait &&
    button({ class: className, onclick: () => state.on.retry(turn) }, ...face, Words.tryAgain);
  return box(
    'turn',
    day && shape('div', { class: 'day', role: 'separator' }, shape('span', {}, day)),
    turn.question &&
      shape(
        'article',
        { class: unsent ? 'me unsent' : queued ? 'me queued' : 'me', 'aria-label': Words.you },
        shape('div', { class: 'bubble', dir: 'auto' }, turn.question),
        unsent &&
          box(
            'meta bad',
            icon(Icon.alert),
            state.wait ? Words.notSentYet : Words.notSent,
            retry('', stage !== 'refused'),
          ),
        queued && box('meta', icon(Icon.clock), Words.willSend),
      ),
    (shown || note) &&
      shape(
        'article',
        { 'aria-label': title, 'aria-busy': `${!over}` },
        box('by', avatar(), shape('b', {}, title), Words.ai),
        box('md', ...answer),
        (note || stage === 'complete') &&
          box(
            'actions',
            shown &&
              isSecureContext &&
              button(
                {
                  class: 'icon',
                  'aria-label': Words.copyAnswer,
                  onclick: (event: Event) => state.on.copy(event.currentTarget as HTMLElement, turn.answer),
                },
                icon(Icon.copy),
              ),
            note,
          ),
      ),
    !over && !shown && stage !== 'queueing' && box('typing', shape('i'), shape('i'), shape('i'), answering(title)),
    stage === 'failed' || stage === 'interrupted'
      ? notice(
          'note',
          Icon.alert,
          stage === 'failed' ? Words.failedTitle : Words.brokeOff,
          [stage === 'failed' && Words.failedText],
          retry('button primary', last && !turn.final, icon(Icon.again)),
        )
      : stage === 'limited' &&
          state.wait &&
          notice('note warn', Icon.clock, Words.limitedTitle, [
            Words.limitedBefore,
            shape('b', {}, state.wait),
            Words.limitedAfter,
          ]),
  );
}

/** A box in the log that says what happened and how to go on. */
export function notice(kind: string, picture: Icon, title: string, text: Child[], action?: Child): Shape {
  const body = box('', shape('strong', {}, title), shape('p', {}, ...text), action);
  return shape('div', { class: kind, role: 'alert' }, icon(picture), body);
}

/** The assistant's square sign. */
export const avatar = () => shape('span', { class: 'avatar' }, icon(Icon.bell));
