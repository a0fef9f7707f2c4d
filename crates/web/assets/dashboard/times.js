// Times are written by the server in UTC; only a browser knows the reader's own zone.

export const MINUTE = 60_000;

// Made once: making one takes longer than using it a hundred times.
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const date = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: "long", timeStyle: "short" });
const languages = new Intl.DisplayNames(undefined, { type: "language" });

/** Times are written by the server in UTC; here they become the reader's own. */
export function localizeTimes(root = document) {
  const startOfDay = (moment) => new Date(moment.getFullYear(), moment.getMonth(), moment.getDate()).getTime();
  const now = new Date();
  const daysAgo = (moment) => Math.round((startOfDay(now) - startOfDay(moment)) / (24 * 60 * MINUTE));

  const texts = {
    clock: (moment) => clock.format(moment),
    date: (moment) => date.format(moment),
    whole: (moment) => whole.format(moment),
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
  for (const element of root.querySelectorAll("[data-language]")) {
    try {
      element.textContent = languages.of(element.dataset.language);
    } catch {
      // It is no name of a language, and stays as it is.
    }
  }
}

/** Two messages that the server saw on different days may be of one day here, and the other way round. */
export function separateDays(root = document) {
  let last = "";
  for (const separator of root.querySelectorAll(".day")) {
    const text = separator.textContent;
    separator.hidden = text === last;
    last = text;
  }
}
