// The list of conversations, kept as it is on the server without moving what somebody is about to press.

import { knowAll } from "./notify.js";
import { adopt, adoptChildren, keepingFocus, readPage } from "./page.js";
import { localizeTimes } from "./times.js";

const PAUSE = 1_000;
const HIDDEN_PAUSE = 10_000;
/** As long after it was last told somebody types. */
const TYPING = 8_000;

let timer;
let readAt = 0;
let isHeldBack = false;

const rowsOf = (root) => [...root.querySelectorAll(".ilist li[data-id]")];
const rowOf = (id) => document.querySelector(`.ilist li[data-id="${CSS.escape(id)}"]`);

/** Until when whose visitor types, by conversation. */
const typing = new Map();
let typingTimer;

/** Marks the rows whose visitor types, and forgets what was not told again. */
function showTyping() {
  clearTimeout(typingTimer);
  const now = Date.now();
  for (const [id, until] of typing) if (until <= now) typing.delete(id);
  for (const row of rowsOf(document)) row.toggleAttribute("data-typing", typing.has(row.dataset.id));
  if (typing.size > 0) typingTimer = setTimeout(showTyping, Math.min(...typing.values()) - now);
}

/** Hears that a visitor types, or has ceased to. */
export function noteTyping({ id, isTyping }) {
  if (isTyping) typing.set(id, Date.now() + TYPING);
  else typing.delete(id);
  showTyping();
}

/** What scrolls: the list itself, or on a phone the page. */
const scroller = () => {
  const region = document.querySelector(".iscroll");
  return region && getComputedStyle(region).overflowY === "visible" ? document.scrollingElement : region;
};

/** Whether the order of the list is in use. */
function isHeld() {
  const list = document.querySelector(".ilist ul");
  if (!list) return false;
  return scroller().scrollTop > 0 || list.matches(":hover") || list.contains(document.activeElement);
}

/** Says how many conversations wait, and leaves the rows where they are. */
function showNew(count) {
  const bar = document.querySelector(".newbar");
  if (!bar) return;
  const wasHidden = bar.hidden;
  bar.hidden = count === 0;
  if (bar.hidden) return;
  bar.textContent = count === 1 ? "1 new conversation" : `${count} new conversations`;
  if (wasHidden) scroller().scrollTop += bar.offsetHeight;
}

function arrange(fresh, inOrder) {
  const list = document.querySelector(".ilist ul");
  const current = new Map(rowsOf(document).map((row) => [row.dataset.id, row]));
  const wanted = rowsOf(fresh);
  const isNew = wanted.filter((row) => !current.has(row.dataset.id));
  for (const row of wanted) {
    const mine = current.get(row.dataset.id);
    if (!mine) continue;
    mine.dataset.status = row.dataset.status;
    adopt(mine.querySelector(".cv"), row.querySelector(".cv"));
  }
  isHeldBack = !inOrder && isHeld();
  showNew(isHeldBack ? isNew.length : 0);
  if (isHeldBack) return;
  const rows = wanted.map((row) => current.get(row.dataset.id) ?? row);
  rows.forEach((row, place) => {
    if (list.children[place] !== row) list.insertBefore(row, list.children[place] ?? null);
  });
  [...list.children].slice(rows.length).forEach((row) => row.remove());
}

/** What is above the list: of another list it is another, but for what somebody is typing. */
function exchangeControls(list, fresh) {
  for (const part of ["#select", "#bulk", ".ifilter"]) {
    const [mine, its] = [list.querySelector(part), fresh.querySelector(part)];
    if (mine?.contains(document.activeElement)) continue;
    if (mine && its) mine.replaceWith(its);
    else if (its) list.querySelector(".ibody").before(its);
    else mine?.remove();
  }
  const [field, freshField] = [list.querySelector("#q"), fresh.querySelector("#q")];
  if (!field || !freshField) return;
  if (field !== document.activeElement) field.value = freshField.value;
  adopt(list.querySelector("#filters"), fresh.querySelector("#filters"));
  for (const hidden of field.form.querySelectorAll("[type=hidden]")) hidden.remove();
  field.form.prepend(...freshField.form.querySelectorAll("[type=hidden]"));
}

/** Makes the list what it is on another page. In its order too, if that was asked for or nobody minds. */
export function updateList(page, inOrder = false) {
  const [list, fresh] = [document.querySelector(".ilist"), page.querySelector(".ilist")];
  if (!list || !fresh) return;
  const isSameList = list.dataset.list === fresh.dataset.list;
  list.dataset.list = fresh.dataset.list;
  adopt(list.querySelector(".seg"), fresh.querySelector(".seg"));
  const [heading, freshHeading] = [list, fresh].map((root) => root.querySelector(":is(h1, h2)"));
  if (heading.tagName !== freshHeading.tagName) heading.replaceWith(freshHeading);
  if (!list.querySelector(".ifil") && fresh.querySelector(".ifil")) {
    list.querySelector(".ibody").before(fresh.querySelector(".ifil"));
    list.querySelector(".col-h").append(fresh.querySelector("#select"));
  } else if (!isSameList) exchangeControls(list, fresh);
  const [body, freshBody] = [list.querySelector(".ibody"), fresh.querySelector(".ibody")];
  const canArrange = isSameList && body.querySelector("ul") && freshBody.querySelector("ul");
  if (!canArrange) adoptChildren(body, freshBody);
  else {
    arrange(page, inOrder);
    adopt(body.querySelector(".pages"), freshBody.querySelector(".pages"));
  }
  showTyping();
}

async function read(inOrder) {
  timer = undefined;
  readAt = Date.now();
  const place = location.href;
  const address = new URL(place);
  address.searchParams.set("part", "list");
  let page;
  try {
    ({ page } = await readPage(address.href));
  } catch {
    return;
  }
  // By now another list is looked at.
  if (location.href !== place) return refreshList();
  // Signed out, most likely: the page says so.
  if (!page.querySelector(".ilist")) return location.reload();
  localizeTimes(page);
  knowAll(page);
  keepingFocus(() => updateList(page, inOrder));
}

/** Reads the list again: at once, unless that was just done. */
export function refreshList() {
  if (!document.querySelector(".ilist")) return;
  const pause = document.hidden ? HIDDEN_PAUSE : PAUSE;
  timer ??= setTimeout(read, Math.max(30, readAt + pause - Date.now()));
}

/** The address of the row after a conversation's, or of the one before if it is the last. */
export function neighbourOf(id) {
  const row = rowOf(id);
  const next = row?.nextElementSibling ?? row?.previousElementSibling;
  return next?.querySelector(".cv").getAttribute("href");
}

export function listenToList() {
  const release = () => isHeldBack && !isHeld() && refreshList();
  document.addEventListener("mouseout", ({ target }) => target.closest(".ilist") && setTimeout(release));
  document.addEventListener("focusout", ({ target }) => target.closest(".ilist") && setTimeout(release));
  document.addEventListener("scroll", release, { capture: true, passive: true });
  document.addEventListener("click", async (event) => {
    if (event.target.closest(".newbar")) {
      await read(true);
      scroller().scrollTop = 0;
      document.querySelector(".ilist .cv")?.focus({ preventScroll: true });
    } else if (event.target.closest("[data-select-all]")) {
      const boxes = [...document.querySelectorAll(".pick input")];
      const isAll = boxes.every((box) => box.checked);
      for (const box of boxes) box.checked = !isAll;
    }
  });
}
