import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createFrontdesk, type FrontdeskChat, type FrontdeskOptions } from '../src/frontdesk';
import { create } from '../src/widget';
import { json, openDesk, says, settle } from './desk';

const OPTIONS: FrontdeskOptions = { apiUrl: 'https://desk.example/chat', apiKey: 'public-key' };

let roots: ShadowRoot[];
let made: (FrontdeskChat | undefined)[];
const page = () =>
  createFrontdesk((options, gone) => {
    const chat = create(options, gone);
    made.push(chat);
    return chat;
  });

const hosts = () => document.querySelectorAll('[data-frontdesk]');
const nothing = json(404);

beforeEach(() => {
  roots = [];
  made = [];
  const attach = Element.prototype.attachShadow;
  vi.spyOn(Element.prototype, 'attachShadow').mockImplementation(function (this: Element, options) {
    const root = attach.call(this, options);
    roots.push(root);
    return root;
  });
  localStorage.clear();
  sessionStorage.clear();
  openDesk(...Array.from({ length: 20 }, () => nothing));
});

afterEach(() => {
  for (const chat of made) chat?.destroy();
  document.body.replaceChildren();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe('the API of the page', () => {
  test('makes calls that came before there was a chat, in their order', () => {
    const frontdesk = page();
    const happened: string[] = [];
    frontdesk.push(
      ['on', 'open', () => happened.push('open')] as never,
      ['on', 'close', () => happened.push('close')] as never,
    );
    frontdesk.open();
    frontdesk.close();
    expect(happened).toEqual([]);
    frontdesk.create(OPTIONS);
    expect(happened).toEqual(['open', 'close']);
  });

  test('cannot be changed by the page', () => {
    const frontdesk = page();
    expect(() => {
      frontdesk.open = () => {};
    }).toThrow(TypeError);
  });

  test('ignores what it does not know', () => {
    const frontdesk = page();
    frontdesk.create(OPTIONS);
    expect(() => frontdesk.push(['explode'])).not.toThrow();
  });

  test('speaks to the first chat, and to the next one when that is gone', () => {
    const frontdesk = page();
    const first = frontdesk.create(OPTIONS);
    frontdesk.create({ ...OPTIONS, apiKey: 'another-key' });
    frontdesk.open();
    expect(roots.map((root) => root.querySelectorAll('.panel').length)).toEqual([1, 0]);
    first?.destroy();
    frontdesk.open();
    expect(hosts()).toHaveLength(1);
  });

  test('gives each chat an API of its own', () => {
    const frontdesk = page();
    frontdesk.create(OPTIONS);
    frontdesk.create({ ...OPTIONS, apiKey: 'another-key' })?.open();
    expect(roots.map((root) => root.querySelectorAll('.panel').length)).toEqual([0, 1]);
  });

  test('stops calling a listener that was taken away, early or late', () => {
    const frontdesk = page();
    const early = vi.fn();
    const late = vi.fn();
    frontdesk.on('open', early)();
    frontdesk.create(OPTIONS);
    frontdesk.on('open', late)();
    frontdesk.open();
    expect([early, late].map(({ mock }) => mock.calls.length)).toEqual([0, 0]);
  });
});

describe('a chat', () => {
  test('tells that it is ready, opened and closed', async () => {
    const happened: string[] = [];
    const chat = create(OPTIONS);
    made.push(chat);
    for (const event of ['ready', 'open', 'close'] as const) chat?.on(event, () => happened.push(event));
    await Promise.resolve();
    chat?.open();
    chat?.open();
    chat?.toggle();
    chat?.close();
    expect(happened).toEqual(['ready', 'open', 'close']);
  });

  test('sends a message for the visitor, and tells of it and of its answer', async () => {
    vi.useFakeTimers();
    openDesk(
      nothing,
      nothing,
      says({ type: 'start', messageId: 'a1', seq: 0 }, { type: 'done', message: 'Yes.', status: 'complete', seq: 4 }),
      ...Array.from({ length: 9 }, () => nothing),
    );
    const chat = create(OPTIONS);
    made.push(chat);
    const heard: unknown[] = [];
    chat?.on('message', (detail) => heard.push(detail));
    chat?.on('answer', (detail) => heard.push(detail));
    chat?.send('Do you ship to Norway?');
    await vi.advanceTimersByTimeAsync(100);
    await settle();
    expect(heard).toEqual([{ text: 'Do you ship to Norway?' }, { id: 'a1', text: 'Yes.' }]);
    vi.useRealTimers();
  });

  test.each([
    ['until its words and looks are there', [json(200, { send: 'Senden' }), json(200, {})], 0],
    ['for a moment at most', [async () => new Promise<never>(() => {}), nothing], 400],
  ] as const)('stays back when it is opened for the first time, %s', async (_, replies, held) => {
    vi.useFakeTimers();
    openDesk(...replies);
    const chat = create({ ...OPTIONS, locale: 'de' });
    made.push(chat);
    chat?.open();
    const panel = roots[0]?.querySelector('.panel');
    const isBack = () => panel?.classList.contains('waiting');
    expect(isBack()).toBe(true);
    if (held) await vi.advanceTimersByTimeAsync(held - 1);
    expect(isBack()).toBe(true);
    await vi.advanceTimersByTimeAsync(50);
    expect(isBack()).toBe(false);
    vi.useRealTimers();
  });

  test('fills the element that it is given, opened, without a launcher, and stores nothing', () => {
    document.body.innerHTML = '<div id="help"></div>';
    made.push(create({ ...OPTIONS, target: '#help' }));
    expect(document.querySelector('#help > [data-frontdesk]')).not.toBeNull();
    expect(roots[0]?.querySelectorAll('.launcher')).toHaveLength(0);
    expect(roots[0]?.querySelectorAll('.panel')).toHaveLength(1);
    expect([localStorage.length, sessionStorage.length]).toEqual([0, 0]);
  });

  test('is not made for an element that is not there, which the developer is told', () => {
    const log = vi.spyOn(console, 'error').mockReturnValue();
    expect(create({ ...OPTIONS, target: '#missing' })).toBeUndefined();
    expect(log.mock.calls.join()).toContain('#missing');
  });

  test('lets go of everything when it is destroyed, and may come again', () => {
    const added: string[] = [];
    const signals: (AbortSignal | undefined)[] = [];
    for (const target of [window, document] as EventTarget[])
      vi.spyOn(target, 'addEventListener').mockImplementation((name, _listener, options) => {
        added.push(name);
        signals.push((options as AddEventListenerOptions | undefined)?.signal);
      });
    const disconnect = vi.spyOn(ResizeObserver.prototype, 'disconnect');
    const chat = create(OPTIONS);
    chat?.open();
    chat?.destroy();
    expect(added).toEqual(expect.arrayContaining(['online', 'offline', 'visibilitychange']));
    expect(signals.every((signal) => signal?.aborted)).toBe(true);
    expect(disconnect).toHaveBeenCalledOnce();
    expect(hosts()).toHaveLength(0);
    made.push(create(OPTIONS));
    expect(hosts()).toHaveLength(1);
  });
});
