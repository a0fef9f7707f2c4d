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
  | 'rate'
  | 'blame'
  | 'closeForm'
  | 'saveTranscript'
  | 'toggleSound'
  | 'askErase'
  | 'confirm'
  | 'askForPerson'
  | 'giveEmail';

export function visitorHandlers(state: ChatState, stage: Stage): Pick<Handlers, Doing> {
  const { redraw, changed, say, focus, find, enter, closeMenu } = stage;
  const server = () => state.conversation.server();
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
    const { rate } = server();
    turn.thanks = feedback.rating && (turn.form ? Words.noted : Words.thanks);
    say(turn.thanks || Words.ratingRemoved);
    const sent = rated.then(() => rate(turn.answerId, feedback));
    rated = attempt(sent, () => {
      turn.rating = before;
      turn.thanks = null;
      turn.form = false;
    });
  }

  async function erase() {
    await server().erase();
    stage.startOver();
    say(Words.deleted);
  }

  async function handOff(email?: string) {
    try {
      await state.conversation.handOff(email);
      if (email) say(fill(Words.emailKept, { email }));
    } catch (problem) {
      if ((problem as Problem).status !== 404) throw problem;
      // An older server has nobody to ask, but its assistant may know a way.
      state.on.suggest(Words.talkToPerson);
    }
  }

  return {
    rate(turn, chosen) {
      const before = turn.rating;
      const rating = before === chosen ? null : chosen;
      turn.rating = rating;
      turn.form = rating === 'down';
      turn.reason = undefined;
      sendRating(turn, { rating }, before);
    },
    blame(turn, reason) {
      turn.reason = turn.reason === reason ? undefined : reason;
      changed();
    },
    closeForm(turn, send) {
      const { reason } = turn;
      const comment = (find('.form textarea') as HTMLTextAreaElement).value.trim() || undefined;
      turn.form = false;
      if (send && (reason || comment)) sendRating(turn, { rating: 'down', reason, comment }, 'down');
      // The button that was pressed will be gone.
      focus('article:has(.form) .down');
      redraw();
    },
    saveTranscript() {
      closeMenu();
      attempt(server().transcript().then(save));
    },
    toggleSound() {
      state.quiet = !state.quiet;
      stage.remember(state.quiet);
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
    confirm() {
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
