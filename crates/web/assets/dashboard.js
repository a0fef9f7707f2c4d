// The dashboard works without this file. It adds what only a browser knows: the reader's time zone, the clipboard, how
// long a pause still lasts; and it shows what is said as it is said.
"use strict";

const MINUTE = 60_000;

/** Times are written by the server in UTC; here they become the reader's own. */
function localizeTimes(root = document) {
  const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
  const day = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
  const date = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
  const whole = new Intl.DateTimeFormat(undefined, { dateStyle: "long", timeStyle: "short" });
  const startOfDay = (moment) => new Date(moment.getFullYear(), moment.getMonth(), moment.getDate()).getTime();
  const now = new Date();
  const daysAgo = (moment) => Math.round((startOfDay(now) - startOfDay(moment)) / (24 * 60 * MINUTE));

  const texts = {
    clock: (moment) => clock.format(moment),
    date: (moment) => date.format(moment),
    day: (moment) => ["Today", "Yesterday"][daysAgo(moment)] ?? day.format(moment),
    ago: (moment) => {
      const minutes = Math.floor((now - moment) / MINUTE);
      if (minutes < 1) return "now";
      if (minutes < 60) return `${minutes} min`;
      if (daysAgo(moment) === 0) return `${Math.floor(minutes / 60)} h`;
      return daysAgo(moment) === 1 ? "yesterday" : date.format(moment);
    },
  };
  for (const element of root.querySelectorAll("time[data-show]")) {
    const moment = new Date(element.dateTime);
    element.textContent = texts[element.dataset.show](moment);
    element.title = whole.format(moment);
  }
}

/** Two messages that the server saw on different days may be of one day here, and the other way round. */
function separateDays(root = document) {
  let last = "";
  for (const separator of root.querySelectorAll(".day")) {
    const text = separator.textContent;
    separator.hidden = text === last;
    last = text;
  }
}

/** A form that is paused counts down and opens by itself. */
function countDown(element) {
  const until = Date.now() + Number(element.dataset.seconds) * 1000;
  const tick = () => {
    const left = Math.max(0, Math.ceil((until - Date.now()) / 1000));
    element.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    if (left > 0) return;
    clearInterval(timer);
    const form = element.closest("form");
    for (const control of form.querySelectorAll("[disabled]")) control.disabled = false;
    element.closest(".alert").hidden = true;
    form.querySelector("input[type=password]").focus();
  };
  const timer = setInterval(tick, 250);
  tick();
}

/** The eye in a password field. */
function offerToShow(button) {
  const field = button.parentElement.querySelector("input");
  button.hidden = false;
  button.addEventListener("click", () => {
    const show = field.type === "password";
    field.type = show ? "text" : "password";
    button.setAttribute("aria-pressed", String(show));
  });
}

/** Buttons that copy the text of the element they name. */
function offerToCopy(button) {
  const label = button.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const text = document.getElementById(button.dataset.copy).textContent;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(document.getElementById(button.dataset.copy));
      button.textContent = "Selected";
    }
    setTimeout(() => (button.textContent = label), 2000);
  });
}

/** A page as a document. A request of this kind parses it without handing markup to a script. */
function readPage(address) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("GET", address);
    request.responseType = "document";
    request.addEventListener("load", () => (request.status === 200 ? resolve(request.response) : reject(request.status)));
    request.addEventListener("error", reject);
    request.send();
  });
}

/** Makes the children of one element those of another, and leaves alone those that are the same. */
function adoptChildren(element, other) {
  const next = [...other.children];
  [...element.children].slice(next.length).forEach((child) => child.remove());
  next.forEach((child, place) => {
    const current = element.children[place];
    if (!current) element.append(child);
    else if (!current.isEqualNode(child)) current.replaceWith(child);
  });
}

/** Keeps the open conversation and the list as they are on the server. */
function followConversation(thread) {
  const AGAIN = 3000;
  const log = thread.querySelector(".th-log");
  let events;
  let timer;

  let isAtEnd = true;
  const toTheEnd = () => {
    if (isAtEnd) log.scrollTop = log.scrollHeight;
  };
  log.addEventListener("scroll", () => (isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40));
  // A phone's keyboard makes the log smaller, which is not the reader who goes up.
  new ResizeObserver(toTheEnd).observe(log);
  const keepingTheEnd = (change) => {
    change();
    toTheEnd();
  };
  const refreshIn = (pause) => {
    timer ??= setTimeout(refresh, pause);
  };
  const refresh = async () => {
    timer = undefined;
    events.close();
    let page;
    try {
      page = await readPage(location.href);
    } catch {
      refreshIn(AGAIN);
      return;
    }
    const next = page.querySelector("[data-events]");
    // Signed out, most likely: the page says so.
    if (!next) return location.reload();
    localizeTimes(page);
    separateDays(page);
    const focused = document.activeElement?.getAttribute("href");
    keepingTheEnd(() => {
      for (const part of [".th-h", ".th-log", ".side", ".ilist ul", ".ilist .col-h"]) {
        const [current, fresh] = [document.querySelector(part), page.querySelector(part)];
        if (current && fresh) adoptChildren(current, fresh);
      }
    });
    if (focused && document.activeElement === document.body) {
      document.querySelector(`.inbox [href="${CSS.escape(focused)}"]`)?.focus();
    }
    thread.dataset.events = next.dataset.events;
    open();
  };
  const open = () => {
    events = new EventSource(thread.dataset.events);
    events.addEventListener("message", ({ data }) => {
      const event = JSON.parse(data);
      const answer = event.type === "token" && log.querySelector(`[data-answer="${CSS.escape(event.messageId)}"]`);
      if (answer) return keepingTheEnd(() => answer.append(event.token));
      if (event.type === "state") return;
      // What changes together is read together.
      refreshIn(50);
    });
    events.addEventListener("error", () => {
      if (events.readyState === EventSource.CLOSED) refreshIn(AGAIN);
    });
  };
  open();
}

localizeTimes();
separateDays();
setInterval(() => localizeTimes(), MINUTE);
document.querySelectorAll("[data-seconds]").forEach(countDown);
document.querySelectorAll("[data-show-password]").forEach(offerToShow);
document.querySelectorAll("[data-copy]").forEach(offerToCopy);
for (const log of document.querySelectorAll("[data-end]")) log.scrollTop = log.scrollHeight;
document.querySelectorAll("[data-events]").forEach(followConversation);
document.querySelector(".ilist [aria-current]")?.scrollIntoView({ block: "nearest" });
