// Telling an operator who looks elsewhere: the count in the title, a sound, a notification of the desktop.

import { isOn, setOn } from "./settings.js";
import { announce, announceCalmly, toast } from "./tell.js";

const MOST_KNOWN = 1000;
/** For so long a tab keeps others from telling what it has told. */
const CLAIMED = 60_000;
const IN_FRONT = "frontdesk-in-front";

/** How the conversations that were heard of were last, by id. */
const known = new Map();
let title = document.title;
let waiting = 0;
let audio;

/** Says in the title how many wait for a person. */
export function entitle(text = title) {
  title = text;
  document.title = waiting > 0 ? `(${waiting}) ${title}` : title;
}

/** Shows how many wait for a person wherever that is shown. */
export function countWaiting(count) {
  waiting = count;
  entitle();
  for (const link of document.querySelectorAll(".rail .nav a[href='/'], .tabbar a[href='/']")) {
    link.querySelector(".count--hot")?.remove();
    if (count === 0) continue;
    const badge = document.createElement("span");
    badge.className = "count--hot";
    const words = document.createElement("span");
    words.className = "sr";
    words.textContent = count === 1 ? " needs a person" : " need a person";
    badge.append(`${count}`, words);
    link.append(badge);
  }
}

/** Browsers let a page sound only after its user has touched it. */
function wakeAudio() {
  audio ??= new AudioContext();
}

/** Whether this tab is the one that tells, of all that hear of it; where tabs cannot agree, each does. */
function claim(what) {
  return new Promise((resolve) => {
    if (!navigator.locks) return resolve(true);
    navigator.locks.request(`frontdesk-${what}`, { ifAvailable: true }, (lock) => {
      resolve(Boolean(lock));
      return lock && new Promise((release) => setTimeout(release, CLAIMED));
    });
  });
}

/** Says to the other tabs, for as long as this one is looked at, that the operator sees the inbox. */
function showPresence() {
  if (document.hidden) return;
  navigator.locks?.request(IN_FRONT, { mode: "shared" }, () => {
    return new Promise((release) => document.addEventListener("visibilitychange", release, { once: true }));
  });
}

async function isInFront() {
  if (!document.hidden) return true;
  const { held = [] } = (await navigator.locks?.query()) ?? {};
  return held.some(({ name }) => name === IN_FRONT);
}

/** Two short tones, the second higher. */
async function chime(change) {
  if (!audio || !isOn("sound") || !(await claim(`sound-${change}`))) return;
  [660, 880].forEach((frequency, place) => {
    const start = audio.currentTime + place * 0.14;
    const tone = audio.createOscillator();
    const loudness = audio.createGain();
    tone.frequency.value = frequency;
    loudness.gain.setValueAtTime(0, start);
    loudness.gain.linearRampToValueAtTime(0.12, start + 0.02);
    loudness.gain.exponentialRampToValueAtTime(0.001, start + 0.3);
    tone.connect(loudness).connect(audio.destination);
    tone.start(start);
    tone.stop(start + 0.32);
  });
}

const mayNotify = () => "Notification" in window && Notification.permission === "granted" && isOn("desktop");

async function notifyDesktop(text, id, change) {
  if (!mayNotify() || (await isInFront()) || !(await claim(`notice-${change}`))) return;
  const notification = new Notification(text, { tag: id, body: "Open the conversation in Frontdesk" });
  notification.addEventListener("click", () => {
    window.focus();
    location.assign(`/conversations/${id}`);
    notification.close();
  });
}

/** Takes the conversations of a page for known. */
export function knowAll(root = document) {
  for (const row of root.querySelectorAll("li[data-status]")) known.set(row.dataset.id, row.dataset.status);
}

/** Tells the operator of a change, if it concerns them. */
export function notify(change) {
  const before = known.get(change.id);
  known.delete(change.id);
  known.set(change.id, change.status);
  if (known.size > MOST_KNOWN) known.delete(known.keys().next().value);
  // Of what was never heard of before it cannot be told whether it asks now or has asked all the time.
  const mayBeNew = before ? before !== "needs_person" : change.isNew || change.needsPerson > waiting;
  countWaiting(change.needsPerson);
  const name = `${change.id}-${change.revision}`;
  if (change.status === "needs_person" && mayBeNew) {
    announce(`${change.visitor} needs a person`);
    chime(name);
    notifyDesktop(`${change.visitor} needs a person`, change.id, name);
  } else if (change.isMine && change.isFromVisitor) {
    // Who has the conversation open hears of it there.
    if (document.hidden) chime(name);
    notifyDesktop(`${change.visitor} wrote to you`, change.id, name);
  } else if (!before && change.isNew) announceCalmly(`New conversation from ${change.visitor}`);
}

/** The button that asks the browser for permission; nothing else does. */
export function listenToNotifications() {
  for (const event of ["pointerdown", "keydown"]) addEventListener(event, wakeAudio, { once: true });
  showPresence();
  document.addEventListener("visibilitychange", showPresence);
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-notifications]");
    if (!button) return;
    if (!("Notification" in window)) return toast("This browser has no notifications");
    const isGranted = (await Notification.requestPermission()) === "granted";
    setOn("desktop", isGranted);
    toast(isGranted ? "Notifications are on" : "The browser does not allow notifications here");
  });
}
