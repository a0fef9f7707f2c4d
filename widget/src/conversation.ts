/**
 * The conversation as this page knows it: its turns, what still has to be sent, what was said before, and what comes in from
 * elsewhere. Draws nothing; calls `changed` whenever there is something new to draw.
 */

import { type Api, createApi, isRefusal, type Problem } from './api';
import type { Config } from './config';
import { type Exchange, startExchange } from './exchange';
import { type FeedEvent, followFeed, mergeMessage } from './feed';
import type { Link } from './link';
import { type Identity, randomId, type Session } from './session';
import { joinTabs, type Word } from './tabs';
import { newTurn, personOf, type Turn, turnsOf } from './turn';

export interface Conversation {
  readonly turns: readonly Turn[];
  /** What was said before is being fetched. */
  readonly isLoading: boolean;
  /** This site or key may not chat. */
  readonly refused: boolean;
  /** After too many messages, the time from which the next may be sent. */
  readonly waitUntil: number;
  /** The person who is writing just now. */
  readonly writer?: string;
  /** The visitor has asked for a person when none was there: until when, and the address that they left. */
  readonly absence?: { until?: string | null; email?: string };
  /** The server, on behalf of this visitor, who gets an identity if there is none yet. */
  server(): Api;
  /** An answer is on its way, so the next message has to wait. */
  isBusy(): boolean;
  submit(question: string): void;
  askAgain(turn: Turn): void;
  /** Takes a message back that has not been sent. */
  withdraw(turn: Turn): void;
  halt(): void;
  /** Ends this conversation; the next message begins another one. */
  startOver(): void;
  /** Brings back what was said before; does nothing if that was done. */
  restore(): void;
  loadOlder(): void;
  /** Whether the visitor has the chat open: then what is said elsewhere comes in as it is said. */
  attendTo(open: boolean): void;
  /** Asks for a person; again with an address to write to. */
  handOff(email?: string): Promise<void>;
  /** Whether there is something in the field; a person who is answering sees that. */
  typed(isTyping: boolean): void;
  /** Tells the visitor's other tabs that they have seen what there is. */
  tellRead(): void;
}

const HISTORY_TRIES = 5;
/** Whoever has been writing for so long without a new sign of it has stopped. */
const TYPING_LASTS = 8000;
/** How often a sign of it is given at most. */
const TYPING_EVERY = 3000;

