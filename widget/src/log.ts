/** The log as a shape: a turn is shaped again only when something about it has changed. */

import { nameDay } from './days';
import { Icon } from './icons';
import { createReader, type MarkdownReader } from './markdown/stream';
import { box, type Child, type Shape, shape } from './shape';
import type { ChatState } from './state';
import { isOver, type Turn } from './turn';
import { avatar, notice, turnShape } from './turn-shape';
import { introduction, language, Words } from './words';

/** What was shaped for a turn, and how far its text was read. */
interface Memory {
  read: MarkdownReader;
  length: number;
  text: Child[];
  face?: string;
  shape?: Shape;
}

/** Whether the visitor would rather have nothing move. */
export const still = globalThis.matchMedia?.('(prefers-reduced-motion: reduce)');

export function logShape(state: ChatState): Shape {
  const { config, on } = state;
  const { turns, loading, refused } = state.conversation;
  const empty = !turns.length && !refused;
  let day = '';
  const shapes = turns.map((turn, index) => {
    const before = day;
    day = nameDay(turn.askedAt);
    return recall(turn, day !== before && day, index === turns.length - 1, state);
  });
  return shape(
    'div',
    {
      class: empty && !loading ? 'log hello' : 'log',
      role: 'log',
      // The status region says what is worth hearing, once and whole; this would read out every token.
      'aria-live': 'off',
      'aria-label': Words.conversation,
      tabindex: '0',
      inert: state.asking,
      onscroll: on.scrolled,
      onclick: on.copyCode,
    },
    box('', ...shapes),
    empty &&
      !loading &&
      box(
        'welcome',
        avatar(),
        shape('h3', { dir: 'auto' }, config.welcomeMessage),
        shape('p', {}, introduction(config.title)),
      ),
    refused &&
      notice('note warn', Icon.alert, Words.refusedTitle, [
        Words.refusedBefore,
        shape('b', {}, location.host),
        Words.refusedAfter,
      ]),
  );
}

function recall(turn: Turn, day: string | false, last: boolean, state: ChatState): Shape {
  turn.memory ??= { read: createReader(), length: 0, text: [] };
  const memory = turn.memory as Memory;
  const over = isOver(turn);
  // Text that moves too much appears by the paragraph.
  const end = over || !still.matches ? turn.answer.length : turn.answer.lastIndexOf('\n\n') + 1;
  const face = [
    turn.state,
    turn.accepted,
    end,
    day,
    last,
    state.offline,
    state.wait,
    language,
    state.config.title,
  ].join();
  if (face !== memory.face) {
    if (end > memory.length) memory.text = memory.read(turn.answer.slice(memory.length, end));
    if (end && over) memory.text = memory.read();
    memory.length = end;
    memory.face = face;
    memory.shape = turnShape(turn, memory.text, day, last, state);
  }
  return memory.shape as Shape;
}
