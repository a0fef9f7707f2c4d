// The keyboard map. A key presses the element that names it in `data-key`.

import { closeInnermost } from "./dialogs.js";
import { isOn } from "./settings.js";

const FIELDS = "textarea, select, input:not([type=checkbox], [type=radio], [type=submit])";
const NEXT_KEY = 1500;

let begun = "";
let timer;

function press(key) {
  const named = [...document.querySelectorAll(`[data-key="${CSS.escape(key)}"]`)];
  const element = named.find((it) => it.checkVisibility()) ?? named.find((it) => it.closest(".menu"));
  if (!element) return false;
  if (element.matches(FIELDS)) element.focus();
  else element.click();
  return true;
}

/** Moves through the list. */
function move(step) {
  const rows = [...document.querySelectorAll(".ilist .cv")];
  const at = document.activeElement?.closest?.(".ilist .cv") ?? document.querySelector(".ilist .cv[aria-current]");
  const row = at ? rows[rows.indexOf(at) + step] : rows[0];
  row?.focus();
  row?.scrollIntoView({ block: "nearest" });
}

function send(event) {
  const form = event.target.closest?.("form");
  if (event.target.matches?.("textarea") && form) {
    event.preventDefault();
    form.requestSubmit();
  }
}

export function listenForKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || document.querySelector("dialog[open]")) return;
    if (event.key === "Escape" && closeInnermost()) event.preventDefault();
    else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) send(event);
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.(FIELDS) || !isOn("keys")) return;
    const key = begun + event.key.toLowerCase();
    clearTimeout(timer);
    begun = "";
    if (key === "g") {
      begun = "g ";
      timer = setTimeout(() => (begun = ""), NEXT_KEY);
    } else if (key === "j" || key === "k") move(key === "j" ? 1 : -1);
    else if (press(key)) event.preventDefault();
  });
}
