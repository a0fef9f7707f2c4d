// The stream of what happens in the inbox, and what is shown of its state. Browsers have few connections for each host: of all
// tabs one listens and tells the others, and when it goes another takes its place.

const CHECK = 5_000;
/** The server says something every fifteen seconds. After this long the connection is dead, whatever the browser thinks. */
const SILENCE = 40_000;
const PATIENCE = 15_000;
const POLL = 30_000;
const AGAIN = 3_000;

let source;
let heardAt = 0;
let lostAt = 0;
let polledAt = 0;
let listener;
let hasHeard = false;
/** What a tab that has just come is told. */
let latest;
/** Ends this tab's part in it. */
let leaving;

/** To the other tabs; where tabs cannot agree on one that listens, each does. */
const tabs = navigator.locks && "BroadcastChannel" in window ? new BroadcastChannel("frontdesk-inbox") : undefined;

function show() {
  const element = document.querySelector("[data-live]");
  if (!element) return;
  const isLost = lostAt > 0;
  const isOffline = isLost && Date.now() - lostAt > PATIENCE;
  const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
  const text = isOffline ? `Offline since ${clock.format(lostAt)}` : isLost ? "Reconnecting…" : "Live";
  const kind = isOffline ? "dot--bad" : isLost ? "dot--warn" : "dot--live";
  element.hidden = false;
  element.firstElementChild.className = `dot ${kind}`;
  if (element.lastElementChild.textContent !== text) element.lastElementChild.textContent = text;
}

function lose() {
  lostAt ||= Date.now();
  show();
}

/** Takes what happened, whichever tab has heard it. */
function take(event) {
  const wasLost = lostAt > 0;
  heardAt = Date.now();
  lostAt = 0;
  hasHeard = true;
  show();
  if (wasLost) listener.catchUp();
  listener.hear(event);
}

function open() {
  source?.close();
  heardAt = Date.now();
  const current = new EventSource("/events");
  source = current;
  let isBeginning = false;
  current.addEventListener("open", () => (isBeginning = true));
  current.addEventListener("message", ({ data }) => {
    const event = JSON.parse(data);
    // Of what happened before a stream began nobody was told.
    if (isBeginning && hasHeard) event.type = "missed";
    isBeginning = false;
    if (event.needsPerson !== undefined) latest = { type: "alive", needsPerson: event.needsPerson };
    tabs?.postMessage(event);
    take(event);
  });
  current.addEventListener("error", () => {
    lose();
    tabs?.postMessage({ type: "lost" });
    if (current.readyState !== EventSource.CLOSED) return;
    // Signed out, most likely: reading the page shows it.
    listener.catchUp();
    setTimeout(() => current === source && open(), AGAIN);
  });
}

/** Hears what the tab that listens tells. */
function overhear({ data }) {
  if (data.type === "hello") {
    if (source && latest) tabs.postMessage(latest);
  } else if (source) return;
  else if (data.type === "lost") lose();
  else take(data);
}

function join() {
  heardAt = Date.now();
  if (!tabs) return open();
  leaving = new AbortController();
  const { signal } = leaving;
  const listen = () => {
    open();
    return new Promise((leave) => signal.addEventListener("abort", leave));
  };
  // Who leaves while waiting has nothing to end.
  navigator.locks.request("frontdesk-inbox", { signal }, listen).catch(() => {});
  tabs.postMessage({ type: "hello" });
}

function leave() {
  leaving?.abort();
  source?.close();
  source = undefined;
}

function check() {
  if (Date.now() - heardAt > SILENCE) {
    lose();
    open();
  }
  if (lostAt && Date.now() - polledAt > POLL && Date.now() - lostAt > PATIENCE) {
    polledAt = Date.now();
    listener.catchUp();
  }
  show();
}

/** Listens to the inbox: `hear` is given each event, `catchUp` is called when something may have been missed. */
export function listenToInbox(hear, catchUp) {
  listener = { hear, catchUp };
  tabs?.addEventListener("message", overhear);
  join();
  setInterval(check, CHECK);
  addEventListener("offline", lose);
  addEventListener("online", () => source && open());
  // Back from sleep, or from the browser's memory of pages.
  addEventListener("pageshow", ({ persisted }) => persisted && join());
  document.addEventListener("visibilitychange", () => !document.hidden && check());
  addEventListener("pagehide", leave);
}
