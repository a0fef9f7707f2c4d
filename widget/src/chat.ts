/** The chat on the page: what the visitor does, what that does to the conversation, and what is drawn for it. */

import { copyFrom } from './clipboard';
import { canSend, growField } from './composer';
import type { Config } from './config';
import { createConversation } from './conversation';
import { draw } from './draw';
import type { FrontdeskChat, FrontdeskEvents } from './frontdesk';
import { createLink } from './link';
import { still } from './log';
import { moveInMenu } from './menu';
import { chatShapes } from './panel';
import { eventText } from './people';
import { createScroll, type Scroll } from './scroll';
import { openSession } from './session';
import { createCompletion } from './settings';
import { chime } from './sound';
import type { ChatState, Handlers } from './state';
import { createTakeover } from './takeover';
import { isOver, isPersons, personOf, type Turn } from './turn';
import { type Stage, visitorHandlers } from './visitor';
import { answering, sendAgainIn, speak, typing, type Voice, Words } from './words';

/** Short losses of the connection are nobody's business. */
const BANNER_AFTER = 1500;
/** Longer answers are not read out to the end. */
const SPOKEN = 600;
const NEAR_TOP = 200;
/** For so long the panel stays back for words and looks that are on their way. */
const HOLD_BACK = 400;
/** How long a person's message is shown beside the launcher. */
const PEEK_FOR = 10_000;

/** What a page can do with a chat while it is there. */
export type ChatControls = Omit<FrontdeskChat, 'destroy' | 'on'>;

/**
 * Draws the chat into `root` and keeps it up to date until `life` ends. Until the first open, that is the launcher alone. `dress`
 * is called when the looks that the configuration asks for have changed, `furnish` before there is more than the launcher.
 */
