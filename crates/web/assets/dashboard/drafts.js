// What was typed and not sent yet. The server keeps it, so that it is there on every device.

const PAUSE = 800;
const AGAIN = 5_000;

/** The fields whose text is not saved yet, each with what will have it saved. */
const waiting = new Map();
/** What was typed last is saved last. */
let saving = Promise.resolve();

function say(field, isSaved) {
  const line = field.form.querySelector("[data-saved]");
  if (line) line.hidden = !isSaved || field.value.trim() === "";
}

async function save(field) {
  clearTimeout(waiting.get(field));
  const { value: text, form, name: kind } = field;
  const body = new URLSearchParams({ kind, text, key: form.elements.key.value });
  let isOver = false;
  try {
    const { status } = await fetch(form.dataset.drafts, { method: "POST", body, keepalive: true });
    // What is refused will be refused again; it stays in its field.
    isOver = status < 500;
    if (status === 204 && field.value === text) say(field, true);
  } catch {
    // The server is away, and the text is still in its field.
  }
  if (field.value !== text || !waiting.has(field)) return;
  if (isOver) waiting.delete(field);
  else saveIn(field, AGAIN);
}

function saveIn(field, pause) {
  clearTimeout(waiting.get(field));
  waiting.set(
    field,
    setTimeout(() => (saving = saving.then(() => save(field))), pause),
  );
}

/** Something was typed. */
export function noteDraft(field) {
  say(field, false);
  saveIn(field, PAUSE);
}

/** What was sent is no draft any more. */
export function forgetDrafts(form) {
  for (const field of form.querySelectorAll("[data-draft]")) {
    clearTimeout(waiting.get(field));
    waiting.delete(field);
    field.value = "";
  }
}

/** Saves what is not saved yet, now. */
export function saveDrafts() {
  for (const field of [...waiting.keys()]) save(field);
}

/** Keeps what is typed in fields that others take the place of. */
export function carryDrafts(from, to) {
  for (const field of from.querySelectorAll("[data-draft]")) {
    const next = to.querySelector(`#${CSS.escape(field.id)}`);
    if (!next) continue;
    next.value = field.value;
    if (waiting.has(field)) noteDraft(next);
    clearTimeout(waiting.get(field));
    waiting.delete(field);
  }
  saveDrafts();
}

export function listenToLeaving() {
  // The first comes before the next page is asked for, which is to have it in it; phones only know the others.
  addEventListener("beforeunload", saveDrafts);
  addEventListener("pagehide", saveDrafts);
  document.addEventListener("visibilitychange", () => document.hidden && saveDrafts());
}
