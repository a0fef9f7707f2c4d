/** Where the script starts: everything about its own tag is read before anything waits. */

import { findScript } from './config';
import { createFrontdesk, type Frontdesk, type FrontdeskChat, type FrontdeskOptions } from './frontdesk';
import { create } from './widget';

const page = window as unknown as { Frontdesk?: Frontdesk };
const script = findScript();
const early = page.Frontdesk;
// The script may be on the page twice, and an element of the page may have the name.
const frontdesk = early?.create ? early : createFrontdesk((options, gone) => create(options, gone, script?.nonce));

function start() {
  // `data-manual` leaves it to the page which chats there are.
  if (!script?.dataset.manual) frontdesk.create({ ...script?.dataset } as unknown as FrontdeskOptions);
}

if (frontdesk !== early) {
  page.Frontdesk = frontdesk;
  if (Array.isArray(early)) frontdesk.push(...early);
  customElements.define(
    'frontdesk-chat',
    class extends HTMLElement {
      chat?: FrontdeskChat;
      connectedCallback() {
        this.chat ??= frontdesk.create({ ...this.dataset, target: this } as unknown as FrontdeskOptions);
      }
      disconnectedCallback() {
        // An element that is only moved is back by then.
        queueMicrotask(() => {
          if (this.isConnected) return;
          this.chat?.destroy();
          this.chat = undefined;
        });
      }
    },
  );
}
if (document.body) start();
else addEventListener('DOMContentLoaded', start);
