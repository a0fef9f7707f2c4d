// Writing to a visitor: the two forms, canned replies, and telling that somebody is typing.

import { noteDraft } from "./drafts.js";

const TYPING_EVERY = 4_000;
const MOST_OFFERED = 8;

let toldAt = 0;

const foot = () => document.querySelector(".th-foot");

/** Which of the two forms lies open, or `none`. */
export const openForm = () => foot()?.dataset.open ?? "none";

/** Opens one of the two forms, or `none`. They are two, so that a note is never sent. */
export function compose(name) {
  const form = foot()?.querySelector(`[data-form="${name}"]`);
  if (!foot() || (name !== "none" && !form)) return;
  foot().dataset.open = name;
  if (form) form.querySelector("textarea").focus();
  else foot().querySelector("[data-control] [data-compose]")?.focus();
}

/** Without a script the address says which form lies open; with one it would for ever. */
function takeOverFromAddress() {
  const asked = location.hash.slice(1);
  if (!foot() || !["reply", "note", "control"].includes(asked)) return;
  location.replace("#");
  compose(asked);
}

function tellTyping(field, isTyping) {
  const address = field.form.dataset.typing;
  if (!address || (isTyping && Date.now() - toldAt < TYPING_EVERY)) return;
  toldAt = isTyping ? Date.now() : 0;
  // Nothing is lost if it does not arrive.
  fetch(address, { method: "POST", body: new URLSearchParams({ typing: isTyping }), keepalive: true }).catch(() => {});
}

const offer = () => document.getElementById("canned");

function closeOffer(field) {
  offer()?.remove();
  field.removeAttribute("aria-controls");
  field.removeAttribute("aria-activedescendant");
}

/** The word that begins with a slash and ends at the cursor. */
const asked = (field) => /(?:^|\s)\/([^\s/]*)$/.exec(field.value.slice(0, field.selectionStart))?.[1];

function insert(field, text) {
  const word = asked(field);
  const from = word === undefined ? field.selectionStart : field.selectionStart - word.length - 1;
  field.setRangeText(text, from, field.selectionEnd, "end");
  closeOffer(field);
  field.focus();
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

function choose(field, option) {
  for (const other of offer().children) other.setAttribute("aria-selected", String(other === option));
  field.setAttribute("aria-activedescendant", option.id);
  option.scrollIntoView({ block: "nearest" });
}

/** Shows the canned replies that begin with what was typed after a slash. */
function offerReplies(field) {
  const word = asked(field);
  const all = [...field.form.querySelectorAll("[name=canned] option[data-text]")];
  const found = word === undefined ? [] : all.filter(({ value }) => value.startsWith(word.toLowerCase()));
  closeOffer(field);
  if (found.length === 0) return;
  const list = document.createElement("ul");
  list.id = "canned";
  list.className = "canned";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Canned replies");
  found.slice(0, MOST_OFFERED).forEach(({ value, dataset }, place) => {
    const option = document.createElement("li");
    option.id = `canned-${place}`;
    option.setAttribute("role", "option");
    option.dataset.text = dataset.text;
    const [name, text] = [document.createElement("b"), document.createElement("span")];
    name.textContent = `/${value}`;
    text.textContent = dataset.text;
    option.append(name, text);
    // Before the field loses the focus.
    option.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      insert(field, dataset.text);
    });
    list.append(option);
  });
  field.form.append(list);
  field.setAttribute("aria-controls", "canned");
  choose(field, list.firstElementChild);
}

function steer(event, field) {
  const options = [...offer().children];
  const chosen = options.findIndex((option) => option.getAttribute("aria-selected") === "true");
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) choose(field, options[(chosen + step + options.length) % options.length]);
  else if (event.key === "Enter" || event.key === "Tab") insert(field, options[chosen].dataset.text);
  else if (event.key === "Escape") closeOffer(field);
  else return;
  event.preventDefault();
}

const isField = (target) => target.dataset?.draft !== undefined;

export function listenToFields() {
  takeOverFromAddress();
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-compose], .menu [data-key=n]");
    const isPlain = !event.ctrlKey && !event.metaKey && !event.shiftKey;
    if (!link || !isPlain || !document.querySelector("[data-compose-box]")) return;
    event.preventDefault();
    compose(link.dataset.compose ?? "note");
  });
  document.addEventListener("input", ({ target }) => {
    if (!isField(target)) return;
    noteDraft(target);
    tellTyping(target, target.value.trim() !== "");
    offerReplies(target);
  });
  document.addEventListener(
    "keydown",
    (event) => {
      const isSending = event.ctrlKey || event.metaKey;
      if (isField(event.target) && offer() && !isSending && !event.isComposing) steer(event, event.target);
    },
    { capture: true },
  );
  document.addEventListener("focusout", ({ target }) => isField(target) && closeOffer(target));
  document.addEventListener("change", ({ target }) => {
    if (target.name === "canned") {
      const [text, field] = [target.selectedOptions[0]?.dataset.text, target.form.querySelector("textarea")];
      target.selectedIndex = 0;
      if (text) insert(field, text);
    }
  });
}
