/** The chat on the page: what the visitor does, what that does to the conversation, and what is drawn for it. */

import { copyFrom } from './clipboard';
import { canSend, growField } from './composer';
import type { Config } from './config';
import { createConversation } from './conversation';
import { draw } from './draw';
import type { FrontdeskChat, FrontdeskEvents } from './frontdesk';
import { createLink } from './link';
import { still } from './log';
import { chatShapes } from './panel';
import { createScroll, type Scroll } from './scroll';
import { openSession } from './session';
import { chooseLanguage, completeConfig } from './settings';
import type { ChatState, Handlers } from './state';
import { createTakeover } from './takeover';
import { isOver, type Turn } from './turn';
import { answering, sendAgainIn, speak, type Voice, voiceOf, Words } from './words';

/** Short losses of the connection are nobody's business. */
const BANNER_AFTER = 1500;
/** Longer answers are not read out to the end. */
const SPOKEN = 600;
const NEAR_TOP = 200;

/** What a page can do with a chat while it is there. */
export type ChatControls = Omit<FrontdeskChat, 'destroy' | 'on'>;

/**
 * Draws the chat into `root` and keeps it up to date until `life` ends. Until the first open, that is the launcher alone. `dress`
 * is called when the looks that the configuration asks for have changed.
 */
export function startChat(
  config: Config,
  host: HTMLElement,
  root: HTMLElement,
  life: AbortSignal,
  dress: () => void,
): ChatControls {
  const session = openSession(config);
  const link = createLink(linkChanged, life);
  const conversation = createConversation(config, session, link, changed, life, () => countUnread(0));
  const takeover = createTakeover(host, life);
  let voice: Voice = voiceOf('en', config.words ?? {});
  let isCompleted = false;
  /** Devices whose Enter key had better add a line, and where a focus brings up a keyboard. */
  const touch = matchMedia('(pointer: coarse)');
  /** Turns whose end the visitor has yet to hear of. */
  const active = new Set<Turn>();
  let scroll: Scroll;
  let frame = 0;
  let waitTimer: ReturnType<typeof setTimeout>;
  let linkTimer: ReturnType<typeof setTimeout>;

  const find = (selector: string) => root.querySelector(selector) as HTMLElement;
  const field = () => find('textarea') as HTMLTextAreaElement;
  const focus = (selector: string) => find(selector).focus({ preventScroll: true });
  /** Where a visitor goes on. On a phone the keyboard would cover the greeting, or what was said last. */
  const enter = () => focus(takeover.phone.matches ? 'h2' : 'textarea');

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
      setDraft(session.tab().draft ?? '');
    }
    scroll.follow(find('[aria-busy=true]'), conversation.turns[0]);
    let grew = active.size > 0;
    for (const turn of conversation.turns) {
      if (turn.news) changed();
      if (!isOver(turn) || turn.news) grew = !!active.add(turn);
      else if (active.delete(turn)) finished(turn);
      turn.news = false;
    }
    const missed = !scroll.pinned && (!!state.missed || grew);
    if (missed !== state.missed) changed();
    state.missed = missed;
  }

  /** Says something to people who use a screen reader. */
  function say(text: string) {
    state.said = text;
    changed();
  }

  function setDraft(draft: string) {
    field().value = draft;
    on.typed();
  }

  /** Counts down, once a second, until messages may be sent again. */
  function countDown() {
    const before = state.wait;
    const left = Math.ceil((conversation.waitUntil - Date.now()) / 1000);
    state.wait = left > 0 ? `${Math.floor(left / 60)}:${`${left % 60}`.padStart(2, '0')}` : '';
    clearTimeout(waitTimer);
    if (state.wait) waitTimer = setTimeout(changed, 1000);
    if (!before === !state.wait) return;
    say(state.wait ? sendAgainIn(state.wait) : Words.sendAgain);
    const last = conversation.turns.at(-1);
    if (state.wait && last && !last.accepted && !state.draft) setDraft(last.question);
  }

  function linkChanged() {
    clearTimeout(linkTimer);
    const show = () => {
      speak(voice);
      if (state.built && link.down !== !!state.offline) say(link.down ? Words.offline : Words.online);
      state.offline = link.down;
      changed();
    };
    linkTimer = setTimeout(show, link.down ? BANNER_AFTER : 0);
  }

  /** Tells the page. A listener that throws harms nobody else. */
  function emit<Name extends keyof FrontdeskEvents>(name: Name, detail?: FrontdeskEvents[Name]) {
    host.dispatchEvent(new CustomEvent(name, { detail }));
  }

  const isSeen = () => !!state.isOpen && document.visibilityState !== 'hidden';

  function countUnread(count: number) {
    if (count === (state.unread ?? 0)) return;
    state.unread = count;
    emit('unread', { count });
    changed();
  }

  /** The visitor sees what there is, in this tab and so in all. */
  function markRead() {
    if (!isSeen()) return;
    countUnread(0);
    conversation.tellRead();
  }

  function finished(turn: Turn) {
    if (/^(complete|stopped|cut)$/.test(turn.state)) {
      emit('answer', { id: turn.answerId, text: turn.answer });
      countUnread((state.unread ?? 0) + 1);
      markRead();
    } else emit('error', { reason: turn.state, code: turn.code });
    if (turn.state === 'stopped') say(Words.stopped);
    if (turn.state !== 'complete' && turn.state !== 'cut') return;
    const text = find('.turn:last-child .md').textContent as string;
    say(text.slice(0, SPOKEN) + (text.length > SPOKEN ? Words.answerContinues : ''));
  }

  function open() {
    if (state.isOpen || life.aborted) return;
    state.isOpen = state.built = true;
    if (!config.target) session.updateTab({ open: true });
    if (scroll) scroll.pinned = true;
    redraw();
    if (!config.target) takeover.update(find('.panel'));
    conversation.restore();
    conversation.watch(true);
    if (!isCompleted) complete();
    emit('open');
    markRead();
  }

  /** The site's settings and the words come when a chat is opened for the first time. */
  async function complete() {
    isCompleted = true;
    voice = await completeConfig(config);
    if (life.aborted) return;
    root.lang = voice.language;
    dress();
    changed();
  }

  function close() {
    // What fills a place of the page has nothing to go back to.
    if (!state.isOpen || config.target) return;
    state.isOpen = false;
    conversation.watch(false);
    session.updateTab({ open: false });
    takeover.update();
    redraw();
    focus('.launcher');
    emit('close');
  }

  const on: Handlers = {
    toggle() {
      if (state.isOpen) return close();
      open();
      enter();
    },
    keydown(event) {
      // 229 is what older browsers report while a word is being composed.
      if (event.isComposing || event.keyCode === 229) return;
      if (event.key === 'Escape') {
        event.stopPropagation();
        if (state.asking) on.keep();
        else close();
      }
      if (event.key !== 'Enter' || event.shiftKey || event.target !== field() || touch.matches) return;
      event.preventDefault();
      if (!conversation.isBusy()) on.submit();
    },
    newConversation() {
      if (!conversation.turns.length) return enter();
      state.asking = true;
      redraw();
      focus('.sheet .primary');
    },
    keep() {
      state.asking = false;
      redraw();
      focus('header button');
    },
    startOver() {
      conversation.startOver();
      scroll.pinned = true;
      on.keep();
      enter();
    },
    tryNow: link.retryNow,
    scrolled() {
      scroll.moved();
      if (state.missed && scroll.pinned) changed();
      if (find('.log').scrollTop < NEAR_TOP) conversation.loadOlder();
    },
    jump() {
      scroll.pinned = scroll.all = true;
      find('.log').scrollTo({ top: 1e9, behavior: still.matches ? 'auto' : 'smooth' });
      enter();
    },
    typed() {
      growField(field());
      state.draft = field().value;
      session.updateTab({ draft: state.draft });
      changed();
    },
    submit() {
      if (!touch.matches) focus('textarea');
      if (conversation.isBusy()) return conversation.stop();
      if (!canSend(state)) return;
      const text = state.draft.trim();
      conversation.send(text);
      active.add(conversation.turns.at(-1) as Turn);
      setDraft('');
      goOn();
      emit('message', { text });
    },
    retry(turn) {
      conversation.retry(turn);
      // The button that was pressed will be gone.
      focus('.log');
      goOn();
    },
    copy(button, text) {
      // Where the page forbids copying, the missing tick says so.
      copyFrom(button, text).then(
        () => {
          speak(voice);
          say(Words.copied);
        },
        () => {},
      );
    },
    copyCode(event) {
      const button = (event.target as Element).closest<HTMLElement>('figure button');
      if (button) on.copy(button, button.closest('figure')?.querySelector('code')?.textContent ?? '');
    },
  };

  function goOn() {
    scroll.pinned = true;
    scroll.all = false;
    speak(voice);
    say(answering(config.title));
  }

  const state: ChatState = { config, conversation, on, wait: '', draft: '' };
  root.lang = 'en';
  // Where the language is the page's, so is the direction.
  if (config.locale) root.dir = /^(ar|he)$/.test(chooseLanguage(config.locale)[1] ?? '') ? 'rtl' : 'ltr';
  redraw();
  document.addEventListener('visibilitychange', markRead, { signal: life });
  life.addEventListener('abort', () => {
    cancelAnimationFrame(frame);
    clearTimeout(waitTimer);
    clearTimeout(linkTimer);
    takeover.update();
  });
  // A visitor who had the chat open in this tab finds it open again, but keeps the focus where the page put it.
  const tab = session.tab();
  if (tab.open || config.target) open();

  return {
    open() {
      if (state.isOpen) return;
      open();
      enter();
    },
    close,
    toggle: on.toggle,
    send(text) {
      open();
      setDraft(text);
      if (!conversation.isBusy()) on.submit();
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
