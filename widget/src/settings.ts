/** What comes from the server when a chat is opened for the first time: its site's settings, and its words. */

import type { Config } from './config';
import { type Voice, voiceOf } from './words';

/** The languages there is a file of words for. English is in the bundle. */
const LANGUAGES = 'ar de es fr he hi it ja ko nl pl pt ru tr uk zh';

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
    const response = await fetch(url, { headers, credentials: 'omit' });
    return response.ok ? await response.json() : undefined;
  } catch {
    return undefined;
  }
}

async function fetchVoice({ base, words = {} }: Config, tag: string): Promise<Voice> {
  const [language, file] = chooseLanguage(tag);
  const translated = file ? await get(`${base}/widget/locales/${file}.json`) : {};
  return voiceOf(translated ? language : 'en', translated ?? {}, words);
}

/** Completes the configuration with the site's settings, and finds the words. Never fails. */
export async function completeConfig(config: Config): Promise<Voice> {
  const { base, apiKey, given } = config;
  const tag = config.locale || document.documentElement.lang;
  const early = fetchVoice(config, tag);
  const settings = await get(`${base}/v1/widget/config`, { 'x-widget-api-key': apiKey });
  const { welcome, placeholder, ...others } = settings ?? {};
  const site = {
    ...others,
    ...(welcome && { welcomeMessage: welcome }),
    ...(placeholder && { inputPlaceholder: placeholder }),
  };
  const { locale = tag } = Object.assign(config, site, given);
  const voice = await (locale === tag ? early : fetchVoice(config, locale));
  const { defaultTitle: title, defaultGreeting: welcomeMessage } = voice.words;
  Object.assign(config, { title, welcomeMessage }, site, given);
  return voice;
}
