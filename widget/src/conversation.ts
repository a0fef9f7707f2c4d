/**
 * The conversation as this page knows it: its turns, what still has to be sent, and what was said before. Draws nothing; calls
 * `changed` whenever there is something new to draw.
 */

import { type Api, createApi, isRefusal, type Problem } from './api';
import type { Config } from './config';
import { type Exchange, startExchange } from './exchange';
import type { Link } from './link';
import { randomId, type Session } from './session';
import { newTurn, type Turn, turnsOf } from './turn';

export interface Conversation {
  readonly turns: readonly Turn[];
  /** What was said before is being fetched. */
  readonly loading: boolean;
  /** This site or key may not chat. */
  readonly refused: boolean;
  /** After too many messages, the time from which the next may be sent. */
  readonly waitUntil: number;
  /** An answer is on its way, so the next message has to wait. */
  isBusy(): boolean;
  send(question: string): void;
  retry(turn: Turn): void;
  stop(): void;
  /** Ends this conversation; the next message begins another one. */
  startOver(): void;
  /** Brings back what was said before; does nothing if that was done. */
  restore(): void;
  loadOlder(): void;
}

const HISTORY_TRIES = 5;

export function createConversation(config: Config, session: Session, link: Link, changed: () => void): Conversation {
  const turns: Turn[] = [];
  const queue: Turn[] = [];
  const state = { turns, loading: false, refused: false, waitUntil: 0 };
  let api: Api | undefined;
  let exchange: Exchange | undefined;
  let restored: Promise<void> | undefined;
  let olderCursor = '';
  let remembered = '';

  function update() {
    state.refused ||= turns.some((turn) => turn.state === 'refused');
    // What the server has not confirmed survives a reload in this tab.
    const unsent = turns.filter((turn) => !turn.accepted);
    const keys = unsent.map((turn) => turn.key).join();
    if (keys !== remembered) session.updateTab({ unsent });
    remembered = keys;
    changed();
  }

  /** Sends what is waiting, one after the other: the server answers one message of a conversation at a time. */
  async function work() {
    const [turn] = queue;
    if (!turn) return;
    api ??= createApi(config, session.ensure(), link);
    const mine = api;
    await restored;
    if (exchange || mine !== api) return;
    exchange = startExchange(turn, mine, link, update);
    const seconds = await exchange.finished;
    if (mine !== api) return;
    exchange = undefined;
    queue.shift();
    if (seconds) {
      state.waitUntil = Date.now() + seconds * 1000;
      for (const waiting of queue.splice(0)) waiting.state = 'limited';
      update();
    }
    work();
  }

  function enqueue(turn: Turn) {
    if (queue.includes(turn)) return;
    if (turn.state !== 'streaming') turn.state = queue.length ? 'queueing' : 'sending';
    queue.push(turn);
    update();
    work();
  }

  /** Fetches a page of history and puts its turns before those that are there. False if there is none to be had. */
  async function load(source: Api): Promise<boolean> {
    for (let failures = 1; ; failures++) {
      try {
        const page = await source.history(olderCursor);
        if (api !== source) return false;
        olderCursor = page.nextCursor ?? '';
        const earlier = turnsOf(page.messages);
        const last = earlier.at(-1);
        // The answer to a question at the end of an older page stands at the start of the newer one.
        if (last && !last.answerId && turns[0]?.accepted) last.state = 'complete';
        turns.unshift(...earlier);
        return true;
      } catch (error) {
        const problem = error as Problem;
        state.refused ||= isRefusal(problem);
        if (problem.status === 404 || state.refused || failures > HISTORY_TRIES || api !== source) return false;
        await link.pause(failures, problem.retryAfter);
      }
    }
  }

  async function bringBack(source: Api): Promise<void> {
    const { unsent = [] } = session.tab();
    state.loading = true;
    update();
    const loaded = await load(source);
    if (api !== source) return;
    state.loading = false;
    if (!loaded) restored = undefined;
    const running = turns.find((turn) => turn.state === 'streaming');
    if (running) enqueue(running);
    for (const { key, question, askedAt } of unsent) {
      if (turns.some((turn) => turn.key === key)) continue;
      const turn = newTurn(key, question, askedAt);
      turns.push(turn);
      enqueue(turn);
    }
    update();
  }

  return Object.assign(state, {
    isBusy: () => !!exchange && ['sending', 'waiting', 'streaming'].includes(queue[0]?.state as string),
    send(question: string) {
      const last = turns.at(-1);
      if (last && !last.accepted && !queue.includes(last)) {
        // The same words are the same message: sent again under its own key, it cannot arrive twice.
        if (last.question === question) return enqueue(last);
        // They were put back into the composer, and changed there.
        if (last.state === 'limited') turns.pop();
      }
      const turn = newTurn(randomId(16), question, Date.now());
      turns.push(turn);
      enqueue(turn);
    },
    retry: enqueue,
    stop: () => exchange?.stop(),
    startOver() {
      exchange?.stop();
      exchange = api = restored = undefined;
      olderCursor = '';
      state.loading = false;
      turns.length = queue.length = 0;
      session.forget();
      update();
    },
    restore() {
      const identity = session.current();
      if (!identity || restored || turns.length) return;
      api = createApi(config, identity, link);
      restored = bringBack(api);
    },
    async loadOlder() {
      if (!olderCursor || !api || state.loading) return;
      state.loading = true;
      await load(api);
      state.loading = false;
      update();
    },
  });
}
