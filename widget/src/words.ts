/**
 * What the widget says to a visitor. Its words are in files, one for each language (`crates/web/assets/locales`), which are fetched
 * when a chat is opened. Their names are a contract: pages override words by them, and what has no word is said by its name. In braces
 * stands what is put in when the word is said.
 */

import type English from '../../crates/web/assets/locales/en.json';

/** A word that depends on a number has a form for each of the language's plural categories, at least `other`. */
type Plural = Partial<Record<Intl.LDMLPluralRule, string>> & { other: string };
export type WordList = typeof English;

/** A language and the words that there are in it. */
export interface Voice {
  /** As a BCP 47 tag. */
  language: string;
  words: object;
}

/** The language of the chat that is speaking: several chats of one page may speak several. */
export let language = 'en';
/** Its words. */
let spoken: Partial<Record<string, string | Plural>> = {};

/** Its words by their names, or else what they are called. */
export const Words = new Proxy({} as WordList, { get: (_, name: string) => spoken[name] ?? readable(name) });

/** A name as one would write it, `tryAgain` as "Try again". Nothing for what stands for whole sentences. */
const readable = (name: string) =>
  name
    .replace(/Title$|.*(Text|Before|After|Print|duction)$/, '')
    .replace(/^(ai|.)|[A-Z]/g, (letter, _, at) => (at ? ` ${letter.toLowerCase()}` : letter.toUpperCase()));

/** To be called by a chat before it says anything. */
export function speak(voice: Voice): void {
  language = voice.language;
  spoken = voice.words as typeof spoken;
}

/** A word with what belongs into its braces; a `count` also chooses the plural form. */
export function fill(name: keyof WordList, values: Record<string, string | number>): string {
  const word = spoken[name] ?? `${readable(name)} ${Object.values(values)[0]}`;
  const form =
    typeof word === 'string'
      ? word
      : (word[new Intl.PluralRules(language).select(values.count as number)] ?? word.other);
  return form.replace(/{(\w+)}/g, (braces, name) => `${values[name] ?? braces}`);
}

export const answering = (title: string) => fill('answering', { title });
export const sendAgainIn = (time: string) => fill('sendAgainIn', { time });
export const typing = (name: string) => fill('typing', { name });
