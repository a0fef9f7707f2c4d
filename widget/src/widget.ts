/** The chat's place on the page: one element with a shadow root of its own, its style sheet and its colours. */

import { deriveAccent } from './accent';
import { startChat } from './chat';
import { type Config, readConfig } from './config';
import type { FrontdeskChat, FrontdeskOptions } from './frontdesk';
import css from './style.css';

/** The style sheet of a chat that was not opened yet: to read the rules for all the rest takes a third of the time until then. */
const WITHOUT_PANEL = css.replace(/\.waiting[\s\S]*(@media ?\(pr)/, '$1');

/** The chats of the page, by what they speak to. */
const chats = new Map<string, FrontdeskChat>();

/** Makes the chat that the options describe. `gone` is called when it has been destroyed. */
export function create(options: FrontdeskOptions, gone?: () => void, nonce?: string): FrontdeskChat | undefined {
  const config = readConfig(options, nonce);
  return config && mount(config, gone);
}

/** Puts the chat on the page, unless the same chat is there already. */
export function mount(config: Config, gone = () => {}): FrontdeskChat | undefined {
  const { target } = config;
  const identity = `${config.apiUrl} ${config.apiKey}`;
  const place = typeof target === 'string' ? document.querySelector(target) : target;
  if (target && !place) console.error(`[Frontdesk] No chat: there is no ${target}.`);
  if (chats.has(identity) || (target && !place)) return chats.get(identity);

  const host = document.createElement('div');
  const shadow = host.attachShadow({ mode: 'closed' });
  const chat = document.createElement('section');
  const life = new AbortController();
  const { signal } = life;
  host.dataset.frontdesk = identity;
  if (place) host.className = 'inline';
  const style = addStyles(shadow, config.nonce);
  style(WITHOUT_PANEL);
  const darkSystem = matchMedia('(prefers-color-scheme: dark)');
  const dress = () => colour(chat, config, darkSystem.matches);
  darkSystem.addEventListener('change', dress, { signal });
  dress();
  shadow.append(chat);
  const controls = startChat(config, host, chat, signal, dress, () => style(css));
  (place ?? document.body ?? document.documentElement).append(host);

  const api: FrontdeskChat = {
    ...controls,
    destroy() {
      life.abort();
      host.remove();
      chats.delete(identity);
      gone();
    },
    on(event, listener) {
      const hear = ({ detail }: CustomEventInit) => listener(detail);
      if (event === 'ready') queueMicrotask(() => listener(undefined as never));
      host.addEventListener(event, hear, { signal });
      return () => host.removeEventListener(event, hear);
    },
  };
  chats.set(identity, api);
  return api;
}

/** Gives the chat its corner, its name, and the colours of its theme. */
function colour(chat: HTMLElement, { theme, accentColor, position, target, title }: Config, darkSystem: boolean): void {
  const dark = theme === 'dark' || (theme !== 'light' && darkSystem);
  chat.className = `chat ${position === 'left' ? 'left' : ''} ${target ? 'inline' : ''} ${dark ? 'dark' : ''}`;
  chat.setAttribute('aria-label', title);
  for (const [name, rgb] of Object.entries(deriveAccent(accentColor, dark)))
    chat.style.setProperty(name, `rgb(${rgb})`);
}

/**
 * Gives what sets the text of the style sheet. Constructable sheets need no permission from the page's policy; where they are
 * missing, its nonce has to do.
 */
function addStyles(shadow: ShadowRoot, nonce: string): (css: string) => void {
  try {
    const sheet = new CSSStyleSheet();
    shadow.adoptedStyleSheets = [sheet];
    return (css) => sheet.replaceSync(css);
  } catch {
    const style = document.createElement('style');
    style.nonce = nonce;
    shadow.append(style);
    return (css) => style.append(css);
  }
}
