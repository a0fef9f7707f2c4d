// What the operator has chosen for this browser, and what was typed here and not sent yet.

function attempt(act) {
  try {
    return act();
  } catch {
    // Without storage a page forgets; it works all the same.
    return null;
  }
}

/** Whether a switch is on. All are until they are turned off. */
export const isOn = (name) => attempt(() => localStorage.getItem(`frontdesk-${name}`)) !== "off";

export const setOn = (name, on) => attempt(() => localStorage.setItem(`frontdesk-${name}`, on ? "on" : "off"));

export const readDraft = (name) => attempt(() => localStorage.getItem(`frontdesk-draft-${name}`)) ?? "";

export function keepDraft(name, text) {
  const key = `frontdesk-draft-${name}`;
  attempt(() => (text ? localStorage.setItem(key, text) : localStorage.removeItem(key)));
}
