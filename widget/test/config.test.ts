import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { findScript, readConfig } from '../src/config';

const REQUIRED = { 'data-api-url': 'https://desk.example/chat', 'data-api-key': 'public-key' };

function script(attributes: Record<string, string>): HTMLScriptElement {
  const element = document.createElement('script');
  element.type = 'text/plain';
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  // The pretended browser does not read it from the attribute.
  element.nonce = attributes.nonce ?? '';
  return element;
}

const readTag = ({ dataset, nonce }: HTMLScriptElement) => readConfig({ ...dataset } as never, nonce);
const read = (attributes: Record<string, string>) => readTag(script({ ...REQUIRED, ...attributes }));

beforeEach(() => {
  document.body.replaceChildren();
});

afterEach(() => {
  vi.restoreAllMocks();
});

describe('the attributes', () => {
  test('all count', () => {
    expect(
      read({
        'data-title': 'Support',
        'data-welcome-message': 'Hey! How can I help?',
        'data-input-placeholder': 'Type your question...',
        'data-position': 'left',
        'data-accent-color': '#0ea5e9',
        'data-theme': 'dark',
        'data-storage': 'session',
        nonce: 'abc',
      }),
    ).toMatchObject({
      apiUrl: 'https://desk.example/chat',
      base: 'https://desk.example',
      apiKey: 'public-key',
      title: 'Support',
      welcomeMessage: 'Hey! How can I help?',
      inputPlaceholder: 'Type your question...',
      position: 'left',
      accentColor: '#0ea5e9',
      theme: 'dark',
      storage: 'session',
      nonce: 'abc',
    });
  });

  test('that are left out have defaults', () => {
    expect(read({})).toMatchObject({
      apiUrl: 'https://desk.example/chat',
      base: 'https://desk.example',
      apiKey: 'public-key',
      title: 'Assistant',
      storage: 'local',
      nonce: '',
    });
  });

  test('that are empty have defaults too', () => {
    expect(read({ 'data-title': '', 'data-welcome-message': '', 'data-storage': '' })).toMatchObject({
      title: 'Assistant',
      storage: 'local',
    });
  });

  test.each<Record<string, string>>([
    {},
    { 'data-api-url': 'https://desk.example/chat' },
    { 'data-api-key': 'key' },
    { ...REQUIRED, 'data-api-key': '' },
  ])('that are required and missing (%o) are named to the developer', (attributes) => {
    const log = vi.spyOn(console, 'error').mockReturnValue();
    expect(readTag(script(attributes))).toBeUndefined();
    expect(log.mock.calls.join()).toMatch(/data-api-url and data-api-key/);
  });

  test('cannot be read without a script tag, which is said as well', () => {
    const log = vi.spyOn(console, 'error').mockReturnValue();
    expect(readConfig(undefined)).toBeUndefined();
    expect(log).toHaveBeenCalledOnce();
  });
});

describe('the address in front of the API', () => {
  test.each([
    ['https://desk.example/chat', 'https://desk.example'],
    ['https://desk.example/chat/', 'https://desk.example'],
    ['https://desk.example/v1/chat', 'https://desk.example'],
    ['https://desk.example/v1/chat/stream', 'https://desk.example'],
    ['https://shop.example/desk/v1/chat/stream', 'https://shop.example/desk'],
    ['https://shop.example/chat/chat', 'https://shop.example/chat'],
    ['http://localhost:4000/chat', 'http://localhost:4000'],
    ['https://desk.example', 'https://desk.example'],
    ['https://desk.example/chat?site=1', 'https://desk.example'],
  ])('of %s is %s', (apiUrl, base) => {
    expect(read({ 'data-api-url': apiUrl })?.base).toBe(base);
  });

  test('may be given relative to the page', () => {
    const config = read({ 'data-api-url': '/desk/chat' });
    expect(config?.apiUrl).toBe(new URL('/desk/chat', document.baseURI).href);
  });
});

describe('the script tag', () => {
  test('is the one that is running', () => {
    const running = script(REQUIRED);
    vi.spyOn(document, 'currentScript', 'get').mockReturnValue(running);
    expect(findScript()).toBe(running);
  });

  test('is found by its address where none is running, and the last one wins', () => {
    for (const src of [
      '/chat-widget.js?v=1',
      '/other.js',
      '/widget/chat-widget.0a1b2c3d4e5f6071.js',
      '/my-chat-widget.js.map',
    ])
      document.body.append(script({ src: `https://desk.example${src}` }));
    expect(findScript()?.src).toBe('https://desk.example/widget/chat-widget.0a1b2c3d4e5f6071.js');
  });

  test('is not an element of the page that calls itself currentScript', () => {
    vi.spyOn(document, 'currentScript', 'get').mockReturnValue(document.createElement('form') as never);
    expect(findScript()).toBeUndefined();
  });
});
