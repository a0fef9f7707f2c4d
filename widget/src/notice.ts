/** Boxes in the log that say what happened, and how to go on. */

import { nameTime } from './days';
import { Icon, icon } from './icons';
import { box, button, type Child, type Shape, shape } from './shape';
import type { ChatState } from './state';
import { fill, Words } from './words';

export function notice(kind: string, picture: Icon, title: string, text: Child[], ...actions: Child[]): Shape {
  const body = box(
    '',
    shape('strong', {}, title),
    shape('p', {}, ...text),
    actions.some(Boolean) && box('row', ...actions),
  );
  return shape('div', { class: kind, role: 'alert' }, icon(picture), body);
}

/** The way to a person, where the server knows one. */
export const talkButton = (state: ChatState) =>
  state.setup.handoff && button({ class: 'button', onclick: state.on.askForPerson }, Words.talkToPerson);

/** Nobody of the team is there: where can the visitor be written to? */
export function awayNotice({ talk, on }: ChatState): Shape {
  const { until, email } = talk.absence ?? {};
  return notice(
    'note info',
    Icon.headset,
    until ? fill('awayUntil', { time: nameTime(until) }) : Words.away,
    [email ? fill('emailKept', { email }) : Words.leaveEmail],
    !email &&
      shape('input', {
        class: 'entry email',
        type: 'email',
        required: true,
        'aria-label': Words.email,
        placeholder: 'you@example.com',
        autocomplete: 'email',
      }),
    !email && button({ class: 'button primary', onclick: on.giveEmail }, Words.sendEmail),
  );
}
