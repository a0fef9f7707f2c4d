/** Pictures of the chat that are the same on every machine. */

import { readFileSync } from 'node:fs';
import type { Page } from '@playwright/test';

/**
 * A font in which every character is the same box, half an em wide. With a real font the pictures would change with the fonts
 * of the machine and the version of what draws them; what the words are, the other tests see to.
 */
const SQUARE = readFileSync(new URL('square.ttf', import.meta.url)).toString('base64');

/** Draws all text of the chat in boxes from now on. */
export async function drawBoxes(page: Page): Promise<void> {
  await page.evaluate(async (font) => {
    const face = new FontFace('Square', `url(data:font/ttf;base64,${font})`);
    document.fonts.add(await face.load());
    const sheet = new CSSStyleSheet();
    sheet.replaceSync('* { font-family: Square !important; } textarea { caret-color: transparent; }');
    for (const host of document.querySelectorAll('[data-frontdesk]')) host.shadowRoot?.adoptedStyleSheets.push(sheet);
    await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
  }, SQUARE);
}
