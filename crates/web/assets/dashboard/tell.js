// What is said to operators: to those who listen, and in passing.

const PAUSE = 10_000;

let timer;
let waiting = "";
let lastSaid = 0;

/** Says something to those who listen, at once. */
export function announce(text) {
  const region = document.getElementById("told");
  if (!region) return;
  lastSaid = Date.now();
  region.textContent = "";
  // What is the same text as before is said again.
  setTimeout(() => (region.textContent = text), 50);
}

/** Says something as soon as nothing was said for ten seconds; what is to be said later takes its place. */
export function announceCalmly(text) {
  waiting = text;
  timer ??= setTimeout(
    () => {
      timer = undefined;
      announce(waiting);
    },
    Math.max(0, lastSaid + PAUSE - Date.now()),
  );
}

/** Shows a word that leaves by itself. */
export function toast(text) {
  const element = document.createElement("div");
  element.className = "toast";
  element.append(text);
  document.getElementById("toasts")?.replaceChildren(element);
}
