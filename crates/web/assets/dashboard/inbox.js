// Going about the inbox without loading whole pages: links, forms, and the browser's history.

import { closeDialogs, showDialog } from "./dialogs.js";
import { forgetDrafts, saveDrafts } from "./drafts.js";
import { equip } from "./forms.js";
import { neighbourOf, updateList } from "./list.js";
import { entitle, knowAll } from "./notify.js";
import { adoptChildren, keepingFocus, readPage } from "./page.js";
import { announce, toast } from "./tell.js";
import { startThread, updateThread } from "./thread.js";
import { localizeTimes, separateDays } from "./times.js";

const DEBOUNCE = 250;
/** What an address says of what was just done, which is said once. */
const ONCE = ["done", "ids"];

let searchTimer;
let visits = 0;

/** The address without what is said once. */
function lasting(address) {
  const kept = new URL(address, location.href);
  for (const name of ONCE) kept.searchParams.delete(name);
  kept.hash = "";
  return kept.href;
}

function replaceThread(inbox, fresh) {
  saveDrafts();
  for (const { name } of [...inbox.attributes]) if (!fresh.hasAttribute(name)) inbox.removeAttribute(name);
  for (const { name, value } of [...fresh.attributes]) inbox.setAttribute(name, value);
  [...inbox.children].filter((part) => !part.matches(".ilist")).forEach((part) => part.remove());
  inbox.append(...[...fresh.children].filter((part) => !part.matches(".ilist")));
}

/** Shows what was read; `false` if it is no page of the inbox. */
function show({ page, address, isDone }, { inOrder = false, wasSent = false } = {}) {
  const [inbox, fresh] = [document.querySelector(".inbox"), page.querySelector(".inbox")];
  if (!inbox || !fresh) return false;
  localizeTimes(page);
  separateDays(page);
  equip(page);
  knowAll(page);
  for (const menu of document.querySelectorAll("details[open][id]")) {
    const same = page.getElementById(menu.id);
    if (same) same.open = true;
  }
  const isSameThread = inbox.dataset.thread === fresh.dataset.thread && fresh.dataset.thread;
  keepingFocus(() => {
    updateList(page, inOrder);
    if (isSameThread) updateThread(page, wasSent);
    else replaceThread(inbox, fresh);
    for (const part of [".rail", ".tabbar"]) adoptChildren(document.querySelector(part), page.querySelector(part));
  });
  if (!isSameThread) startThread(readThread);
  else inbox.toggleAttribute("data-details", fresh.hasAttribute("data-details"));
  const said = page.querySelector("#toasts").firstElementChild;
  if (said) {
    announce(said.firstElementChild.textContent);
    document.getElementById("toasts").replaceChildren(said);
  }
  entitle(page.title);
  const next = lasting(address);
  // Where a form was refused there is no page to come back to.
  if (isDone && next !== location.href) history.replaceState(null, "", next);
  return true;
}

/** Reads the open conversation again, and says whether that went well. */
async function readThread() {
  const visit = visits;
  try {
    const result = await readPage(location.href);
    if (visit !== visits) return true;
    if (!show(result)) location.reload();
    return true;
  } catch {
    return visit !== visits;
  }
}

/** Goes to an address of the inbox. */
async function visit(address, { isTyping = false, isBack = false } = {}) {
  const mine = ++visits;
  clearTimeout(searchTimer);
  try {
    const result = await readPage(address);
    if (mine !== visits) return;
    const wasAt = location.href;
    if (!isBack && !isTyping && lasting(address) !== wasAt) history.pushState(null, "", lasting(address));
    if (!show(result, { inOrder: true })) return location.assign(address);
    const hasMoved = new URL(wasAt).pathname !== location.pathname;
    if (!isTyping && hasMoved) document.querySelector(".inbox h1")?.focus();
    document.querySelector(".ilist [aria-current=true]")?.scrollIntoView({ block: "nearest" });
  } catch {
    location.assign(address);
  }
}

/** Says in a form that it was not sent. */
function showFailure(form, text) {
  const line = form.querySelector("[data-failure]");
  if (!line) return toast(text);
  line.hidden = false;
  line.lastElementChild.textContent = text;
}

async function send(form, submitter) {
  const buttons = [...form.querySelectorAll("button")];
  if (buttons.some((button) => button.ariaBusy === "true")) return;
  const body = new URLSearchParams(new FormData(form, submitter));
  const neighbour = form.dataset.deletes && neighbourOf(form.dataset.deletes);
  for (const button of buttons) button.ariaBusy = "true";
  const mine = ++visits;
  try {
    const result = await readPage(form.getAttribute("action"), body);
    if (result.isDone) forgetDrafts(form);
    closeDialogs();
    if (mine !== visits || showDialog(result.page)) return;
    const isShown = show(result, { inOrder: Boolean(neighbour), wasSent: result.isDone });
    if (!isShown && result.page.querySelector("form[action='/login'], [data-signed-out]")) return location.reload();
    if (!isShown) return showFailure(form, result.page.querySelector("h1")?.textContent ?? "Not done.");
    if (neighbour) document.querySelector(`.ilist [href="${CSS.escape(neighbour)}"]`)?.focus();
    else if (form.dataset.focus) document.getElementById(form.dataset.focus)?.focus();
  } catch {
    showFailure(form, form.dataset.failure ?? "Not done: the server did not answer. Try again.");
  } finally {
    for (const button of buttons) button.ariaBusy = null;
  }
}

/** Whether a link leads to a page of the inbox. */
const isInside = ({ origin, pathname }) =>
  origin === location.origin && (pathname === "/" || /^\/conversations\/[^/]+$/.test(pathname));

function listenToLinks() {
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    const isPlain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
    if (!link || !isPlain || event.defaultPrevented || link.matches("[data-dialog], [data-close], .skip")) return;
    if (link.target || !isInside(new URL(link.href))) return;
    event.preventDefault();
    visit(link.href);
  });
  addEventListener("popstate", () => visit(location.href, { isBack: true }));
}

function search(form, isTyping) {
  clearTimeout(searchTimer);
  const filled = [...new FormData(form)].filter(([, value]) => value !== "");
  const address = `/?${new URLSearchParams(filled)}`;
  const isFirst = isTyping && !new URLSearchParams(location.search).has("q");
  if (isTyping && !isFirst) history.replaceState(null, "", address);
  else if (isTyping) history.pushState(null, "", address);
  visit(address, { isTyping });
}

/** Has links, forms and searches of the inbox done on the page itself. */
export function goAboutInbox() {
  if (!document.querySelector(".inbox")) return;
  entitle(document.title);
  knowAll();
  history.replaceState(null, "", lasting(location.href));
  startThread(readThread);
  document.querySelector(".ilist [aria-current=true]")?.scrollIntoView({ block: "nearest" });
  listenToLinks();
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.matches("[data-act]")) {
      event.preventDefault();
      send(form, event.submitter);
    } else if (form.matches("[data-search]")) {
      event.preventDefault();
      search(form, false);
    }
  });
  document.addEventListener("input", ({ target }) => {
    if (target.id !== "q") return;
    clearTimeout(searchTimer);
    searchTimer = setTimeout(() => search(target.form, true), DEBOUNCE);
  });
}
