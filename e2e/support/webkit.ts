/** Debian's WebKitGTK, driven by its own WebDriver: plain requests, because Playwright knows no other WebKit than its own build. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { endWithUs, freePort } from './server.ts';

/** A busy machine may take long to start a browser. */
const PATIENCE = 20_000;

/** How WebDriver names keys that are no characters. */
export const Key = { Escape: '\uE00C', Enter: '\uE007', ArrowDown: '\uE015' } as const;

/** Lets tests look into the closed shadow root of a page that has this in its head. */
export const OPEN_SHADOW = `const { attachShadow } = Element.prototype;
Element.prototype.attachShadow = function (options) { return attachShadow.call(this, { ...options, mode: 'open' }); };`;

/** The chat's own tree, for scripts in the page. */
const CHAT = `const chat = document.querySelector('[data-frontdesk]')?.shadowRoot;`;

export interface Driver {
  url: string;
  end(): Promise<void>;
}

/** Starts a screen that nobody sees, and the driver on it. */
export async function startDriver(): Promise<Driver> {
  const screen = spawn('Xvfb', ['-displayfd', '1', '-screen', '0', '1440x1000x24', '-nolisten', 'tcp'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  endWithUs(screen);
  await once(screen, 'spawn');
  const [display] = await once(screen.stdout, 'data');
  const port = await freePort();
  const driver = spawn('WebKitWebDriver', ['--host=127.0.0.1', `--port=${port}`], {
    stdio: 'ignore',
    env: {
      ...process.env,
      DISPLAY: `:${String(display).trim()}`,
      GDK_BACKEND: 'x11',
      NO_AT_BRIDGE: '1',
      WEBKIT_DISABLE_DMABUF_RENDERER: '1',
      LC_ALL: 'C.UTF-8',
    },
  });
  endWithUs(driver);
  await once(driver, 'spawn');
  const url = `http://127.0.0.1:${port}`;
  for (const end = Date.now() + PATIENCE; ; await pause(50)) {
    const reached = await fetch(`${url}/status`).catch(() => undefined);
    if (reached?.ok) break;
    if (Date.now() > end) throw new Error('WebKitWebDriver does not answer');
  }
  return {
    url,
    async end() {
      for (const child of [driver, screen]) {
        const ended = once(child, 'exit');
        child.kill();
        await ended;
      }
    },
  };
}

/** A window of the browser, and the chat on the page in it. */
export class WebKit {
  private constructor(private readonly session: string) {}

  static async start({ url }: Driver): Promise<WebKit> {
    const { sessionId } = await request(`${url}/session`, 'POST', { capabilities: {} });
    return new WebKit(`${url}/session/${sessionId}`);
  }

  visit = (url: string) => this.post('url', { url });
  reload = () => this.post('refresh', {});
  end = () => request(this.session, 'DELETE');

  /** Runs a script in the page, to which `chat` is the root of the chat, and gives what it returns. */
  // biome-ignore lint/suspicious/noExplicitAny: what a script returns is for its caller to know
  run(script: string, ...args: unknown[]): Promise<any> {
    return this.post('execute/sync', { script: `${CHAT} ${script}`, args });
  }

  /** The text of all elements of the chat that match, as it is seen. */
  text(selector: string): Promise<string> {
    return this.run(
      `return [...(chat?.querySelectorAll(arguments[0]) ?? [])].map((e) => e.innerText.trim()).join('\\n')`,
      selector,
    );
  }

  /** How many elements of the chat match. */
  count(selector: string): Promise<number> {
    return this.run('return chat?.querySelectorAll(arguments[0]).length ?? 0', selector);
  }

  style(selector: string, property: string): Promise<string> {
    return this.run('return getComputedStyle(chat.querySelector(arguments[0]))[arguments[1]]', selector, property);
  }

  /** Whether the focus is on the element. */
  isFocused(selector: string): Promise<boolean> {
    return this.run('return !!chat?.activeElement?.matches(arguments[0])', selector);
  }

  /** Clicks an element as soon as it is there, where it is: the driver's own click does not look into shadow roots. */
  async click(selector: string): Promise<void> {
    await this.find(selector);
    const [x, y] = await this.run(
      'const box = chat.querySelector(arguments[0]).getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2].map(Math.round)',
      selector,
    );
    const actions = [
      { type: 'pointerMove', duration: 0, x, y },
      { type: 'pointerDown', button: 0 },
      { type: 'pointerUp', button: 0 },
    ];
    await this.post('actions', { actions: [{ type: 'pointer', id: 'mouse', actions }] });
  }

  async focus(selector: string): Promise<void> {
    await this.find(selector);
    await this.run('chat.querySelector(arguments[0]).focus()', selector);
  }

  /** Presses keys, one after the other, where the focus is. */
  async press(...keys: string[]): Promise<void> {
    const actions = keys.flatMap((value) => [
      { type: 'keyDown', value },
      { type: 'keyUp', value },
    ]);
    await this.post('actions', { actions: [{ type: 'key', id: 'keyboard', actions }] });
  }

  async send(question: string): Promise<void> {
    await this.click('.field textarea');
    await this.press(...question);
    await this.click('[aria-label="Send message"]');
  }

  /** Waits until an element can be seen, and no longer moves. */
  private async find(selector: string): Promise<void> {
    let before = '';
    for (const end = Date.now() + PATIENCE; ; await pause(50)) {
      const place = await this.run(
        `const e = chat?.querySelector(arguments[0]);
        return e && getComputedStyle(e).visibility !== 'hidden' ? JSON.stringify(e.getBoundingClientRect()) : ''`,
        selector,
      );
      if (place && place === before) return;
      before = place;
      if (Date.now() > end) throw new Error(`There is no ${selector}`);
    }
  }

  private post(path: string, body: object) {
    return request(`${this.session}/${path}`, 'POST', body);
  }
}

// biome-ignore lint/suspicious/noExplicitAny: each command has a reply of its own
async function request(url: string, method: string, body?: object): Promise<any> {
  const response = await fetch(url, { method, body: body && JSON.stringify(body) });
  const { value } = await response.json();
  if (!response.ok) throw new Error(`WebDriver: ${value?.error}: ${value?.message}`);
  return value;
}
