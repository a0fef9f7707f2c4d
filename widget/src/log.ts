/** The log as a shape: a turn is shaped again only when something about it has changed. */

import { cite } from './citations';
import { nameDay, startOfToday } from './days';
import { Icon, icon } from './icons';
import { outward, safeAddress } from './markdown/links';
import { createReader, type MarkdownReader } from './markdown/stream';
import { awayNotice, notice } from './notice';
import { avatar, goesOn } from './people';
import { box, button, type Child, type Shape, shape } from './shape';
import type { ChatState } from './state';
import { isOver, isPersons, personOf, type Turn } from './turn';
import { type Place, turnShape, typingShape } from './turn-shape';
import { fill, typing, Words } from './words';

/** What was shaped for a turn, and how far its text was read. */
interface Memory {
  read: MarkdownReader;
  length: number;
  text: Child[];
  face?: string;
  shape?: Shape;
}

const MOST_SUGGESTIONS = 4;

/** Whether the visitor would rather have nothing move. */
export const still = globalThis.matchMedia?.('(prefers-reduced-motion: reduce)');

export function logShape(state: ChatState): Shape {
  const { conversation, on } = state;
  const { turns, loading, refused } = conversation;
  const empty = !turns.length && !refused;
  const today = startOfToday();
  let day = '';
  const shapes = turns.map((turn, index) => {
    const before = day;
    day = nameDay(turn.askedAt, today);
    const place = {
      day: day !== before && day,
      last: index === turns.length - 1,
      goesOn: day === before && isPersons(turn) && goesOn(turn, turns[index - 1]),
    };
    return recall(turn, place, state);
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
      inert: !!state.asking,
      onscroll: on.scrolled,
    },
    box('', ...shapes),
    empty && (loading ? skeleton() : welcome(state)),
    refused &&
      notice('note warn', Icon.alert, Words.refusedTitle, [
        Words.refusedBefore,
        shape('b', {}, location.host),
        Words.refusedAfter,
      ]),
    conversation.away && !personOf(turns) && awayNotice(state),
    state.failed && notice('note', Icon.alert, Words.notDone, [Words.notDoneText]),
    conversation.typing && typingShape(typing(conversation.typing)),
  );
}

function welcome({ config, on }: ChatState): Shape {
  const suggestions = (config.suggestions ?? []).slice(0, MOST_SUGGESTIONS);
  const policy = safeAddress(config.privacyUrl ?? '');
  const link = shape('a', outward(policy ?? ''), Words.privacyPolicy);
  return box(
    'welcome',
    avatar(),
    shape('h3', { dir: 'auto' }, config.welcomeMessage),
    shape('p', {}, fill(Words.introduction, { title: config.title })),
    config.privacyText && shape('p', { class: 'legal', dir: 'auto' }, config.privacyText, ' ', policy && link),
    suggestions.length > 0 &&
      shape(
        'ul',
        { 'aria-label': Words.suggestions },
        ...suggestions.map((question) =>
          shape(
            'li',
            {},
            button({ onclick: () => on.suggest(question) }, shape('span', {}, question), icon(Icon.arrowUp)),
          ),
        ),
      ),
  );
}

/** As large as messages are, so that nothing jumps when they come. */
const skeleton = () =>
  shape('div', { class: 'skeleton', role: 'img', 'aria-label': Words.loading }, ...Array(4).fill(shape('i')));

function recall(turn: Turn, place: Place, state: ChatState): Shape {
  turn.memory ??= { read: createReader(state.config.imageHosts), length: 0, text: [] };
  const memory = turn.memory as Memory;
  const over = isOver(turn);
  // Text that moves too much appears by the paragraph.
  const end = over || !still.matches ? turn.answer.length : turn.answer.lastIndexOf('\n\n') + 1;
  const face = [
    turn.state,
    turn.accepted,
    turn.seen,
    turn.rating,
    turn.thanks,
    turn.form,
    turn.reason,
    end,
    ...Object.values(place),
    state.offline,
    state.wait,
  ].join();
  if (face !== memory.face) {
    if (end > memory.length) memory.text = memory.read(turn.answer.slice(memory.length, end));
    if (end && over) memory.text = cite(memory.read(), turn.sources ?? []);
    memory.length = end;
    memory.face = face;
    memory.shape = turnShape(turn, memory.text, place, state);
  }
  return memory.shape as Shape;
}
