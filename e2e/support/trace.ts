/** What a page's thread is busy with, as the browser notes it. */

import type { Browser, Page } from '@playwright/test';

/** A piece of its work. Times are in microseconds. */
export interface TraceEvent {
  name: string;
  pid: number;
  tid: number;
  /** From its start to its end. */
  dur?: number;
  /** How long the thread worked for it, whatever else the machine did. */
  tdur?: number;
  args: { name?: string; data?: { url?: string } };
}

/** Tasks, scripts, style and layout. */
const ALL = ['toplevel', 'devtools.timeline', 'disabled-by-default-devtools.timeline', 'v8'];

/** What pages do meanwhile, on the threads that their scripts and their layout run on. */
export async function traced(
  browser: Browser,
  page: Page,
  act: () => Promise<unknown>,
  categories = ALL,
): Promise<TraceEvent[]> {
  await browser.startTracing(page, { categories: ['-*', ...categories] });
  await act();
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: TraceEvent[] };
  const threads = traceEvents.filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain');
  return traceEvents.filter((event) => threads.some(({ pid, tid }) => event.pid === pid && event.tid === tid));
}

/** How long the thread worked for each task, in milliseconds: no longer than the task took. */
export const tasks = (events: TraceEvent[]) =>
  events.flatMap(({ name, dur = 0, tdur }) => (/RunTask$/.test(name) && tdur ? Math.min(dur, tdur) / 1000 : []));
