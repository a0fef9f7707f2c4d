import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { act, createElement, StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createApp, h, nextTick, ref } from 'vue';
import { FrontdeskChat as ReactChat } from '../package/react';
import { FrontdeskChat as VueChat } from '../package/vue';
import type { FrontdeskChat } from '../src/frontdesk';
import { json, openDesk } from './desk';

const OPTIONS = { apiUrl: 'https://desk.example/chat', apiKey: 'public-key' };

let place: HTMLElement;
const hosts = () => document.querySelectorAll<HTMLElement>('[data-frontdesk]');

beforeEach(() => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true);
  localStorage.clear();
  sessionStorage.clear();
  openDesk(...Array.from({ length: 20 }, () => json(404)));
  place = document.createElement('div');
  document.body.append(place);
});

afterEach(() => {
  place.remove();
  vi.unstubAllGlobals();
});

describe('the React component', () => {
  test('is a chat while it is mounted, once, also in strict mode', async () => {
    const root = createRoot(place);
    await act(async () => root.render(createElement(StrictMode, {}, createElement(ReactChat, OPTIONS))));
    expect(hosts()).toHaveLength(1);
    expect(place.innerHTML).toBe('');
    await act(async () => root.unmount());
    expect(hosts()).toHaveLength(0);
  });

  test('fills its own element, tells the newest listener, and gives the API', async () => {
    const root = createRoot(place);
    let chat: FrontdeskChat | undefined;
    const [early, late] = [vi.fn(), vi.fn()];
    const render = (onOpen: () => void) =>
      act(async () =>
        root.render(
          createElement(ReactChat, {
            ...OPTIONS,
            onOpen,
            onReady: (made) => {
              chat = made;
            },
          }),
        ),
      );
    await render(early);
    const host = hosts()[0];
    await render(late);
    expect(hosts()[0]).toBe(host);
    act(() => chat?.open());
    expect([early, late].map(({ mock }) => mock.calls.length)).toEqual([0, 1]);
    await act(async () => root.render(createElement(ReactChat, { ...OPTIONS, inline: true, className: 'help' })));
    expect(place.querySelector('.help > [data-frontdesk]')).not.toBeNull();
    await act(async () => root.unmount());
  });
});

describe('the Vue component', () => {
  test('is a chat while it is mounted, with other options another one', async () => {
    const options = ref(OPTIONS);
    const opened = vi.fn();
    let chat: FrontdeskChat | undefined;
    const app = createApp(() =>
      h(VueChat, {
        options: options.value,
        onOpen: opened,
        onReady: (made: FrontdeskChat) => {
          chat = made;
        },
      }),
    );
    app.mount(place);
    await vi.waitFor(() => expect(chat).toBeDefined());
    expect(hosts()).toHaveLength(1);
    chat?.open();
    expect(opened).toHaveBeenCalledOnce();
    options.value = { ...OPTIONS, apiKey: 'another-key' };
    await nextTick();
    expect([...hosts()].map(({ dataset }) => dataset.frontdesk)).toEqual(['https://desk.example/chat another-key']);
    app.unmount();
    expect(hosts()).toHaveLength(0);
  });

  test('fills its own element', async () => {
    const app = createApp(() => h(VueChat, { options: OPTIONS, inline: true, class: 'help' }));
    app.mount(place);
    await nextTick();
    expect(place.querySelector('.help > [data-frontdesk]')).not.toBeNull();
    app.unmount();
  });
});

test('the package is built with types, and can be imported where there is no page', () => {
  const folder = mkdtempSync(join(tmpdir(), 'frontdesk-package-'));
  const script = `
    import { buildPackage } from './package/build.mjs';
    await buildPackage(${JSON.stringify(folder)});
    const { createChat, EVENTS } = await import(${JSON.stringify(join(folder, 'index.js'))});
    console.log(typeof createChat, EVENTS.length, typeof Frontdesk);`;
  const printed = execFileSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' });
  expect(printed.trim()).toBe('function 7 undefined');
  for (const name of ['index', 'react', 'vue']) {
    expect(readdirSync(folder)).toContain(`${name}.js`);
    expect(readdirSync(join(folder, 'package'))).toContain(`${name}.d.ts`);
  }
  rmSync(folder, { recursive: true });
});
