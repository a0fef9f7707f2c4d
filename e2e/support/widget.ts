/** The chat on a page, as a visitor sees it. */

import type { Locator, Page } from '@playwright/test';
import { type Desk, WIDGET_KEY } from './desk.ts';

/** The script tag that a site's owner pastes. */
export function snippet(desk: Desk, attributes = ''): string {
  return `<script src="${desk.api}/widget/chat-widget.js" data-api-url="${desk.api}/chat" data-api-key="${WIDGET_KEY}" ${attributes} defer></script>`;
}

export class Widget {
  readonly launcher: Locator;
  readonly panel: Locator;
  readonly field: Locator;
  readonly log: Locator;
  readonly stop: Locator;
  /** What was announced to people who use a screen reader. */
  readonly status: Locator;

  constructor(readonly page: Page) {
    this.launcher = page.locator('.launcher');
    this.panel = page.getByRole('dialog');
    this.field = page.getByRole('textbox', { name: 'Your message' });
    this.log = page.getByRole('log');
    this.stop = page.getByRole('button', { name: 'Stop answering' });
    this.status = page.getByRole('status');
  }

  /** Opens a page. */
  async visit(url: string): Promise<void> {
    await this.look();
    await this.page.goto(url);
    await this.launcher.waitFor();
  }

  /** Lets tests look into the closed shadow roots of the pages to come. */
  async look(): Promise<void> {
    await this.page.addInitScript(() => {
      const { attachShadow } = Element.prototype;
      Element.prototype.attachShadow = function (options) {
        return attachShadow.call(this, { ...options, mode: 'open' });
      };
    });
  }

  async open(): Promise<void> {
    await this.launcher.click();
    // Until its words are there it stays back.
    await this.panel.and(this.page.locator(':not(.waiting)')).waitFor();
  }

  /** Sends a message as one can with a mouse and on a phone alike. */
  async send(text: string): Promise<void> {
    await this.field.fill(text);
    await this.page.locator('.send').click();
  }

  /** The answers so far, oldest first. */
  answers(): Locator {
    return this.log.locator('.md');
  }

  /** The visitor's messages so far. */
  questions(): Locator {
    return this.log.getByRole('article', { name: 'You' });
  }

  /** Sends a message and waits for the whole answer. */
  async ask(text: string): Promise<void> {
    const before = await this.done().count();
    await this.send(text);
    await this.done().nth(before).waitFor();
  }

  private done(): Locator {
    return this.log.getByRole('button', { name: 'Copy answer' });
  }
}
