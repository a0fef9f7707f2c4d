// The stream of what happens in the inbox, and what is shown of its state.

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

function open() {
  source?.close();
  heardAt = Date.now();
  const current = new EventSource("/events");
  source = current;
  current.addEventListener("message", ({ data }) => {
    const wasLost = lostAt > 0;
    heardAt = Date.now();
    lostAt = 0;
    show();
    if (wasLost) listener.catchUp();
    listener.hear(JSON.parse(data));
  });
  current.addEventListener("error", () => {
    lose();
    if (current.readyState !== EventSource.CLOSED) return;
    // Signed out, most likely: reading the page shows it.
    listener.catchUp();
    setTimeout(() => current === source && open(), AGAIN);
  });
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
  open();
  setInterval(check, CHECK);
  addEventListener("offline", lose);
  addEventListener("online", open);
  // Back from sleep, or from the browser's memory of pages.
  addEventListener("pageshow", ({ persisted }) => persisted && open());
  document.addEventListener("visibilitychange", () => !document.hidden && check());
  addEventListener("pagehide", () => source.close());
}
