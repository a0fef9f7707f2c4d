/** What comes from the server when a chat is opened: its site's settings, and its words. */

import type { Config } from './config';
import type { FrontdeskOptions } from './frontdesk';
import type { Voice } from './words';

/** What has not come after so long comes too late. */
const PATIENCE = 5000;

/** What the owner can set, by the server's names. */
interface Site extends FrontdeskOptions {
  welcome: string;
  placeholder: string;
  finePrint: string;
}

/** A document, and the language that it is in. Neither, whatever goes wrong: a chat can do without. */
async function get(
  url: string,
  headers?: HeadersInit,
): Promise<[content?: Record<string, string>, language?: string | null]> {
  try {
    const response = await fetch(url, { headers, credentials: 'omit', signal: AbortSignal.timeout?.(PATIENCE) });
    return response.ok ? [await response.json(), response.headers.get('content-language')] : [];
  } catch {
    return [];
  }
}

/**
 * Gives what completes the configuration with the site's settings and finds the words, each time that it is called, until all are
 * there. It never fails, and waits for neither to `apply` the other.
 */
export function createCompletion(config: Config, apply: (voice: Voice) => void): () => Promise<void> {
  // What the page says, and what is nobody else's to say.
  const { title, ...own } = config;
  const { base, apiKey, given, words } = own;
  let site: Partial<Site> = {};
  let language = 'en';
  /** The words that have come, in that language. */
  let known: Record<string, string> = {};
  /** Everything is there or on its way. */
  let settled = false;

  return async () => {
    if (settled) return;
    settled = true;
    const files: Record<string, ReturnType<typeof get>> = {};

    /** The server chooses the language, and says which it is. False if it gives none. */
    async function speakIn(tag: string): Promise<boolean> {
      files[tag] ??= get(`${base}/widget/locales/${encodeURIComponent(tag)}.json`);
      const [found, spoken] = await files[tag];
      if (found) language = spoken ?? tag;
      known = { ...known, ...found };
      const { finePrint, welcome, placeholder } = site;
      const all: typeof known = { ...known, ...(finePrint && { finePrint }), ...words };
      Object.assign(
        config,
        {
          title: all.defaultTitle ?? title,
          inputPlaceholder: placeholder,
          welcomeMessage: welcome ?? all.defaultGreeting,
        },
        site,
        own,
        given,
      );
      apply({ language, words: all });
      return !!found;
    }

    const tag = config.locale || document.documentElement.lang || 'en';
    const early = speakIn(tag);
    const [settings] = await get(`${base}/v1/widget/config`, { 'x-widget-api-key': apiKey });
    site = settings ?? site;
    await early;
    settled = !!settings && (await speakIn(own.locale || site.locale || tag));
  };
}
