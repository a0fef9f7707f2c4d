import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import * as words from '../src/words';

const folder = resolve(__dirname, '../../crates/web/assets/locales');
const files = readdirSync(folder).map((file) => file.replace('.json', ''));
const read = (language: string) => JSON.parse(readFileSync(`${folder}/${language}.json`, 'utf8'));

type Word = string | Record<string, string>;
const english: Record<string, Word> = read('en');
const forms = (word: Word) => (typeof word === 'string' ? [word] : Object.values(word));
const placeholders = (form: string) => [...form.matchAll(/{\w+}/g)].map(String).sort();

test('there is a file for each language of the chat', () => {
  expect(files.sort()).toEqual('ar de en es fr he hi it ja ko nl pl pt ru tr uk zh'.split(' '));
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

describe('a word', () => {
  afterEach(() => words.speak({ language: 'en', words: english }));

  test('has its braces filled, and stays as it is where there is nothing to fill in', () => {
    words.speak({ language: 'de', words: { answering: '{title} {title} {other}' } });
    expect(words.answering('$& Wren')).toBe('$& Wren $& Wren {other}');
    words.speak({ language: 'en', words: english });
    expect(words.answering('Wren')).toBe('Wren is answering');
  });

  test('that depends on a number has the form that the language has for it', () => {
    words.speak({ language: 'en', words: english });
    expect([1, 2].map((count) => words.fill('newMessages', { count }))).toEqual(['1 new message', '2 new messages']);
    words.speak({ language: 'pl-PL', words: read('pl') });
    expect(new Set([1, 2, 5].map((count) => words.fill('newMessages', { count }))).size).toBe(3);
  });
});

describe('what has no word', () => {
  beforeEach(() => words.speak({ language: 'en', words: {} }));
  afterEach(() => words.speak({ language: 'en', words: english }));

  test.each([
    ['openChat', 'Open chat'],
    ['askQuestion', 'Ask question'],
    ['aiAssistant', 'AI assistant'],
    ['away', 'Away'],
    ['failedTitle', 'Failed'],
    ['failedText', ''],
    ['limitedBefore', ''],
    ['limitedAfter', ''],
    ['finePrint', ''],
  ] as const)('is said by its name: %s as "%s"', (name, said) => {
    expect(words.Words[name]).toBe(said);
  });

  test('still says what belongs to it', () => {
    expect(words.sendAgainIn('0:42')).toBe('Send again in 0:42');
    expect(words.fill('unreadMessages', { count: 2 })).toBe('Unread messages 2');
    expect(words.fill('left', { name: 'Maya', title: 'Wren' })).toBe('Left Maya');
    expect(words.fill('introduction', { title: 'Wren' }).trim()).toBe('Wren');
  });

  test('is the exception: a language that lacks one says all others', () => {
    words.speak({ language: 'de', words: { send: 'Senden' } });
    expect([words.Words.send, words.Words.stop]).toEqual(['Senden', 'Stop']);
  });

  test('never says what is no word at all', () => {
    for (const name of Object.keys(english)) {
      expect(words.Words[name as 'send']).toMatch(/^([A-Z][A-Za-z ]*)?$/);
      expect(words.fill(name as 'typing', { name: 'Maya' })).not.toMatch(/undefined|[{}]/);
    }
  });
});