/** Until `life` ends. `read` is called when the visitor has seen everything in another tab. */
export function createConversation(
  config: Config,
  session: Session,
  link: Link,
  changed: () => void,
  life: AbortSignal,
  read: () => void,
): Conversation {
  const turns: Turn[] = [];
  const queue: Turn[] = [];
  const state = {
    turns,
    isLoading: false,
    refused: false,
    waitUntil: 0,
    writer: undefined as Conversation['writer'],
    absence: undefined as Conversation['absence'],
  };
  let api: Api | undefined;
  /** In whose name `api` speaks. */
  let identity: Identity | undefined;
  let exchange: Exchange | undefined;
  let restored: Promise<void> | undefined;
  let olderCursor = '';
  let remembered = '';
  /** Where the feed goes on. */
  let cursor: string | undefined;
  let feed: AbortController | undefined;
  let isWatched = false;
  /** Somebody else than the assistant is answering, whose words may come at any time. */
  let isHandedOver = false;
  /** Something was said here since the feed said that we have everything. */
  let isBehind = false;
  let hasFeed = true;
  let typedAt = 0;
  let typingTimer: ReturnType<typeof setTimeout>;
  let tellTabs: ((word: Word) => void) | undefined;

  function update() {
    state.refused ||= turns.some((turn) => turn.stage === 'refused');
    // What the server has not confirmed survives a reload in this tab.
    const unsent = turns.filter((turn) => !turn.accepted);
    const keys = unsent.map((turn) => turn.key).join();
    if (keys !== remembered) session.updateTab({ unsent });
    remembered = keys;
    changed();
  }

  function server(): Api {
    if (!api) {
      identity = session.ensure();
      api = createApi(config, identity, link, () => session.token);
    }
    return api;
  }

  const running = () => turns.find((turn) => turn.stage === 'streaming');
  const carried = () => (exchange ? queue[0] : undefined);

  /** Sends what is waiting, one after the other: the server answers one message of a conversation at a time. */
  async function work() {
    const [turn] = queue;
    if (!turn) return;
    const mine = server();
    await restored;
    if (exchange || mine !== api || life.aborted) return;
    exchange = startExchange(turn, mine, link, update);
    isBehind = true;
    attend();
    const seconds = await exchange.ended;
    if (mine !== api) return;
    exchange = undefined;
    queue.shift();
    if (seconds) {
      state.waitUntil = Date.now() + seconds * 1000;
      for (const waiting of queue.splice(0)) waiting.stage = 'limited';
      update();
    }
    work();
    attend();
  }

  function enqueue(turn: Turn) {
    if (queue.includes(turn)) return;
    if (turn.stage !== 'streaming') turn.stage = queue.length ? 'queueing' : 'sending';
    queue.push(turn);
    update();
    work();
  }

  /** Fetches a page of history and puts its turns before those that are there. False if there is none to be had. */
  async function load(source: Api): Promise<boolean> {
    for (let failures = 1; ; failures++) {
      try {
        const page = await source.fetchPage(olderCursor);
        if (api !== source) return false;
        cursor ??= page.eventsCursor ?? undefined;
        olderCursor = page.nextCursor ?? '';
        const earlier = turnsOf(page.messages);
        const last = earlier.at(-1);
        // The answer to a question at the end of an older page stands at the start of the newer one.
        if (last && !last.answerId && turns[0]?.accepted) last.stage = 'complete';
        turns.unshift(...earlier);
        return true;
      } catch (error) {
        const problem = error as Problem;
        state.refused ||= isRefusal(problem);
        if (problem.status === 404 || state.refused || failures > HISTORY_TRIES || api !== source) return false;
        await link.holdOn(failures, problem.retryAfter);
      }
    }
  }

  async function bringBack(source: Api): Promise<void> {
    const { unsent = [], away } = session.tabState();
    state.absence = away;
    state.isLoading = true;
    update();
    const loaded = await load(source);
    if (api !== source) return;
    state.isLoading = false;
    if (!loaded) restored = undefined;
    const begun = running();
    if (begun) enqueue(begun);
    for (const { key, question, askedAt } of unsent) {
      if (turns.some((turn) => turn.key === key)) continue;
      const turn = newTurn(key, question, askedAt);
      turns.push(turn);
      enqueue(turn);
    }
    update();
    attend();
  }

  /** Follows the feed while somebody looks or a person may write, and otherwise up to the end of what was begun here. */
  function attend() {
    const isSeen = isWatched && !document.hidden;
    // Whoever asked for a person may be answered at any time.
    const isAsked = turns.findLast((turn) => turn.happened)?.happened === 'asked';
    const wanted = tellTabs && api && !queue.length && !state.isLoading && !life.aborted && hasFeed;
    if (!wanted || !(isSeen || isHandedOver || isAsked || isBehind)) {
      feed?.abort();
      feed = undefined;
      return;
    }
    if (feed) return;
    const source = server();
    const mine = new AbortController();
    feed = mine;
    const follow = async () => {
      hasFeed = await followFeed(source, link, cursor, mine.signal, hear);
    };
    // Browsers have few connections for one host, so of all the tabs that nobody looks at, one follows and tells the others.
    const { signal } = mine;
    if (isSeen || isBehind) follow();
    else navigator.locks?.request(session.name, { signal }, follow).catch(() => {});
  }

  /** Takes what the feed says. */
  function hear(event: FeedEvent) {
    cursor = event.cursor ?? cursor;
    if (event.type === 'message') {
      mergeMessage(turns, event.message, carried());
      tell({ message: event.message });
    } else if (event.type === 'token') {
      const turn = turns.find((other) => other.answerId === event.messageId);
      if (turn && event.seq > turn.reached) {
        turn.replyText += event.token;
        turn.reached = event.seq;
      }
    } else if (event.type === 'state') {
      isHandedOver = !!event.answering && event.answering.role !== 'assistant';
      isBehind = false;
      attend();
    } else if (event.type === 'typing') setTyping(event.name);
    else if (event.type === 'reset') {
      const kept = turns.filter((turn) => !turn.accepted || turn === carried());
      turns.splice(0, turns.length, ...kept);
      cursor = undefined;
      olderCursor = '';
    }
    update();
  }

  function setTyping(name?: string | null) {
    state.writer = name ?? undefined;
    clearTimeout(typingTimer);
    if (name) typingTimer = setTimeout(setTyping, TYPING_LASTS);
    changed();
  }

  function tell(word: Omit<Word, 'id'>) {
    const id = session.current()?.id;
    if (id) tellTabs?.({ id, ...word });
  }

  /** Takes what another tab says. */
  function overhear({ id, message, over, read: seen }: Word) {
    if (over && api && id === identity?.id) {
      clear();
      session.forget(true);
      update();
    }
    if (id !== session.current()?.id) return;
    if (seen) read();
    if (!message) return;
    // What we do not know from the start we had better ask the server.
    if (!api) conversation.restore();
    else if (!state.isLoading) mergeMessage(turns, message, carried());
    update();
  }

  /** Forgets what was said. */
  function clear() {
    exchange = api = restored = cursor = state.absence = undefined;
    olderCursor = '';
    isHandedOver = isBehind = state.isLoading = false;
    turns.length = queue.length = 0;
    session.updateTab({ away: undefined });
    attend();
  }

  life.addEventListener('abort', () => {
    clearTimeout(typingTimer);
    exchange?.leave();
    attend();
  });

  const conversation: Conversation = Object.assign(state, {
    server,
    isBusy: () => (!!exchange && /^(sending|waiting|streaming)$/.test(queue[0]?.stage as string)) || !!running(),
    submit(question: string) {
      const last = turns.at(-1);
      if (last && !last.accepted && !queue.includes(last)) {
        // The same words are the same message: sent again under its own key, it cannot arrive twice.
        if (last.question === question) return enqueue(last);
        // They were put back into the composer, and changed there.
        if (last.stage === 'limited') turns.pop();
      }
      const turn = newTurn(randomId(16), question, Date.now());
      turns.push(turn);
      enqueue(turn);
    },
    askAgain: enqueue,
    withdraw(turn: Turn) {
      // The one in front is being tried: that ends here, and the next one's turn comes.
      if (queue[0] === turn) {
        exchange?.halt();
        link.retryNow();
      } else if (queue.includes(turn)) queue.splice(queue.indexOf(turn), 1);
      turns.splice(turns.indexOf(turn), 1);
      update();
    },
    halt() {
      const begun = running();
      if (exchange) exchange.halt();
      else if (begun)
        server()
          .halt(begun.answerId)
          .catch(() => {});
    },
    startOver() {
      exchange?.halt();
      tell({ over: true });
      clear();
      session.forget();
      update();
    },
    restore() {
      if (!session.current() || restored || turns.length) return;
      restored = bringBack(server());
    },
    async loadOlder() {
      if (!olderCursor || !api || state.isLoading) return;
      state.isLoading = true;
      await load(api);
      state.isLoading = false;
      update();
      attend();
    },
    attendTo(open: boolean) {
      isWatched = open;
      if (!tellTabs) {
        tellTabs = joinTabs(session.name, life, overhear);
        const look = () => {
          feed?.abort();
          feed = undefined;
          attend();
        };
        document.addEventListener('visibilitychange', look, { signal: life });
      }
      attend();
    },
    async handOff(email?: string) {
      const { status, until } = await server().handOff(email);
      state.absence = status === 'away' || email ? { until, email } : undefined;
      session.updateTab({ away: email ? undefined : state.absence });
      // What the log says of it comes with the feed.
      isBehind = true;
      attend();
    },
    typed(isTyping: boolean) {
      const now = Date.now();
      if (isTyping ? now - typedAt < TYPING_EVERY || !personOf(turns) : !typedAt) return;
      typedAt = isTyping ? now : 0;
      server()
        .tellTyping(isTyping)
        .catch(() => {});
    },
    tellRead: () => tell({ read: true }),
  });
  return conversation;
}
