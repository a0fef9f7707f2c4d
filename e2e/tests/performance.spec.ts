/**
 * What the chat costs the page it is on, in a browser whose processor is slowed down six times. Other programs may be using
 * the machine, so time is that of the page's thread, and the best of a few: what the chat needs, not what it had to wait for.
 * Prints what it measured.
 */

import type { CDPSession, Page } from '@playwright/test';
import { scriptedSnippet, startScriptedDesk } from '../support/scripted-desk.ts';
import { expect, test } from '../support/stage.ts';
import { tasks, traced } from '../support/trace.ts';
import { Widget } from '../support/widget.ts';

const SLOWER = 6;
const MEGABYTE = 1024 * 1024;

test.setTimeout(90_000);

async function slow(page: Page): Promise<CDPSession> {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  await session.send('Emulation.setCPUThrottlingRate', { rate: SLOWER });
  return session;
}

async function metrics(session: CDPSession): Promise<Record<string, number>> {
  const { metrics } = await session.send('Performance.getMetrics');
  return Object.fromEntries(metrics.map(({ name, value }) => [name, value]));
}

/** Bytes of JavaScript's memory that are in use. */
async function heap(session: CDPSession): Promise<number> {
  await session.send('HeapProfiler.collectGarbage');
  await session.send('HeapProfiler.collectGarbage');
  return (await metrics(session)).JSHeapUsedSize as number;
}

/** Milliseconds of script, style and layout that came to be between two looks. */
const work = (before: Record<string, number>, after: Record<string, number>) =>
  ['ScriptDuration', 'RecalcStyleDuration', 'LayoutDuration'].reduce(
    (sum, name) => sum + ((after[name] ?? 0) - (before[name] ?? 0)) * 1000,
    0,
  );

/** Notes in `window.shift` how much moved on the page. Runs in the page. */
function watchShifts(): void {
  const moved = { shift: 0 };
  Object.assign(window, moved);
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) moved.shift += (entry as PerformanceEntry & { value: number }).value;
    Object.assign(window, moved);
  }).observe({ type: 'layout-shift', buffered: true });
}

const report = (what: string, value: number, unit: string, budget: string) =>
  console.log(`${what.padEnd(58)} ${value.toFixed(1).padStart(8)} ${unit.padEnd(4)} (${budget})`);

test('before it is opened it makes one request, moves nothing, and needs next to no time', async ({
  page,
  site,
  browser,
}) => {
  const desk = await startScriptedDesk();
  const widget = new Widget(page);
  await widget.look();
  const times: number[] = [];
  for (let tries = 0; tries < 8; tries++) {
    await page.goto(site.add({ body: '' }));
    const requests: string[] = [];
    const note = (request: { url(): string }) => requests.push(request.url());
    await page.evaluate(watchShifts);
    page.on('request', note);
    const loading = await traced(browser, page, async () => {
      await page.evaluate(
        (tag) => document.body.append(document.createRange().createContextualFragment(tag)),
        scriptedSnippet(desk),
      );
      await widget.launcher.waitFor();
      await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
    });
    const ours = loading.filter(({ name, args }) => name === 'EvaluateScript' && args.data?.url?.startsWith(desk.api));
    // Slowed down by multiplying: the browser's own way would count what a busy machine takes away as the script's.
    times.push(ours.reduce((sum, { tdur = 0 }) => sum + (tdur / 1000) * SLOWER, 0));
    page.off('request', note);
    expect(requests).toEqual([`${desk.api}/widget/chat-widget.js`]);
    expect(await page.evaluate('window.shift')).toBe(0);
    expect(await page.evaluate(() => [localStorage.length, sessionStorage.length, document.cookie])).toEqual([
      0,
      0,
      '',
    ]);
  }
  // The rules for what is not there yet wait until it is.
  const rules = () =>
    widget.launcher.evaluate((launcher) => {
      const [sheet] = (launcher.getRootNode() as ShadowRoot).adoptedStyleSheets;
      return [...(sheet?.cssRules ?? [])].map(({ cssText }) => cssText.split(' {')[0]);
    });
  const before = await rules();
  expect(before).toEqual(expect.arrayContaining(['.launcher', '@media (forced-colors: active)', '@media print']));
  await widget.open();
  const after = await rules();
  expect(after.filter((rule) => before.includes(rule))).toEqual(before);
  expect(after.length).toBeGreaterThan(before.length * 2);

  const best = Math.min(...times);
  report('running the script up to the launcher, 6 times slower', best, 'ms', 'budget 10');
  expect(best).toBeGreaterThan(0);
  // Half as much again, because a busy machine is slower than a phone.
  expect(best).toBeLessThan(15);
  await desk.end();
});

