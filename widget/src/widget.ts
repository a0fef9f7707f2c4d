/** The chat's place on the page: one element with a shadow root of its own, its style sheet and its colours. */

import { deriveAccent } from './accent';
import { startChat } from './chat';
import type { Config } from './config';
import css from './style.css';

/** Puts the chat on the page, unless the same chat is there already. */
export function mount(config: Config): void {
  const identity = `${config.apiUrl} ${config.apiKey}`;
  if (document.querySelector(`[data-frontdesk="${CSS.escape(identity)}"]`)) return;

  const host = document.createElement('div');
  const shadow = host.attachShadow({ mode: 'closed' });
  const chat = document.createElement('section');
  host.dataset.frontdesk = identity;
  chat.className = config.position === 'left' ? 'chat left' : 'chat';
  chat.setAttribute('aria-label', config.title);
  addStyles(shadow, config.nonce);
  colour(chat, config);
  startChat(config, host, chat);
  shadow.append(chat);
  document.body.append(host);
}

/** Colours the chat for its theme, and again whenever the visitor's system changes between light and dark. */
function colour(chat: HTMLElement, { theme, accentColor }: Config): void {
  const darkSystem = matchMedia('(prefers-color-scheme: dark)');
  const apply = () => {
    const dark = theme === 'dark' || (theme !== 'light' && darkSystem.matches);
    chat.classList.toggle('dark', dark);
    for (const [name, rgb] of Object.entries(deriveAccent(accentColor, dark)))
      chat.style.setProperty(`--${name}`, `rgb(${rgb})`);
  };
  darkSystem.addEventListener('change', apply);
  apply();
}

/** Constructable sheets need no permission from the page's policy; where they are missing, its nonce has to do. */
function addStyles(shadow: ShadowRoot, nonce: string): void {
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    shadow.adoptedStyleSheets = [sheet];
  } catch {
    const style = document.createElement('style');
    style.nonce = nonce;
    style.textContent = css;
    shadow.append(style);
  }
}
