import type { Page } from '@playwright/test';
import axe from 'axe-core';

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** What axe-core finds wrong with the page, a line each; empty if nothing. Looks into open shadow roots too. */
export async function findings(page: Page): Promise<string[]> {
  // Animations would have their colours measured half-way. What goes on for ever changes no colour.
  await page.evaluate(() => {
    const inside = [...document.querySelectorAll('[data-frontdesk]')].flatMap((host) => host.shadowRoot ?? []);
    const animations = [document, ...inside].flatMap((root) => root.getAnimations());
    const ending = animations.filter(({ effect }) => effect?.getComputedTiming().endTime !== Number.POSITIVE_INFINITY);
    return Promise.allSettled(ending.map(({ finished }) => finished));
  });
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(
    (rules) => (window as unknown as { axe: typeof axe }).axe.run({ runOnly: rules }),
    RULES,
  );
  return violations.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${node.target.join(' ')} ${node.failureSummary}`),
  );
}

/** Every look of a page that has to be right. */
export const LOOKS = (['light', 'dark'] as const).flatMap((colorScheme) =>
  [
    { width: 1440, height: 900 },
    { width: 390, height: 844 },
  ].map((viewport) => ({ name: `${colorScheme}, ${viewport.width} px`, colorScheme, viewport })),
);
