// The open conversation, as it is said.

import { compose, openForm } from "./compose.js";
import { carryDrafts, listenToLeaving } from "./drafts.js";
import { adoptChildren } from "./page.js";

const AGAIN = 3_000;
const TYPING = 8_000;
/** So near to its end a reader is at the end. */
const NEAR = 40;
/** A page that is not looked at gives its connection back after this long: browsers have few for each host. */
const UNSEEN = 30_000;

let thread;
let log;
let events;
let timer;
let typingTimer;
let unseenTimer;
let isAtEnd = true;
let isTyping = false;
let state;
let readAgain;
/** What came of answers since the last frame. */
const unwritten = new Map();
let frame;

const toTheEnd = () => {
  if (isAtEnd && log) log.scrollTop = log.scrollHeight;
};

function keepingTheEnd(change) {
  change();
  toTheEnd();
}

function refreshIn(pause) {
  timer ??= setTimeout(async () => {
    timer = undefined;
    events?.close();
    if (!(await readAgain())) refreshIn(AGAIN);
  }, pause);
}

function showTyping() {
  const line = log?.querySelector("[data-typing]");
  if (line) keepingTheEnd(() => (line.hidden = !isTyping));
}

function noteTyping(isOn) {
  isTyping = isOn;
  clearTimeout(typingTimer);
  if (isOn) typingTimer = setTimeout(() => noteTyping(false), TYPING);
  showTyping();
}

const answerOf = (id) => log.querySelector(`[data-answer="${CSS.escape(id)}"]`);

/** Writes what has come: once a frame, since each time the whole answer is laid out. */
function write() {
  frame = undefined;
  keepingTheEnd(() => {
    for (const [id, text] of unwritten) {
      const answer = answerOf(id);
      answer?.append(text);
      answer?.normalize();
    }
  });
  unwritten.clear();
}

function hear(event) {
  const { type, messageId, token } = event;
  if (type === "token" && answerOf(messageId)) {
    unwritten.set(messageId, (unwritten.get(messageId) ?? "") + token);
    frame ??= requestAnimationFrame(write);
    return;
  }
  if (event.type === "typing") {
    // What operators type is no news here.
    if (event.role === "user") noteTyping(event.name !== undefined);
    return;
  }
  if (event.type === "state") {
    const next = JSON.stringify({ ...event, cursor: undefined });
    const isFirst = state === undefined;
    const isSame = state === next;
    state = next;
    if (isFirst || isSame) return;
  }
  if (event.type === "message" && event.message?.role === "user") noteTyping(false);
  // What changes together is read together.
  refreshIn(50);
}

function open() {
  events?.close();
  // The page that it goes on from has it.
  unwritten.clear();
  if (!thread?.dataset.events) return;
  state = undefined;
  const current = new EventSource(thread.dataset.events);
  events = current;
  current.addEventListener("message", ({ data }) => current === events && hear(JSON.parse(data)));
  current.addEventListener("error", () => {
    if (current === events && current.readyState === EventSource.CLOSED) refreshIn(AGAIN);
  });
}

/** Follows the conversation that is on the page now. */
export function startThread(read) {
  readAgain = read;
  thread = document.querySelector(".thread[data-events]");
  log = document.querySelector(".th-log");
  clearTimeout(timer);
  timer = undefined;
  isTyping = false;
  if (!log) return events?.close();
  isAtEnd = log.dataset.end !== undefined;
  toTheEnd();
  const mine = log;
  log.addEventListener("scroll", () => {
    if (mine === log) isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR;
  });
  // A phone's keyboard makes the log smaller, which is not the reader who goes up.
  new ResizeObserver(() => mine === log && toTheEnd()).observe(log);
  open();
}

/** Makes the conversation on the page what it is on another; what was sent with it leaves its form empty. */
export function updateThread(page, wasSent) {
  const fresh = page.querySelector(".thread");
  keepingTheEnd(() => {
    for (const part of [".th-h", ".th-log", ".th-notice", ".side"]) {
      const [mine, its] = [document.querySelector(part), page.querySelector(part)];
      if (mine && its) adoptChildren(mine, its);
    }
    const [foot, freshFoot] = [thread.querySelector(".th-foot"), fresh.querySelector(".th-foot")];
    if (foot && freshFoot && (wasSent || foot.dataset.mode !== freshFoot.dataset.mode)) {
      const open = wasSent ? "none" : openForm();
      carryDrafts(foot, freshFoot);
      foot.replaceWith(freshFoot);
      if (open !== "none") compose(open);
    }
    if (wasSent) isAtEnd = true;
  });
  showTyping();
  thread.dataset.events = fresh.dataset.events;
  open();
}

/** Something may have been missed. */
export const catchUpThread = () => thread && refreshIn(50);

export function listenToThread() {
  listenToLeaving();
  addEventListener("pagehide", () => events?.close());
  addEventListener("pageshow", ({ persisted }) => persisted && catchUpThread());
  document.addEventListener("visibilitychange", () => {
    clearTimeout(unseenTimer);
    if (document.hidden) unseenTimer = setTimeout(() => events?.close(), UNSEEN);
    else if (events?.readyState === EventSource.CLOSED) catchUpThread();
  });
}
