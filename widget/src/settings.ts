/** What comes from the server when a chat is opened for the first time: its site's settings, and its words. */

import type { Config } from './config';
import { type Voice, voiceOf } from './words';

/** The languages there is a file of words for. English is in the bundle. */
const LANGUAGES = 'ar de es fr he hi it ja ko nl pl pt ru tr uk zh';

/** What the owner can set; the rest is the page's alone. */
const SETTINGS =
  'title welcome placeholder position accentColor theme suggestions locale imageHosts finePrint privacyText privacyUrl handoff'.split(
    ' ',
  );
/** What has another name there than here. */
const RENAMED: Record<string, string> = { welcome: 'welcomeMessage', placeholder: 'inputPlaceholder' };

/** What has not come after so long comes too late. */
const PATIENCE = 5000;

/** The language that was asked for, and the short name of the file with its words. */
export function chooseLanguage(tag = ''): [tag: string, file?: string] {
  try {
    const { baseName, language } = new Intl.Locale(tag);
    return LANGUAGES.includes(language) ? [baseName, language] : [language === 'en' ? baseName : 'en'];
  } catch {
    return ['en'];
  }
}

/** Whatever goes wrong, a chat can do without what these requests bring. */
async function get(url: string, headers?: HeadersInit): Promise<Record<string, string> | undefined> {
  try {
    const response = await fetch(url, { headers, credentials: 'omit', signal: AbortSignal.timeout?.(PATIENCE) });
    return response.ok ? await response.json() : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Completes the configuration with the site's settings, and finds the words. Never fails, and waits for neither to `apply` the
 * other: it may be called twice.
 */
export async function completeConfig(config: Config, apply: (voice: Voice) => void): Promise<void> {
  const { base, apiKey, given, words = {} } = config;
  const tag = config.locale || document.documentElement.lang;
  const site: Record<string, unknown> = {};
  const files: Record<string, ReturnType<typeof get>> = {};

  async function speakIn(tag: string) {
    const [language, file] = chooseLanguage(tag);
    if (file) files[file] ??= get(`${base}/widget/locales/${file}.json`);
    const translated = file ? await files[file] : {};
    const { finePrint } = site;
    const voice = voiceOf(translated ? language : 'en', translated ?? {}, finePrint ? { finePrint } : {}, words);
    const Words = voice.words;
    Object.assign(config, { title: Words.defaultTitle, welcomeMessage: Words.defaultGreeting }, site, given);
    apply(voice);
  }

  const early = speakIn(tag);
  const settings = await get(`${base}/v1/widget/config`, { 'x-widget-api-key': apiKey });
  for (const [name, value] of Object.entries(settings ?? {}))
    if (SETTINGS.includes(name)) site[RENAMED[name] ?? name] = value;
  await early;
  if (settings) await speakIn(Object.assign({ locale: tag }, site, given).locale);
}
