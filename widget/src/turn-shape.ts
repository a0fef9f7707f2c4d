/** The shape of one turn: the visitor's bubble, the answer, and whatever has to be said about either. */

import { actionsShape, feedbackForm } from './actions';
import { sourceList } from './citations';
import { nameTime } from './days';
import { Icon, icon } from './icons';
import { notice, talkButton } from './notice';
import { byline, eventLine, eventText } from './people';
import { box, button, type Child, type Shape, shape } from './shape';
import type { ChatState } from './state';
import { isOver, personOf, type Turn } from './turn';
import { answering, Words } from './words';

/** Where a turn stands in the log. */
export interface Place {
  /** The name of the day, where the turn begins one. */
  day: string | false;
  /** It is the newest. */
  isLast: boolean;
  /** It is the newest that a person has read. */
  isRead: boolean;
  /** It is a person's message that goes on with the one before. */
  goesOn: boolean;
}

/** `answer` is its text as it is to be shown now. */
export function turnShape(
  turn: Turn,
  answer: Child[],
  { day, isLast, isRead, goesOn }: Place,
  state: ChatState,
): Shape {
  const { title } = state.setup;
  const { stage, person, takenFrom: sources = [] } = turn;
  const note = stage === 'stopped' ? Words.stopped : stage === 'cut' && Words.lengthLimit;
  const over = isOver(turn);
  const shown = answer[0];
  const isSaid = shown || note;
  return box(
    goesOn ? 'turn on' : 'turn',
    day && shape('div', { class: 'day', role: 'separator' }, shape('span', {}, day)),
    turn.happened && eventLine(eventText(turn, title), turn.happened === 'asked' ? Icon.headset : Icon.person),
    turn.question && questionShape(turn, isRead, state),
    person
      ? shown && personsShape(turn, person, answer, goesOn)
      : isSaid &&
          shape(
            'article',
            { 'aria-label': title, 'aria-busy': `${!over}` },
            byline(title, person, Words.ai),
            box('md', ...answer),
            over && sources[0] && sourceList(sources),
            over && shown && !sources[0] && turn.takenFrom && talkButton(state),
            (note || stage === 'complete') && actionsShape(turn, note, state),
            turn.askingWhy && feedbackForm(turn, state),
          ),
    // A person does not answer at once, nor surely.
    !over && !shown && stage !== 'queueing' && !personOf(state.talk.turns) && typingShape(answering(title)),
    troubleShape(turn, isLast, state),
  );
}

/** Somebody is writing. */
export const typingShape = (text: string) => box('typing', shape('i'), shape('i'), shape('i'), text);

function questionShape(turn: Turn, isRead: boolean, state: ChatState): Shape {
  const stage = turn.stage;
  const unsent = isOver(turn) && !turn.accepted;
  const queued = stage === 'queueing' && state.cutOff;
  const sending = stage === 'sending' && !turn.accepted;
  return shape(
    'article',
    { class: `me ${unsent ? 'unsent' : queued ? 'queued' : sending ? 'sending' : ''}`, 'aria-label': Words.you },
    shape('div', { class: 'bubble', dir: 'auto' }, turn.question),
    unsent &&
      box(
        'meta bad',
        icon(Icon.alert),
        state.countdown ? Words.notSentYet : Words.notSent,
        stage !== 'refused' && retryButton(turn, '', state),
      ),
    queued && box('meta', icon(Icon.clock), Words.willSend),
    isRead && box('meta', Words.seen),
  );
}

function personsShape(turn: Turn, person: string, text: Child[], goesOn: boolean): Shape {
  return shape(
    'article',
    { class: 'them', 'aria-label': person },
    !goesOn && byline(person, person, nameTime(turn.askedAt)),
    box('md bubble', ...text),
  );
}

/** What went wrong with the answer, and the ways forward. */
function troubleShape(turn: Turn, last: boolean, state: ChatState): Child {
  const stage = turn.stage;
  if (stage === 'limited')
    return (
      state.countdown &&
      notice('note warn', Icon.clock, Words.limitedTitle, [
        Words.limitedBefore,
        shape('b', {}, state.countdown),
        Words.limitedAfter,
      ])
    );
  const failed = stage === 'failed';
  return (
    (failed || stage === 'interrupted') &&
    notice(
      'note',
      Icon.alert,
      failed ? Words.failedTitle : Words.brokeOff,
      [failed && Words.failedText],
      last && !turn.final && retryButton(turn, 'button primary', state, icon(Icon.again)),
      last && talkButton(state),
    )
  );
}

const retryButton = (turn: Turn, className: string, state: ChatState, ...face: Child[]): Child =>
  !state.countdown && button({ class: className, onclick: () => state.on.askAgain(turn) }, ...face, Words.tryAgain);
