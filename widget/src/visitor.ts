/** What a visitor asks of the server besides answers: ratings, a transcript, deletion, a person. */

import type { Feedback, Problem } from './api';
import type { ChatState, Handlers } from './state';
import type { Rating, Turn } from './turn';
import { fill, Words } from './words';

/** What of the page these handlers need. */
export interface Stage {
  redraw(): void;
  changed(): void;
  /** Says something to people who use a screen reader. */
  say(text: string): void;
  focus(selector: string): void;
  find(selector: string): HTMLElement;
  /** Puts the focus where a visitor goes on. */
  enter(): void;
  closeMenu(): void;
  startOver(): void;
  /** Remembers whether the visitor wants sounds. */
  remember(quiet: boolean): void;
}

type Doing =
  | 'giveOpinion'
  | 'blame'
  | 'closeForm'
  | 'keepTranscript'
  | 'toggleSound'
  | 'askErase'
  | 'goAhead'
  | 'askForPerson'
  | 'giveEmail';

export function visitorHandlers(state: ChatState, stage: Stage): Pick<Handlers, Doing> {
  const { redraw, changed, say, focus, find, enter, closeMenu } = stage;
  const server = () => state.talk.server();
  /** Ratings reach the server in the order in which they were given. */
  let rated = Promise.resolve();

  /** Shows the visitor if something could not be done. */
  async function attempt(doing: Promise<unknown>, undo = () => {}) {
    state.failed = false;
    changed();
    try {
      await doing;
    } catch {
      undo();
      state.failed = true;
    }
    changed();
  }

  function sendRating(turn: Turn, feedback: Feedback, before: Rating | undefined) {
    const { sendOpinion } = server();
    turn.thankedWith = feedback.rating && (turn.askingWhy ? Words.noted : Words.thanks);
    say(turn.thankedWith || Words.ratingRemoved);
    const sent = rated.then(() => sendOpinion(turn.answerId, feedback));
    rated = attempt(sent, () => {
      turn.opinion = before;
      turn.thankedWith = null;
      turn.askingWhy = false;
    });
  }

  async function erase() {
    await server().erase();
    stage.startOver();
    say(Words.deleted);
  }

  async function handOff(email?: string) {
    try {
      await state.talk.handOff(email);
      if (email) say(fill('emailKept', { email }));
    } catch (problem) {
      if ((problem as Problem).status !== 404) throw problem;
      // An older server has nobody to ask, but its assistant may know a way.
      state.on.suggest(Words.talkToPerson);
    }
  }

  return {
    giveOpinion(turn, chosen) {
      const before = turn.opinion;
      const rating = before === chosen ? null : chosen;
      turn.opinion = rating;
      turn.askingWhy = rating === 'down';
      turn.blamedOn = undefined;
      sendRating(turn, { rating }, before);
    },
    blame(turn, reason) {
      turn.blamedOn = turn.blamedOn === reason ? undefined : reason;
      changed();
    },
    closeForm(turn, send) {
      const { blamedOn: reason } = turn;
      const comment = (find('.form textarea') as HTMLTextAreaElement).value.trim() || undefined;
      turn.askingWhy = false;
      if (send && (reason || comment)) sendRating(turn, { rating: 'down', reason, comment }, 'down');
      // The button that was pressed will be gone.
      focus('article:has(.form) .down');
      redraw();
    },
    keepTranscript() {
      closeMenu();
      attempt(server().transcript().then(save));
    },
    toggleSound() {
      state.muted = !state.muted;
      stage.remember(state.muted);
      changed();
    },
    askForPerson() {
      state.menu = false;
      enter();
      attempt(handOff());
    },
    giveEmail() {
      const input = find('.email') as HTMLInputElement;
      if (input.reportValidity()) attempt(handOff(input.value));
    },
    askErase() {
      closeMenu();
      state.asking = 'erase';
      redraw();
      focus('.sheet button');
    },
    goAhead() {
      if (state.asking !== 'erase') return stage.startOver();
      state.asking = undefined;
      attempt(erase());
      focus('.more');
    },
  };
}

/** Hands a file to the browser. */
function save(content: Blob): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content);
  link.download = `${location.hostname || 'chat'}-${new Date().toISOString().slice(0, 10)}.md`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
