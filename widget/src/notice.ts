/** Boxes in the log that say what happened, and how to go on. */

import { type Icon, icon } from './icons';
import { box, button, type Child, type Shape, shape } from './shape';
import type { ChatState } from './state';
import { Words } from './words';

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
export const talkButton = ({ config, on }: ChatState) =>
  config.handoff && button({ class: 'button', onclick: on.askForPerson }, Words.talkToPerson);
