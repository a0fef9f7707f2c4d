import { afterEach, expect, test, vi } from 'vitest';
import { type Config, readConfig } from '../src/config';
import { createCompletion } from '../src/settings';
import type { Voice, WordList } from '../src/words';
import { type Desk, json, openDesk, type Reply, unreachable } from './desk';

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  document.documentElement.removeAttribute('lang');
});

const never: Reply = () => new Promise(() => {});

/** Words, and which language the server says they are in. */
const words = (list: object, language = 'en') => json(200, list, { 'content-language': language });

interface Completed {
  desk: Desk;
  config: Config;
  /** What was asked for, from the server's address on. */
  asked(): string[];
  voices: (Voice & { words: Partial<WordList> })[];
  /** As if it were opened another time. */
  again(...replies: Reply[]): Promise<void>;
}

/** What becomes of a chat with these options, and in which words it speaks, first and last. Words are asked for before settings. */
async function complete(options: object, ...replies: Reply[]): Promise<Completed> {
  const desk = openDesk();
  const config = readConfig({ apiUrl: 'https://desk.example/chat', apiKey: 'key', ...options }) as Config;
  const voices: Completed['voices'] = [];
  const completeConfig = createCompletion(config, (voice) => voices.push(voice as never));
  async function again(...replies: Reply[]) {
    desk.replies.push(...replies);
    await Promise.race([completeConfig(), new Promise((resolve) => setTimeout(resolve, 20))]);
  }
  await again(...replies);
  return { desk, config, asked: () => desk.asked.map(({ url }) => url.slice(20)), voices, again };
}

test('what the page says goes before what the site’s owner has set, and that before the words of the language', async () => {
  const settings = json(200, { title: 'Wren', welcome: 'Moin!', placeholder: 'Ask', finePrint: 'May be wrong.' });
  const english = words({ send: 'Send message', stop: 'Stop answering', finePrint: 'Careful.' });
  const { config, voices } = await complete({ title: 'Support', words: { send: 'Off!' } }, english, settings);
  expect(config).toMatchObject({ title: 'Support', welcomeMessage: 'Moin!', inputPlaceholder: 'Ask' });
  expect(voices.at(-1)?.words).toMatchObject({ finePrint: 'May be wrong.', send: 'Off!', stop: 'Stop answering' });
});

test('the page’s own words go before the owner’s', async () => {
  const { voices } = await complete({ words: { finePrint: 'Mine.' } }, words({}), json(200, { finePrint: 'Theirs.' }));
  expect(voices.at(-1)?.words.finePrint).toBe('Mine.');
});

test('title and greeting are said in the language, if nobody has said another', async () => {
  const german = words({ defaultTitle: 'Assistent', defaultGreeting: 'Hallo.' }, 'de-CH');
  const { config, voices, asked } = await complete({ locale: 'de_ch' }, german, json(200));
  expect(config).toMatchObject({ title: 'Assistent', welcomeMessage: 'Hallo.' });
  expect(voices.at(-1)?.language).toBe('de-CH');
  expect(asked()).toEqual(['/widget/locales/de_ch.json', '/v1/widget/config']);
});

test('a page that says no language is served English, and no page another address', async () => {
  const { asked } = await complete({}, words({}), json(200));
  expect(asked()[0]).toBe('/widget/locales/en.json');
  const odd = await complete({ locale: '../../chat?' }, json(404), json(200));
  expect(odd.asked()[0]).toBe('/widget/locales/..%2F..%2Fchat%3F.json');
});

test('a server that does not say which language it gives, gives the one that it was asked for', async () => {
  const { voices } = await complete({ locale: 'de' }, json(200, { send: 'Senden' }), json(200));
  expect(voices.at(-1)?.language).toBe('de');
});

test('the owner’s language goes before the page’s, and the attribute before both', async () => {
  document.documentElement.lang = 'fr';
  const owner = await complete({}, words({}, 'fr'), json(200, { locale: 'nl' }), words({}, 'nl'));
  expect(owner.asked().at(-1)).toBe('/widget/locales/nl.json');
  expect(owner.voices.at(-1)?.language).toBe('nl');
  const page = await complete({ locale: 'it' }, words({}, 'it'), json(200, { locale: 'nl' }));
  expect(page.voices.at(-1)?.language).toBe('it');
});

test('words do not wait for settings that do not come, nor settings for words', async () => {
  const { voices } = await complete({ locale: 'de' }, words({ send: 'Senden' }, 'de'), never);
  expect(voices.at(-1)?.words.send).toBe('Senden');
  const settled = await complete({ locale: 'de' }, unreachable, json(200, { title: 'Wren' }));
  expect([settled.config.title, settled.voices.at(-1)?.language]).toEqual(['Wren', 'en']);
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

/** What a server of another day, a broken one, and somebody on the way may answer. */
const FAILURES: [string, Reply][] = [
  ['nothing', unreachable],
  ['404', json(404, { error: 'Not found' })],
  ['500', json(500)],
  ['something else than JSON', async () => ({ ok: true, json: () => Promise.reject(new SyntaxError()) }) as never],
  ['JSON that is nothing', json(200, null)],
];

test.each(FAILURES)('where %s comes, the chat is as the page says', async (_, failure) => {
  const { config, voices } = await complete({ title: 'Support', words: { send: 'Off!' } }, failure, failure);
  expect([config.title, config.welcomeMessage]).toEqual(['Support', undefined]);
  expect(voices.at(-1)).toMatchObject({ language: 'en', words: { send: 'Off!' } });
});

test.each(FAILURES)('where %s came, it is asked again the next time, until all is there', async (_, failure) => {
  const chat = await complete({ locale: 'de' }, failure, failure);
  await chat.again(failure, json(200, { title: 'Wren' }));
  expect(chat.config.title).toBe('Wren');
  await chat.again(words({ send: 'Senden', defaultGreeting: 'Hallo.' }, 'de'), failure);
  await chat.again(failure, failure);
  expect([chat.config.welcomeMessage, chat.config.title]).toEqual(['Hallo.', 'Wren']);
  expect(chat.voices.at(-1)).toMatchObject({ language: 'de', words: { send: 'Senden' } });
  await chat.again(words({ send: 'Senden' }, 'de'), json(200, {}));
  const { length } = chat.asked();
  await chat.again();
  expect(chat.asked()).toHaveLength(length);
});

test('what is on its way is not asked for twice', async () => {
  const chat = await complete({}, never, never);
  await chat.again();
  expect(chat.asked()).toHaveLength(2);
});

test.each(['base', 'apiUrl', 'apiKey', 'target', 'nonce', 'given'])('settings cannot change %s', async (name) => {
  const { config } = await complete({}, words({}), json(200, { [name]: 'https://evil.example' }));
  expect(config[name as 'base']).not.toBe('https://evil.example');
});
