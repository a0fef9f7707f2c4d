import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { openSession, randomId } from '../src/session';
import { config } from './desk';

const open = (storage: string) => openSession({ ...config, storage });
const sizes = () => [localStorage.length, sessionStorage.length];

beforeEach(() => {
  localStorage.clear();
  sessionStorage.clear();
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe('the secret', () => {
  test('is 43 characters of base64url', () => {
    for (let times = 0; times < 200; times++) expect(open('none').ensure().secret).toMatch(/^[\w-]{43}$/);
  });

  test('is made of the random bytes of the browser, all 256 bits of them', () => {
    const bytes = Uint8Array.from({ length: 32 }, (_, index) => index * 8 + 7);
    vi.spyOn(crypto, 'getRandomValues').mockImplementation((array) => {
      (array as unknown as Uint8Array).set(bytes.slice(0, array?.byteLength));
      return array;
    });
    expect([...Buffer.from(randomId(32), 'base64url')]).toEqual([...bytes]);
  });

  test('needs nothing that pages without https lack', () => {
    vi.stubGlobal('crypto', { getRandomValues: crypto.getRandomValues.bind(crypto) });
    expect(open('local').ensure().secret).toHaveLength(43);
  });

  test('and the id are new for everybody', () => {
    const all = Array.from({ length: 100 }, () => open('none').ensure()).flatMap(({ id, secret }) => [id, secret]);
    expect(new Set(all).size).toBe(200);
  });

  test('goes with an id that the server accepts', () => {
    expect(open('local').ensure().id).toMatch(/^[A-Za-z0-9._:-]{1,128}$/);
  });
});

describe('nothing is stored', () => {
  test('by a page that was only looked at', () => {
    const session = open('local');
    session.current();
    session.tabState();
    session.updateTab({ open: false });
    expect(sizes()).toEqual([0, 0]);
  });

  test('that outlives the tab before a message is sent', () => {
    open('local').updateTab({ open: true, draft: 'Hello' });
    expect(sizes()).toEqual([0, 1]);
  });

  test('any more once the chat is closed, the draft empty and every message sent', () => {
    const session = open('local');
    session.updateTab({ open: true, draft: 'Hello', unsent: [{ key: 'k', question: 'q', askedAt: 1 }] });
    session.updateTab({ open: false, draft: '', unsent: [] });
    expect(sizes()).toEqual([0, 0]);
  });

  test('of a visitor who started over', () => {
    const session = open('local');
    session.ensure();
    session.forget();
    expect([session.current(), ...sizes()]).toEqual([undefined, 0, 0]);
  });
});

describe('data-storage', () => {
  test.each([
    ['local', [1, 1]],
    ['session', [0, 2]],
    ['none', [0, 0]],
    ['memory', [0, 0]],
    ['cookies', [0, 0]],
  ])('"%s" decides where things are kept: %o', (storage, counts) => {
    const session = open(storage);
    const identity = session.ensure();
    session.updateTab({ draft: 'Hello' });
    expect(sizes()).toEqual(counts);
    expect([session.current(), session.tabState().draft]).toEqual([identity, 'Hello']);
  });

  test.each(['local', 'session'])('"%s" brings the visitor back on the next page', (storage) => {
    const identity = open(storage).ensure();
    expect(open(storage).ensure()).toEqual(identity);
  });

  test('"none" forgets the visitor with the page', () => {
    open('none').ensure();
    expect(open('none').current()).toBeUndefined();
  });
});

describe('a storage that does not work', () => {
  test('because it is blocked is replaced by memory', () => {
    for (const name of ['localStorage', 'sessionStorage'])
      vi.spyOn(window, name as 'localStorage', 'get').mockImplementation(() => {
        throw new DOMException('', 'SecurityError');
      });
    const session = open('local');
    const identity = session.ensure();
    session.updateTab({ draft: 'Hello' });
    expect([session.ensure(), session.tabState().draft]).toEqual([identity, 'Hello']);
    session.forget();
    expect(session.current()).toBeUndefined();
  });

  test('because it is full is replaced by memory', () => {
    vi.stubGlobal('localStorage', {
      getItem: () => null,
      setItem() {
        throw new DOMException('', 'QuotaExceededError');
      },
      removeItem() {},
    });
    const session = open('local');
    expect(session.ensure()).toEqual(session.ensure());
  });

  test('because something else was written there is written anew', () => {
    const session = open('local');
    const identity = session.ensure();
    localStorage.setItem(localStorage.key(0) as string, '{broken');
    expect(open('local').current()).toBeUndefined();
    expect(open('local').ensure()).not.toEqual(identity);
  });
});

test('two sites behind one origin do not share a visitor', () => {
  const one = openSession(config).ensure();
  expect(openSession({ ...config, apiKey: 'another-key' }).current()).toBeUndefined();
  expect(openSession({ ...config, base: 'https://other.example' }).current()).toBeUndefined();
  expect(openSession(config).current()).toEqual(one);
});

describe('without consent', () => {
  const ask = () => openSession({ ...config, consent: 'required' });

  test('nothing is stored, and the chat lives in memory', () => {
    const session = ask();
    const identity = session.ensure();
    session.updateTab({ open: true, draft: 'Hello' });
    expect([session.current(), session.tabState().draft, ...sizes()]).toEqual([identity, 'Hello', 0, 0]);
  });

  test('that is given later, the same visitor and the same draft are stored then', () => {
    const session = ask();
    const identity = session.ensure();
    session.updateTab({ draft: 'Hello' });
    session.consent(true);
    expect([session.current(), session.tabState().draft, ...sizes()]).toEqual([identity, 'Hello', 1, 1]);
  });

  test('a visitor who gave it on an earlier page is known as soon as it is given again', () => {
    const identity = open('local').ensure();
    const session = ask();
    expect(session.current()).toBeUndefined();
    session.consent(true);
    expect(session.current()).toEqual(identity);
  });

  test('that is taken back, what was stored is removed, and the conversation goes on in memory', () => {
    const session = open('local');
    const identity = session.ensure();
    session.updateTab({ draft: 'Hello' });
    session.consent(false);
    expect([session.current(), session.tabState().draft, ...sizes()]).toEqual([identity, 'Hello', 0, 0]);
    expect(open('local').current()).toBeUndefined();
  });
});
