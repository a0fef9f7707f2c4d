// What forms and buttons gain from a script.

import { isOn, setOn } from "./settings.js";
import { toast } from "./tell.js";

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

/** A button that copies an address. */
async function copyAddress(button) {
  const address = new URL(button.dataset.copyAddress, location.href).href;
  try {
    await navigator.clipboard.writeText(address);
    toast("Link copied");
  } catch {
    toast(address);
  }
}

/** Gives a piece of the page what its elements ask for. */
export function equip(root = document) {
  for (const element of root.querySelectorAll("[data-needs-script]")) element.hidden = false;
  for (const element of root.querySelectorAll("[data-without-script]")) element.hidden = true;
  for (const box of root.querySelectorAll("[data-setting]")) box.checked = isOn(box.dataset.setting);
  root.querySelectorAll("[data-seconds]").forEach(countDown);
  root.querySelectorAll("[data-show-password]").forEach(offerToShow);
  root.querySelectorAll("[data-copy]").forEach(offerToCopy);
}

export function listenToForms() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy-address]");
    if (button) copyAddress(button);
  });
  document.addEventListener("change", ({ target }) => {
    if (target.dataset.setting) setOn(target.dataset.setting, target.checked);
    if (target.matches("[data-submits]")) target.form.requestSubmit();
  });
}
