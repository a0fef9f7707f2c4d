import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { chooseLanguage } from '../src/settings';
import * as words from '../src/words';

const folder = resolve(__dirname, '../../crates/web/assets/locales');
const files = readdirSync(folder).map((file) => file.replace('.json', ''));
const read = (language: string) => JSON.parse(readFileSync(`${folder}/${language}.json`, 'utf8'));

type Word = string | Record<string, string>;
const english: Record<string, Word> = words.Words;
const forms = (word: Word) => (typeof word === 'string' ? [word] : Object.values(word));
const placeholders = (form: string) => [...form.matchAll(/{\w+}/g)].map(String).sort();

test('there is a file for each language that the chat asks for, and no other', () => {
  expect(files.sort()).toEqual('ar de es fr he hi it ja ko nl pl pt ru tr uk zh'.split(' '));
  for (const file of files) expect(chooseLanguage(file)).toEqual([file, file]);
});

describe.each(files)('%s', (language) => {
  const locale: Record<string, Word> = read(language);

  test('has exactly the words that English has', () => {
    expect(Object.keys(locale)).toEqual(Object.keys(english));
  });

  test('says every word, with what belongs into its braces', () => {
    for (const [name, word] of Object.entries(english)) {
      const wanted = placeholders(forms(word).at(-1) as string);
      for (const form of forms(locale[name] as Word)) {
        expect(form.trim(), name).not.toBe('');
        // A form for exactly one or two may say the number as a word.
        const found = placeholders(form);
        if (typeof locale[name] === 'string' || found.includes('{count}')) expect(found, name).toEqual(wanted);
        else expect(wanted, name).toEqual(expect.arrayContaining(found));
      }
    }
  });

  test('has a form for every plural category of its language', () => {
    const { pluralCategories } = new Intl.PluralRules(language).resolvedOptions();
    for (const [name, word] of Object.entries(english)) {
      expect(typeof locale[name], name).toBe(typeof word);
      if (typeof word !== 'string')
        expect(Object.keys(locale[name] as object).sort(), name).toEqual(pluralCategories.sort());
    }
  });
});

describe('the language', () => {
  test.each([
    ['de', 'de', 'de'],
    ['pt-BR', 'pt-BR', 'pt'],
    ['ZH-hant-tw', 'zh-Hant-TW', 'zh'],
    ['iw', 'he', 'he'],
    ['en-GB', 'en-GB', undefined],
    ['tlh', 'en', undefined],
    ['', 'en', undefined],
    ['not a tag', 'en', undefined],
  ])('of "%s" is %s, from the file %s', (tag, language, file) => {
    const [chosen, name] = chooseLanguage(tag);
    expect([chosen, name]).toEqual([language, file]);
  });
});

describe('a word', () => {
  test('has its braces filled, and stays as it is where there is nothing to fill in', () => {
    words.speak(words.voiceOf('de', { answering: '{title} {title} {other}' }));
    expect(words.answering('$& Wren')).toBe('$& Wren $& Wren {other}');
    words.speak(words.voiceOf('en'));
    expect(words.answering('Wren')).toBe('Wren is answering');
  });

  test('that a language does not have is said in English', () => {
    words.speak(words.voiceOf('de', { send: 'Senden' }));
    expect([words.Words.send, words.Words.stop]).toEqual(['Senden', 'Stop answering']);
    words.speak(words.voiceOf('en'));
  });
});
