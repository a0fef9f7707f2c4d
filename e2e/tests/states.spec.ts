/** Every state of the chat, on a desktop and on a phone, light and dark: how it looks, and that axe-core finds nothing. */

import { findings } from '../support/accessibility.ts';
import { drawBoxes } from '../support/looks.ts';
import { DESKTOP, expect, test } from '../support/stage.ts';
import { STATES, type Stage } from '../support/states.ts';

const PHONE = { width: 390, height: 844 };

/** The chat as it looks in this state, with everything around it that belongs to it. */
async function shoot({ page, widget }: Stage, name: string): Promise<void> {
  const { width, height } = page.viewportSize() ?? DESKTOP;
  const isOpen = await widget.panel.isVisible();
  const options = { animations: 'disabled', maxDiffPixelRatio: 0.002 } as const;
  if (isOpen) await expect(widget.panel).toHaveScreenshot(`${name}.png`, options);
  else
    await expect(page).toHaveScreenshot(`${name}.png`, {
      ...options,
      clip: { x: width - 360, y: height - 220, width: 360, height: 220 },
    });
}

for (const [name, reach] of Object.entries(STATES)) {
  test(name, async ({ stage }) => {
    const { page } = stage;
    await reach(stage);
    expect(await findings(page)).toEqual([]);
    await drawBoxes(page);
    await shoot(stage, `${name}-desktop`);
    await page.emulateMedia({ colorScheme: 'dark' });
    await shoot(stage, `${name}-dark`);
    await page.setViewportSize(PHONE);
    expect(await findings(page)).toEqual([]);
    await page.emulateMedia({ colorScheme: 'light' });
    await shoot(stage, `${name}-phone`);
  });
}

test.describe('on a page from right to left', () => {
  test.use({ html: 'dir="rtl" lang="en"' });
  for (const name of ['welcome', 'feedback', 'people', 'menu'])
    test(name, async ({ stage }) => {
      await STATES[name]?.(stage);
      expect(await findings(stage.page)).toEqual([]);
      await drawBoxes(stage.page);
      await shoot(stage, `${name}-rtl`);
    });
});
