/** What the page's developer wrote on the script tag or gave to the API, checked and completed. */

import type { FrontdeskOptions } from './frontdesk';

/** What was given, under the names that `dataset` gives to attributes, and what follows from it. */
export interface Config extends FrontdeskOptions {
  /** Where messages are sent. */
  apiUrl: string;
  /** The address in front of `/chat` and `/v1/…`, without a slash at the end. */
  base: string;
  title: string;
  /** `local` or `session`, or else the memory of the page. */
  storage: string;
  /** For the style element that browsers without constructable style sheets need. */
  nonce: string;
  /** Questions to begin with; four are shown. */
  suggestions?: string[];
  /** The hosts that answers may show images from, like `images.example.com`, or `*.example.com` for all below one. */
  imageHosts?: string[];
  /** Visitors can ask for a person. */
  handoff?: boolean;
  /** What a visitor is told before the first message, and where to read more. */
  privacyText?: string;
  privacyUrl?: string;
  words?: object;
  /** What was given, without what is empty; the server's settings give way to it. */
  given?: object;
}

const CHAT_PATH = /((\/v1)?\/chat(\/stream)?)?\/?$/;
const BUNDLE_PATH = /\/chat-widget(\.[^/?#]+)?\.js([?#]|$)/;

/** Reads what was given. If something is missing, tells the developer what to add and returns nothing. */
export function readConfig(options: FrontdeskOptions | undefined, nonce = ''): Config | undefined {
  if (!options?.apiUrl || !options.apiKey) {
    console.error('[Frontdesk] No chat: data-api-url and data-api-key are needed.');
    return undefined;
  }
  // An empty attribute means its default.
  const { apiUrl, ...given } = Object.fromEntries(
    Object.entries(options).filter(([, value]) => value),
  ) as typeof options;
  for (const name of ['words', 'suggestions', 'imageHosts'] as const) {
    try {
      if (typeof given[name] === 'string') given[name] = JSON.parse(given[name]);
    } catch {
      console.error(`[Frontdesk] ${name} is not JSON`);
      delete given[name];
    }
  }
  const url = new URL(apiUrl, document.baseURI);
  return {
    storage: 'local',
    nonce,
    target: undefined,
    // Until there are words, which have a greeting too.
    title: 'Assistant',
    ...(given as Partial<Config> & Pick<Config, 'apiKey'>),
    apiUrl: url.href,
    base: url.origin + url.pathname.replace(CHAT_PATH, ''),
    given,
  };
}

/** Finds the widget's own script tag, also when it was inserted by another script or runs as a module. */
export function findScript(): HTMLScriptElement | undefined {
  // A page element named `currentScript` can take the property's place, so look at what it is.
  if (document.currentScript instanceof HTMLScriptElement) return document.currentScript;
  return [...document.scripts].filter(({ src }) => BUNDLE_PATH.test(src)).pop();
}
