/** What the page's developer wrote on the script tag, checked and completed. */

import { Words } from './words';

/** The attributes under the names that `dataset` gives them, and what follows from them. */
export interface Config {
  /** Where messages are sent, exactly as given. */
  apiUrl: string;
  /** The address in front of `/chat` and `/v1/…`, without a slash at the end. */
  base: string;
  apiKey: string;
  title: string;
  welcomeMessage: string;
  /** Without it the words follow the conversation. */
  inputPlaceholder?: string;
  /** `left`, or else right. */
  position?: string;
  accentColor?: string;
  /** `light` or `dark`, or else what the visitor's system says. */
  theme?: string;
  /** `local` or `session`, or else the memory of the page. */
  storage: string;
  /** For the style element that browsers without constructable style sheets need. */
  nonce: string;
}

const CHAT_PATH = /(\/v1\/chat\/stream|(\/v1)?\/chat)?\/?$/;
const BUNDLE_PATH = /\/chat-widget(\.[^/?#]+)?\.js([?#]|$)/;

/** Reads the attributes. If something is missing, tells the developer what to add and returns nothing. */
export function readConfig(script: HTMLScriptElement | undefined): Config | undefined {
  const data = script?.dataset;
  if (!data?.apiUrl || !data.apiKey) {
    console.error('[Frontdesk] No chat: add data-api-url and data-api-key to the script tag of chat-widget.js.');
    return undefined;
  }
  const url = new URL(data.apiUrl, document.baseURI);
  return {
    ...data,
    apiUrl: url.href,
    base: url.origin + url.pathname.replace(CHAT_PATH, ''),
    apiKey: data.apiKey,
    title: data.title || Words.defaultTitle,
    welcomeMessage: data.welcomeMessage || Words.defaultGreeting,
    storage: data.storage || 'local',
    nonce: script?.nonce ?? '',
  };
}

/** Finds the widget's own script tag, also when it was inserted by another script or runs as a module. */
export function findScript(): HTMLScriptElement | undefined {
  // A page element named `currentScript` can take the property's place, so look at what it is.
  if (document.currentScript instanceof HTMLScriptElement) return document.currentScript;
  return [...document.scripts].filter(({ src }) => BUNDLE_PATH.test(src)).pop();
}
