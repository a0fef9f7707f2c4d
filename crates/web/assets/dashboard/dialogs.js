// Menus, and pages that are shown as dialogs.

import { equip } from "./forms.js";
import { readPage } from "./page.js";

const openMenus = () => [...document.querySelectorAll("details.drop[open]")];

/** Closes what was opened last, and says whether there was anything. */
export function closeInnermost() {
  const [menu] = openMenus();
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
    return true;
  }
  const details = document.querySelector(".inbox[data-details] [data-hide-details]");
  if (details?.checkVisibility()) {
    details.click();
    return true;
  }
  return false;
}

/** Shows the dialog that a page consists of. */
export function showDialog(page) {
  const content = page.querySelector(".dlg");
  if (!content) return false;
  const dialog = document.createElement("dialog");
  const heading = content.querySelector("h1");
  dialog.setAttribute("aria-labelledby", heading.id);
  if (content.dataset.role) dialog.setAttribute("role", content.dataset.role);
  dialog.append(content);
  document.body.append(dialog);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => {
    const isOutside = event.target === dialog;
    if (!isOutside && !event.target.closest("[data-close]")) return;
    event.preventDefault();
    dialog.close();
  });
  equip(dialog);
  dialog.showModal();
  (dialog.querySelector("[data-focus]") ?? heading).focus();
  return true;
}

export const closeDialogs = () => document.querySelectorAll("dialog[open]").forEach((dialog) => dialog.close());

export function listenToDialogs() {
  document.addEventListener("click", async (event) => {
    for (const menu of openMenus()) {
      const isInside = menu.contains(event.target);
      if (!isInside || event.target.closest(".menu a, .menu button")) menu.open = false;
    }
    const link = event.target.closest("a[data-dialog]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    try {
      const { page } = await readPage(link.href);
      if (showDialog(page)) return;
    } catch {
      // Then the page itself says what is wrong.
    }
    location.assign(link.href);
  });
}