export function startChat(
  config: Config,
  host: HTMLElement,
  root: HTMLElement,
  life: AbortSignal,
  dress: () => void,
  furnish: () => void,
): ChatControls {
  const session = openSession(config);
  const link = createLink(linkChanged, life);
  const conversation = createConversation(config, session, link, changed, life, () => countUnread(0));
  const takeover = createTakeover(host, close, life);
  const completeConfig = createCompletion(config, wear);
  let voice: Voice = { language: 'en', words: config.words ?? {} };
  /** Devices whose Enter key had better add a line, and where a focus brings up a keyboard. */
  const touch = matchMedia('(pointer: coarse)');
  /** Turns whose end the visitor has yet to hear of. */
  const active = new Set<Turn>();
  let scroll: Scroll;
  /** The first one that came in while the chat was closed. */
  let firstUnread: Turn | undefined;
  /** Who was writing when that was last said. */
  let wrote: string | undefined;
  let frame = 0;
  let peekTimer: ReturnType<typeof setTimeout>;
  let waitTimer: ReturnType<typeof setTimeout>;
  let linkTimer: ReturnType<typeof setTimeout>;

  const find = (selector: string) => root.querySelector(selector) as HTMLElement;
  const field = () => find('.field textarea') as HTMLTextAreaElement;
  const focus = (selector: string) => find(selector).focus({ preventScroll: true });
  /** Where a visitor goes on. On a phone the keyboard would cover the greeting, or what was said last. */
  const enter = () => focus(takeover.smallScreen.matches ? 'h2' : '.field textarea');

  /** However much has changed, it is drawn once a frame. */
  function changed() {
    if (!frame && !life.aborted) frame = requestAnimationFrame(redraw);
  }

  function redraw() {
    frame = 0;
    speak(voice);
    countDown();
    draw(root, chatShapes(state));
    if (!state.built) return;
    if (!scroll) {
      scroll = createScroll(find('.log'));
      const resized = new ResizeObserver(changed);
      resized.observe(find('.log'));
      life.addEventListener('abort', () => resized.disconnect());
      setDraft(session.tabState().draft ?? '');
    }
    scroll.follow(find('[aria-busy=true]'), conversation.turns[0]);
    const heard: string[] = [];
    let { missed } = state;
    if (active.size) missed ??= 0;
    for (const turn of conversation.turns) {
      const { news } = turn;
      if (news) changed();
      if (news && isPersons(turn)) missed = (missed ?? 0) + 1;
      if (!isOver(turn) || news) active.add(turn);
      else if (active.delete(turn)) heard.push(finished(turn));
      turn.news = false;
    }
    if (scroll.pinned) missed = undefined;
    if (missed !== state.missed) changed();
    state.missed = missed;
    if (conversation.writer !== wrote) {
      wrote = conversation.writer;
      heard.push(wrote ? typing(wrote) : '');
    }
    const text = heard.filter(Boolean).join(' ');
    if (text) say(text);
  }

  /** Says something to people who use a screen reader. */
  function say(text: string) {
    // The same words again are said again only if something about them has changed.
    state.said = text === state.said ? `${text}\u00a0` : text;
    changed();
  }

  function setDraft(draft: string) {
    field().value = draft;
    on.typed();
  }

  /** Counts down, once a second, until messages may be sent again. */
  function countDown() {
    const before = state.countdown;
    const left = conversation.waitUntil - Date.now();
    // From `00:00:42` on, without what says nothing: `0:42`.
    state.countdown =
      left > 0
        ? new Date(left + 999)
            .toISOString()
            .slice(11, 19)
            .replace(/^[0:]{3,4}/, '')
        : '';
    clearTimeout(waitTimer);
    if (state.countdown) waitTimer = setTimeout(changed, 1000);
    if (!before === !state.countdown) return;
    say(state.countdown ? sendAgainIn(state.countdown) : Words.sendAgain);
    const last = conversation.turns.at(-1);
    if (state.countdown && last && !last.accepted && !state.written) setDraft(last.question);
  }

  function linkChanged() {
    clearTimeout(linkTimer);
    const show = () => {
      speak(voice);
      if (state.built && link.down !== !!state.cutOff) say(link.down ? Words.offline : Words.online);
      state.cutOff = link.down;
      if (state.built && !link.down) complete();
      changed();
    };
    linkTimer = setTimeout(show, link.down ? BANNER_AFTER : 0);
  }

  /** Tells the page. A listener that throws harms nobody else. */
  function emit<Name extends keyof FrontdeskEvents>(name: Name, detail?: FrontdeskEvents[Name]) {
    host.dispatchEvent(new CustomEvent(name, { detail }));
  }

  const isSeen = () => !!state.isOpen && !document.hidden;

  function countUnread(count: number) {
    if (count === state.newCount) return;
    state.newCount = count;
    emit('unread', { count });
    changed();
  }

  /** The visitor sees what there is, in this tab and so in all. */
  function markRead() {
    if (!isSeen()) return;
    countUnread(0);
    conversation.tellRead();
  }

  /** Somebody else has said or done something. Gives what people who use a screen reader should hear of it. */
  function finished(turn: Turn): string {
    const { stage, replyText, person } = turn;
    if (turn.happened) return eventText(turn, config.title);
    if (!/^(complete|stopped|cut)$/.test(stage)) {
      emit('error', { reason: stage, code: turn.trouble });
      return '';
    }
    // A message that a person will answer.
    if (!replyText && stage === 'complete') return '';
    emit('answer', { id: turn.answerId, text: replyText });
    if (!state.isOpen) firstUnread ??= turn;
    if (!isSeen() && !state.muted) chime();
    if (!state.isOpen && person) {
      state.peek = turn;
      awaitPeek();
    }
    countUnread(state.newCount + 1);
    markRead();
    if (stage === 'stopped') return Words.stopped;
    const text = person ? `${person}: ${replyText}` : (find('.turn:last-child .md').textContent as string);
    return text.slice(0, SPOKEN) + (text.length > SPOKEN ? Words.answerContinues : '');
  }

  /** Lets the message beside the launcher go after a while, but not while the visitor is at it. */
  function awaitPeek() {
    clearTimeout(peekTimer);
    peekTimer = setTimeout(() => (find('.peek:is(:hover, :focus-within)') ? awaitPeek() : on.closePeek()), PEEK_FOR);
  }

  function open() {
    if (state.isOpen || life.aborted) return;
    state.waiting = !state.built;
    if (!state.built) furnish();
    complete();
    state.isOpen = state.built = true;
    state.peek = undefined;
    if (!config.target) session.updateTab({ open: true });
    if (scroll) scroll.pinned = true;
    redraw();
    if (!config.target) takeover.fillWith(find('.panel'));
    const unread = find('.log').firstElementChild?.children[conversation.turns.indexOf(firstUnread as Turn)];
    if (unread) scroll.bringUp(unread);
    firstUnread = undefined;
    conversation.restore();
    conversation.attendTo(true);
    emit('open');
    markRead();
  }

  /** The site's settings and the words come when a chat is opened, or else when it is opened again or the server is back. */
  function complete() {
    state.fetching = true;
    const show = () => {
      state.waiting = false;
      changed();
    };
    setTimeout(show, HOLD_BACK);
    completeConfig().then(() => {
      state.fetching = false;
      show();
    });
  }

  /** Other words, another name, other hosts whose images are shown: everything is shaped anew. */
  function wear(found: Voice) {
    voice = found;
    for (const turn of conversation.turns) turn.kept = undefined;
    root.lang = voice.language;
    dress();
    changed();
  }

  function close() {
    // What fills a place of the page has nothing to go back to.
    if (!state.isOpen || config.target) return;
    state.isOpen = state.menu = false;
    conversation.attendTo(false);
    session.updateTab({ open: false });
    takeover.fillWith();
    redraw();
    focus('.launcher');
    emit('close');
  }

  const state = {
    setup: config,
    talk: conversation,
    countdown: '',
    written: '',
    newCount: 0,
    muted: session.tabState().quiet,
  } as ChatState;
  const stage: Stage = {
    redraw,
    changed,
    say,
    focus,
    find,
    enter,
    closeMenu() {
      state.menu = false;
      redraw();
      focus('.more');
    },
    startOver() {
      conversation.startOver();
      scroll.pinned = true;
      state.asking = undefined;
      redraw();
      enter();
    },
    remember: (quiet) => session.updateTab({ quiet }),
  };
  const on: Handlers = {
    openOrClose() {
      if (state.isOpen) return close();
      open();
      enter();
    },
    keydown(event) {
      // 229 is what older browsers report while a word is being composed.
      if (event.isComposing || event.keyCode === 229) return;
      const { key, target } = event;
      if (key === 'Escape') {
        event.stopPropagation();
        const form = (target as Element).closest('.form');
        if (state.menu) stage.closeMenu();
        else if (state.asking) on.keep();
        else if (form) form.querySelector('button')?.click();
        else close();
      }
      if (state.menu) {
        if (key === 'Tab') stage.closeMenu();
        else if (moveInMenu(find('.menu'), event)) event.preventDefault();
      }
      if (key === 'Enter' && target === find('.email')) on.giveEmail();
      if (target !== field()) return;
      if (key === 'ArrowUp' && !state.written) editLast(event);
      if (key !== 'Enter' || event.shiftKey || touch.matches) return;
      event.preventDefault();
      if (!conversation.isBusy()) on.sendOrStop();
    },
    clicked(event) {
      const target = event.target as Element;
      if (state.menu && !target.closest('.menu, .more')) {
        state.menu = false;
        changed();
      }
      const button = target.closest<HTMLElement>('figure button');
      if (button) on.copyText(button, button.closest('figure')?.lastChild?.textContent as string);
    },
    toggleMenu() {
      if (state.menu) return stage.closeMenu();
      state.menu = true;
      redraw();
      focus('.menu button');
    },
    askStartOver() {
      if (!conversation.turns.length) return enter();
      state.asking = 'startOver';
      redraw();
      focus('.sheet .primary');
    },
    keep() {
      const back = state.asking === 'erase' ? '.more' : 'header button';
      state.asking = undefined;
      redraw();
      focus(back);
    },
    reconnect: link.retryNow,
    scrolled() {
      scroll.moved();
      if (state.missed && scroll.pinned) changed();
      if (find('.log').scrollTop < NEAR_TOP) conversation.loadOlder();
    },
    jump() {
      scroll.pinned = scroll.toEnd = true;
      find('.log').scrollTo({ top: 1e9, behavior: still.matches ? 'auto' : 'smooth' });
      enter();
    },
    typed() {
      growField(field());
      state.written = field().value;
      session.updateTab({ draft: state.written });
      conversation.typed(!!state.written);
      changed();
    },
    sendOrStop() {
      if (!touch.matches) focus('.field textarea');
      if (conversation.isBusy()) return conversation.halt();
      if (!canSend(state)) return;
      const text = state.written.trim();
      setDraft('');
      ask(text);
    },
    askAgain(turn) {
      conversation.askAgain(turn);
      // The button that was pressed will be gone.
      focus('.log');
      goOn();
    },
    copyText(button, text) {
      // Where the page forbids copying, the missing tick says so.
      copyFrom(button, text).then(
        () => {
          speak(voice);
          say(Words.copied);
        },
        () => {},
      );
    },
    suggest(question) {
      state.menu = false;
      enter();
      ask(question);
    },
    closePeek() {
      state.peek = undefined;
      changed();
    },
    ...visitorHandlers(state, stage),
  };

  /** Puts the last message that was not sent back into the field. */
  function editLast(event: Event) {
    const last = conversation.turns.findLast(
      (turn) => !turn.accepted && ['unsent', 'limited', 'queueing'].includes(turn.stage),
    );
    if (!last) return;
    event.preventDefault();
    conversation.withdraw(last);
    setDraft(last.question);
  }

  function ask(text: string) {
    conversation.submit(text);
    active.add(conversation.turns.at(-1) as Turn);
    goOn();
    emit('message', { text });
  }

  function goOn() {
    scroll.pinned = true;
    scroll.toEnd = false;
    say(personOf(conversation.turns) ? '' : answering(config.title));
  }

  state.on = on;
  // Several chats may speak several languages.
  for (const act of ['click', 'keydown']) root.addEventListener(act, () => speak(voice), true);
  root.lang = 'en';
  // Where the language is the page's, so is the direction.
  if (config.locale) root.dir = /^(ar|he)\b/i.test(config.locale) ? 'rtl' : 'ltr';
  redraw();
  document.addEventListener('visibilitychange', markRead, { signal: life });
  life.addEventListener('abort', () => {
    cancelAnimationFrame(frame);
    for (const timer of [waitTimer, linkTimer, peekTimer]) clearTimeout(timer);
    takeover.fillWith();
  });
  // A visitor who had the chat open in this tab finds it open again, but keeps the focus where the page put it.
  const tab = session.tabState();
  if (tab.open || config.target) open();

  return {
    open() {
      if (!state.isOpen) on.openOrClose();
    },
    close,
    toggle: on.openOrClose,
    send(text) {
      open();
      setDraft(text);
      if (!conversation.isBusy()) on.sendOrStop();
    },
    identify({ token = '' } = {}) {
      session.token = token;
    },
    reset() {
      conversation.startOver();
      countUnread(0);
    },
    consent(given) {
      session.consent(given);
      if (state.isOpen) conversation.restore();
    },
  };
}
