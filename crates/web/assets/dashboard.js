// The dashboard works without this file. It adds what only a browser knows: the reader's time zone, the clipboard, and
// how long a pause still lasts.
"use strict";

const MINUTE = 60_000;

/** Times are written by the server in UTC; here they become the reader's own. */
function localizeTimes() {
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
  for (const element of document.querySelectorAll("time[data-show]")) {
    const moment = new Date(element.dateTime);
    element.textContent = texts[element.dataset.show](moment);
    element.title = whole.format(moment);
  }
}

/** Two messages that the server saw on different days may be of one day here, and the other way round. */
function separateDays() {
  let last = "";
  for (const separator of document.querySelectorAll(".day")) {
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

localizeTimes();
separateDays();
setInterval(localizeTimes, MINUTE);
document.querySelectorAll("[data-seconds]").forEach(countDown);
document.querySelectorAll("[data-show-password]").forEach(offerToShow);
document.querySelectorAll("[data-copy]").forEach(offerToCopy);
for (const log of document.querySelectorAll("[data-end]")) log.scrollTop = log.scrollHeight;
document.querySelector(".ilist [aria-current]")?.scrollIntoView({ block: "nearest" });
