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
  readOn: MarkdownReader;
  taken: number;
  shapes: Child[];
  look?: string;
  drawn?: Shape;
}

const MOST_SUGGESTIONS = 4;

/** Whether the visitor would rather have nothing move. */
export const still = globalThis.matchMedia?.('(prefers-reduced-motion: reduce)');

export function logShape(state: ChatState): Shape {
  const { talk, on } = state;
  const { turns, isLoading, refused } = talk;
  const empty = !turns[0] && !refused;
  const awaited = isLoading || (state.fetching && !state.setup.welcomeMessage);
  const today = startOfToday();
  let day = '';
  // Who looks on while the AI answers is nobody's business.
  const read = personOf(turns) && turns.findLast((turn) => turn.wasSeen);
  const shapes = turns.map((turn, index) => {
    const before = day;
    day = nameDay(turn.askedAt, today);
    const place = {
      day: day !== before && day,
      isLast: index === turns.length - 1,
      isRead: turn === read,
      goesOn: day === before && isPersons(turn) && goesOn(turn, turns[index - 1]),
    };
    return recall(turn, place, state);
  });
  return shape(
    'div',
    {
      class: empty && !awaited ? 'log hello' : 'log',
      role: 'log',
      // The status region says what is worth hearing, once and whole; this would read out every token.
      'aria-live': 'off',
      'aria-label': Words.conversation,
      tabindex: '0',
      inert: !!state.asking,
      onscroll: on.scrolled,
    },
    box('', ...shapes),
    empty && (awaited ? skeleton() : welcome(state)),
    refused &&
      notice('note warn', Icon.alert, Words.refusedTitle, [
        Words.refusedBefore,
        shape('b', {}, location.host),
        Words.refusedAfter,
      ]),
    talk.absence && !personOf(turns) && awayNotice(state),
    state.failed && notice('note', Icon.alert, Words.notDone, [Words.notDoneText]),
    talk.writer && typingShape(typing(talk.writer)),
  );
}

function welcome({ setup, on }: ChatState): Shape {
  const suggestions = (setup.suggestions ?? []).slice(0, MOST_SUGGESTIONS);
  const policy = safeAddress(setup.privacyUrl ?? '');
  const link = shape('a', outward(policy ?? ''), Words.privacyPolicy);
  return box(
    'welcome',
    avatar(),
    setup.welcomeMessage && shape('h3', { dir: 'auto' }, setup.welcomeMessage),
    shape('p', {}, fill('introduction', { title: setup.title })),
    setup.privacyText && shape('p', { class: 'legal', dir: 'auto' }, setup.privacyText, ' ', policy && link),
    suggestions[0] &&
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
  turn.kept ??= { readOn: createReader(state.setup.imageHosts), taken: 0, shapes: [] };
  const memory = turn.kept as Memory;
  const over = isOver(turn);
  // Text that moves too much appears by the paragraph.
  const end = over || !still.matches ? turn.replyText.length : turn.replyText.lastIndexOf('\n\n') + 1;
  const face = [
    turn.stage,
    turn.accepted,
    turn.opinion,
    turn.thankedWith,
    turn.askingWhy,
    turn.blamedOn,
    end,
    ...Object.values(place),
    state.cutOff,
    state.countdown,
  ].join();
  if (face !== memory.look) {
    if (end > memory.taken) memory.shapes = memory.readOn(turn.replyText.slice(memory.taken, end));
    if (end && over) memory.shapes = cite(memory.readOn(), turn.takenFrom ?? []);
    memory.taken = end;
    memory.look = face;
    memory.drawn = turnShape(turn, memory.shapes, place, state);
  }
  return memory.drawn as Shape;
}
