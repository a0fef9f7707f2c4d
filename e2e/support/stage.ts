/** A chat on a page, with a scripted desk behind it, at one moment in one place. */

import { scriptedSnippet, startScriptedDesk } from './scripted-desk.ts';
import { NOW, type Stage } from './states.ts';
import { test as base } from './test.ts';
import { Widget } from './widget.ts';

export const DESKTOP = { width: 1440, height: 900 };

const ATTRIBUTES = 'data-title="Wren" data-welcome-message="Hello. What can we help you ship?"';

const SETTINGS = {
  suggestions: ['What does it cost to ship to Germany?', 'Where is my parcel?', 'Talk to a person'],
  imageHosts: ['images.example', '*.pictures.example'],
  handoff: true,
};

export const test = base.extend<{ stage: Stage; html: string }>({
  html: ['lang="en"', { option: true }],
  stage: async ({ page, context, site, html }, use) => {
    const desk = await startScriptedDesk();
    desk.settings = SETTINGS;
    const widget = new Widget(page);
    await page.clock.setFixedTime(NOW);
    await widget.visit(site.add({ html, body: scriptedSnippet(desk, ATTRIBUTES) }));
    await use({ page, context, desk, widget });
    await desk.end();
  },
});
test.use({ locale: 'en-US', timezoneId: 'UTC', viewport: DESKTOP });

export { expect } from '@playwright/test';