test('opening and streaming never keep the page waiting, and a word costs the same wherever it stands', async ({
  stage,
  browser,
}) => {
  const { page, widget, desk } = stage;
  const session = await slow(page);
  let longestOpening = Number.POSITIVE_INFINITY;
  for (let tries = 0; tries < 4; tries++) {
    if (tries) {
      await page.evaluate('Frontdesk.close()');
      await page.reload();
      await widget.launcher.waitFor();
    }
    const opening = await traced(browser, page, async () => {
      await widget.launcher.evaluate((launcher) => (launcher as HTMLElement).click());
      await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
    });
    longestOpening = Math.min(longestOpening, Math.max(...tasks(opening)));
  }
  await page.evaluate(watchShifts);
  report('the longest task while opening for the first time', longestOpening, 'ms', 'budget 100');

  const words = Array.from({ length: 200 }, (_, word) => (word % 40 === 39 ? '.\n\n' : ` **word${word}**`));
  let halves: [number, number] = [1, Number.POSITIVE_INFINITY];
  let longest = Number.POSITIVE_INFINITY;
  for (let tries = 0; tries < 3; tries++) {
    let half: Record<string, number> = {};
    desk.answer = async (_, say) => {
      say({ type: 'start', messageId: `answer${tries}`, seq: 0 });
      for (const [seq, token] of words.entries()) {
        if (seq === 100) {
          // Where the page lags behind, work on the first half would count as work on the second one.
          await widget.answers().last().getByText('word98').waitFor();
          half = await metrics(session);
        }
        say({ type: 'token', token, seq: seq + 1 });
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      const message = words.join('');
      say({ type: 'done', messageId: `answer${tries}`, message, status: 'complete', seq: 201 });
    };
    await widget.send('Tell me');
    const before = await metrics(session);
    const streaming = await traced(browser, page, () => expect(widget.stop).toHaveCount(0, { timeout: 30_000 }));
    const after = await metrics(session);
    const [first, second] = [work(before, half), work(half, after)];
    if (second / first < halves[1] / halves[0]) halves = [first, second];
    longest = Math.min(longest, Math.max(...tasks(streaming)));
  }
  report('the longest task while streaming', longest, 'ms', 'budget 50');
  report('work for 100 words at the start of an answer', halves[0], 'ms', '');
  report('the same at its end', halves[1], 'ms', 'much the same');
  expect(await page.evaluate('window.shift')).toBe(0);
  // Half as much again, see above.
  expect(longestOpening).toBeLessThan(150);
  expect(longest).toBeLessThan(50);
  expect(halves[1]).toBeLessThan(halves[0] * 2.5);
});

test('200 messages take less than 6 MB, and all of it is given back', async ({ stage }) => {
  const { page, widget, desk } = stage;
  const session = await slow(page);
  await session.send('Emulation.setCPUThrottlingRate', { rate: 1 });
  const empty = await heap(session);
  const before = await metrics(session);
  desk.history = Array.from({ length: 200 }, (_, place) => ({
    role: place % 2 ? ('assistant' as const) : ('user' as const),
    content:
      place % 2
        ? `Answer **${place}** with [a link](https://x.example/${place}).\n\n- one\n- two\n\n\`code\``
        : `Question ${place}?`,
  }));
  desk.answer = (_, say) =>
    say({ type: 'start', messageId: 'x', seq: 0 }, { type: 'error', messageId: 'x', error: 'No' });
  await widget.open();
  await widget.send('First');
  await page.reload();
  await expect(widget.questions()).toHaveCount(100);
  const full = await heap(session);
  report('memory for 200 messages', (full - empty) / MEGABYTE, 'MB', 'budget 6');
  expect(full - empty).toBeLessThan(6 * MEGABYTE);
  await page.evaluate('Frontdesk.destroy()');
  await expect(page.locator('[data-frontdesk]')).toHaveCount(0);
  await expect.poll(async () => ((await heap(session)) - empty) / MEGABYTE).toBeLessThan(1);
  const after = await metrics(session);
  report(
    'event listeners left after it is gone',
    (after.JSEventListeners ?? 0) - (before.JSEventListeners ?? 0),
    '',
    'budget 0',
  );
  report('elements left after it is gone', (after.Nodes ?? 0) - (before.Nodes ?? 0), '', '');
  expect(after.JSEventListeners).toBeLessThanOrEqual(before.JSEventListeners ?? 0);
});
