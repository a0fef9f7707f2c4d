// What the operator has chosen for this browser.

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
