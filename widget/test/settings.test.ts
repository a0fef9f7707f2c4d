import { afterEach, expect, test, vi } from 'vitest';
import { type Config, readConfig } from '../src/config';
import { completeConfig } from '../src/settings';
import type { Voice } from '../src/words';
import { json, openDesk, type Reply, unreachable } from './desk';

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  document.documentElement.removeAttribute('lang');
});

const never: Reply = () => new Promise(() => {});

/** What becomes of a chat with these options, and in which words it speaks, first and last. */
async function complete(options: object, ...replies: Reply[]) {
  const desk = openDesk(...replies);
  const config = readConfig({ apiUrl: 'https://desk.example/chat', apiKey: 'key', ...options }) as Config;
  const voices: Voice[] = [];
  const done = completeConfig(config, (voice) => voices.push(voice));
  await Promise.race([done, new Promise((resolve) => setTimeout(resolve, 20))]);
  return { config, asked: desk.asked.map(({ url }) => url.slice(20)), last: voices.at(-1), voices };
}

test('what the page says goes before what the site’s owner has set, and that before the words of the language', async () => {
  const settings = json(200, { title: 'Wren', welcome: 'Moin!', placeholder: 'Ask', finePrint: 'May be wrong.' });
  const { config, last } = await complete({ title: 'Support', words: { send: 'Off!' } }, settings);
  expect(config).toMatchObject({ title: 'Support', welcomeMessage: 'Moin!', inputPlaceholder: 'Ask' });
  expect(last?.words).toMatchObject({ finePrint: 'May be wrong.', send: 'Off!', stop: 'Stop answering' });
});

test('the page’s own words go before the owner’s', async () => {
  const { last } = await complete({ words: { finePrint: 'Mine.' } }, json(200, { finePrint: 'Theirs.' }));
  expect(last?.words.finePrint).toBe('Mine.');
});

test('title and greeting are said in the language, if nobody has said another', async () => {
  const german = json(200, { defaultTitle: 'Assistent', defaultGreeting: 'Hallo.' });
  const { config, last, asked } = await complete({ locale: 'de-CH' }, german, json(200));
  expect(config).toMatchObject({ title: 'Assistent', welcomeMessage: 'Hallo.' });
  expect(last?.language).toBe('de-CH');
  expect(asked).toEqual(['/widget/locales/de.json', '/v1/widget/config']);
});

test('the owner’s language goes before the page’s, and the attribute before both', async () => {
  document.documentElement.lang = 'fr';
  const words = json(200, { send: 'x' });
  const owner = await complete({}, words, json(200, { locale: 'nl' }), words);
  expect(owner.asked.at(-1)).toBe('/widget/locales/nl.json');
  expect(owner.last?.language).toBe('nl');
  const page = await complete({ locale: 'it' }, words, json(200, { locale: 'nl' }));
  expect(page.last?.language).toBe('it');
});

test('words do not wait for settings that do not come, nor settings for words', async () => {
  const words = await complete({ locale: 'de' }, json(200, { send: 'Senden' }), never);
  expect(words.last?.words.send).toBe('Senden');
  const { config, last } = await complete({ locale: 'de' }, unreachable, json(200, { title: 'Wren' }));
  expect([config.title, last?.language, last?.words.send]).toEqual(['Wren', 'en', 'Send message']);
});

test('words that do not come hold back what the owner has set for some seconds only', async () => {
  const patience = new AbortController();
  vi.spyOn(AbortSignal, 'timeout').mockReturnValue(patience.signal);
  const hanging: Reply = (signal) =>
    new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
  const { config, voices } = await complete({ locale: 'de' }, hanging, json(200, { title: 'Wren' }));
  expect(voices).toEqual([]);
  patience.abort();
  await vi.waitFor(() => expect(voices.at(-1)?.language).toBe('en'));
  expect(config.title).toBe('Wren');
});

test('where nothing can be fetched, nothing changes', async () => {
  const { config, last } = await complete({ title: 'Support' }, unreachable);
  expect([config.title, config.welcomeMessage, last?.words.send]).toEqual([
    'Support',
    'Hello. How can we help?',
    'Send message',
  ]);
});

test.each(['base', 'apiUrl', 'apiKey', 'target', 'nonce', 'given'])('settings cannot change %s', async (name) => {
  const { config } = await complete({}, json(200, { [name]: 'https://evil.example' }));
  expect(config[name as 'base']).not.toBe('https://evil.example');
});
