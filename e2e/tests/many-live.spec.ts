/**
 * Fifty conversations that are answered at once, and an operator who watches one of them with the list beside it. The long
 * form (`FRONTDESK_TEST=soak`) goes on for ten minutes. Prints what it measured.
 */

import { randomBytes } from 'node:crypto';
import { setPriority } from 'node:os';
import { type Desk, startDesk, WIDGET_KEY } from '../support/desk.ts';
import { expect, signIn, test } from '../support/test.ts';
import { tasks, traced } from '../support/trace.ts';

const CONVERSATIONS = 50;
const SOAK_MINUTES = Math.min(Number(process.env.FRONTDESK_SOAK_MINUTES ?? 10), 10);
const IS_LONG = process.env.FRONTDESK_TEST === 'soak';
const SECONDS = IS_LONG ? SOAK_MINUTES * 60 : 15;
const MEGABYTE = 1024 * 1024;

/**
 * How much of the page's thread one task may take, in milliseconds. Fifty streams, server, model and browser share a machine here, so
 * it is what the thread worked, not what it had to wait for.
 */
const LONGEST_TASK = 50;
/** The browser keeps so much of a trace, in milliseconds of it, without losing some. */
const TRACED = 10_000;

/** A visitor who asks again as soon as the answer is there. */
async function talk(desk: Desk, name: string, until: () => boolean): Promise<number> {
  const secret = randomBytes(32).toString('base64url');
  let turns = 0;
  while (!until()) {
    const response = await fetch(`${desk.api}/v1/chat/stream`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': WIDGET_KEY, 'x-session-secret': secret },
      body: JSON.stringify({ sessionId: name, message: `Tell me slowly, says ${name}` }),
    });
    expect(response.status).toBe(200);
    for await (const _ of response.body as unknown as AsyncIterable<Uint8Array>) if (until()) break;
    turns += 1;
  }
  return turns;
}

test.setTimeout((SECONDS + 90) * 1000);

test('with fifty conversations that are answered at once the operator’s page stays quick', async ({
  page,
  browser,
  model,
}) => {
  // An operator's computer has nothing to do with the visitors', the server and the model: they have what the browser leaves.
  if (IS_LONG) setPriority(10);
  const desk = await startDesk({ OPENAI_BASE_URL: model });
  let isOver = false;
  const talks = Array.from({ length: CONVERSATIONS }, (_, n) => talk(desk, `visitor-${n}`, () => isOver));
  await signIn(page, desk);
  await page.getByRole('link', { name: /says visitor-7\b/ }).click();
  const thread = page.getByRole('log', { name: 'Messages' });
  await expect(thread).toContainText('word');

  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  const heap = async () => {
    await session.send('HeapProfiler.collectGarbage');
    const { metrics } = await session.send('Performance.getMetrics');
    return (metrics.find(({ name }) => name === 'JSHeapUsedSize')?.value ?? 0) / MEGABYTE;
  };
  await page.evaluate(() => {
    const waits: number[] = [];
    Object.assign(window, { waits });
    new PerformanceObserver((list) => waits.push(...list.getEntries().map(({ duration }) => duration))).observe({
      type: 'longtask',
    });
  });
  const before = await heap();
  const began = Date.now();
  const isOn = () => Date.now() - began < SECONDS * 1000;
  let slowest = 0;
  let longest = 0;
  while (isOn()) {
    const until = Date.now() + TRACED;
    const watch = async () => {
      while (isOn() && Date.now() < until) {
        // What the operator feels: how long the page takes to answer a key.
        const took = await page.evaluate(async () => {
          const begin = performance.now();
          await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
          return performance.now() - begin;
        });
        slowest = Math.max(slowest, took);
        await page.waitForTimeout(200);
      }
    };
    longest = Math.max(longest, ...tasks(await traced(browser, page, watch, ['toplevel'])));
  }
  const waits = await page.evaluate(() => (window as unknown as { waits: number[] }).waits);
  const after = await heap();
  isOver = true;
  const turns = (await Promise.all(talks)).reduce((sum, count) => sum + count);
  console.log(
    `${CONVERSATIONS} conversations for ${SECONDS} s, ${turns} answers: the longest task ${longest.toFixed(0)} ms of work ` +
      `(${LONGEST_TASK}); ${waits.length} took longer than 50 ms with what they had to wait for, at most ` +
      `${Math.max(0, ...waits).toFixed(0)} ms; a frame after at most ${slowest.toFixed(0)} ms; ` +
      `memory ${before.toFixed(1)} to ${after.toFixed(1)} MB`,
  );
  expect(longest).toBeGreaterThan(0);
  expect(longest).toBeLessThan(LONGEST_TASK);
  expect(after - before).toBeLessThan(8);
  await desk.end();
});
