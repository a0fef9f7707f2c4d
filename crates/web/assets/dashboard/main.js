// The dashboard works without its script. It adds what only a browser knows: the reader's time zone, the clipboard, how long
// a pause still lasts, the keyboard; and it shows what happens as it happens.

import { listenToFields } from "./compose.js";
import { listenToDialogs } from "./dialogs.js";
import { equip, listenToForms } from "./forms.js";
import { goAboutInbox } from "./inbox.js";
import { listenForKeys } from "./keys.js";
import { listenToList, noteTyping, refreshList } from "./list.js";
import { listenToInbox } from "./live.js";
import { countWaiting, listenToNotifications, notify } from "./notify.js";
import { catchUpThread, listenToThread } from "./thread.js";
import { localizeTimes, MINUTE, separateDays } from "./times.js";

localizeTimes();
separateDays();
setInterval(() => localizeTimes(), MINUTE);
equip();
listenToForms();
listenToDialogs();
listenForKeys();
listenToFields();
listenToThread();
listenToList();
listenToNotifications();
goAboutInbox();

function hear(event) {
  if (event.needsPerson !== undefined) countWaiting(event.needsPerson);
  if (event.type === "changed") notify(event);
  if (event.type === "typing") noteTyping(event);
  if (event.type === "changed" || event.type === "missed") refreshList();
}

// Only who is signed in has a rail.
if (document.querySelector(".rail[data-live-inbox]")) {
  listenToInbox(hear, () => {
    refreshList();
    catchUpThread();
  });
  setInterval(refreshList, MINUTE);
}
