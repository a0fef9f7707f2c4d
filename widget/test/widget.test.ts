import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Config } from '../src/config';
import type { FrontdeskChat } from '../src/frontdesk';
import { mount as mountChat } from '../src/widget';
import { config, openDesk } from './desk';

/** The roots that the page cannot see. */
let roots: ShadowRoot[];
let chats: (FrontdeskChat | undefined)[];

function mount(given: Config): FrontdeskChat | undefined {
  const chat = mountChat(given);
  chats.push(chat);
  return chat;
}

beforeEach(() => {
  roots = [];
  chats = [];
  const attach = Element.prototype.attachShadow;
  vi.spyOn(Element.prototype, 'attachShadow').mockImplementation(function (this: Element, options) {
    const root = attach.call(this, options);
    roots.push(root);
    return root;
  });
  localStorage.clear();
  sessionStorage.clear();
});

afterEach(() => {
  for (const chat of chats) chat?.destroy();
  document.body.replaceChildren();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

const hosts = () => document.querySelectorAll('[data-frontdesk]');

test('before the first click there is one button, nothing stored and nothing asked', () => {
  const desk = openDesk();
  mount(config);
  expect(roots[0]?.querySelectorAll('button')).toHaveLength(1);
  expect(roots[0]?.querySelector('button')?.getAttribute('aria-label')).toBe('Open chat');
  expect([desk.asked.length, localStorage.length, sessionStorage.length]).toEqual([0, 0, 0]);
});

test('the page cannot look inside', () => {
  mount(config);
  expect(hosts()[0]?.shadowRoot).toBeNull();
});

test('the same chat is there once, another one besides', () => {
  mount(config);
  mount(config);
  expect(hosts()).toHaveLength(1);
  mount({ ...config, apiKey: 'another-key' });
  mount({ ...config, apiKey: 'another-key' });
  expect(hosts()).toHaveLength(2);
});

test('it stands in the corner and has the name that the page asks for', () => {
  mount({ ...config, position: 'left', title: 'Support' });
  const chat = roots[0]?.querySelector('section');
  expect(chat?.className.split(' ')).toContain('left');
  expect(chat?.getAttribute('aria-label')).toBe('Support');
});

test.each([
  ['dark', false, true],
  ['light', true, false],
  [undefined, true, true],
  [undefined, false, false],
  ['sepia', true, true],
])('with the theme %s, on a system that is dark: %s, the chat is dark: %s', (theme, system, dark) => {
  vi.spyOn(window, 'matchMedia').mockImplementation(
    () => ({ matches: system, addEventListener() {} }) as unknown as MediaQueryList,
  );
  mount({ ...config, theme });
  expect(roots[0]?.querySelector('section')?.classList.contains('dark')).toBe(dark);
});

test('without constructable style sheets the nonce of the script goes to a style element', () => {
  vi.stubGlobal('CSSStyleSheet', undefined);
  mount({ ...config, nonce: 'abc' });
  const style = roots[0]?.querySelector('style');
  expect(style?.nonce).toBe('abc');
  expect(style?.textContent).toContain(':host');
});
