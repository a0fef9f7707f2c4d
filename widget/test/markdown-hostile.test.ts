import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { createReader } from '../src/markdown/stream';
import type { Child, Shape } from '../src/shape';
import { cpuTime, draw, hostile, inspect, inspectShapes } from './markdown-oracle';

/** Milliseconds of our own work that the search may take. */
const PATIENCE = process.env.FRONTDESK_TEST === 'full' ? 10_000 : 2000;

const LONGEST = 1500;

/** Where a search begins: what hostile models say, and the answers that are kept for the fuzzer of the dashboard. */
function kept(): string[] {
  const folder = new URL('../../fuzz/corpus/dashboard_markdown/', `file://${__filename}`);
  const files = readdirSync(folder).sort();
  return [...hostile, ...files.map((file) => readFileSync(new URL(file, folder), 'utf8'))];
}

/** Numbers that look thrown and repeat themselves (mulberry32). */
function createDice(seed: number) {
  let state = seed;
  return (limit: number) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

type Dice = ReturnType<typeof createDice>;

const PIECES = [
  ...'\0\t\n\r \\*_~`|<>[]()!#"\'&:;-+.1/é漢🙂\u202e',
  '\n\n',
  '    ',
  '> ',
  '- ',
  '1. ',
  '```',
  '~~~',
  '](',
  '![',
  '|-|',
  'https://',
  'javascript:',
  '<https://',
  '\ud83d',
];

/** Does some of the things that fuzzers do to an input. */
function changed(text: string, others: string[], dice: Dice): string {
  let made = text;
  for (let times = dice(4) + 1; times; times--) {
    const at = dice(made.length + 1);
    const end = Math.min(at + dice(12), made.length);
    const other = others[dice(others.length)] as string;
    const from = dice(other.length + 1);
    const between = [
      '',
      PIECES[dice(PIECES.length)],
      made.slice(at, end).repeat(dice(50)),
      other.slice(from, from + dice(60)),
    ][dice(4)] as string;
    made = made.slice(0, at) + between + made.slice(dice(2) ? at : end);
  }
  return made.slice(0, LONGEST);
}

/** What a shape is, where it stands and what it begins with. */
function trait({ kind: tag, attrs: attributes, inner: children }: Shape, within: Shape[]): string {
  const places = within.slice(-1).map((outer) => outer.kind);
  const kinds = children
    .slice(0, 3)
    .map((child) => (typeof child === 'object' ? child.kind : /\W?/.exec(child || '')?.[0]));
  return [...places, tag, within.length, ...Object.keys(attributes), ...kinds].join();
}

/** Reads text in the given pieces. */
function shapes(...pieces: string[]): Child[] {
  const read = createReader();
  for (const piece of pieces) read(piece);
  return read();
}

/** Milliseconds of our own work for reading a text as it would stream in, in pieces. */
function cost(text: string): number {
  const read = createReader();
  const start = cpuTime();
  for (let at = 0; at < text.length; at += 64) read(text.slice(at, at + 64));
  read();
  return cpuTime() - start;
}

/** What it costs when nothing else gets in the way: others use the processor's memory, and what was set aside is collected. */
const leastCost = (text: string) => Math.min(...[1, 2, 3].map(() => cost(text)));

// On a busy machine computing takes a multiple of its time.
describe('Markdown that was bred to do harm', { timeout: 120_000 }, () => {
  const pool = kept();
  const slow: { text: string; each: number }[] = [];

  test('draws nothing but what is allowed, the same in pieces as at once', () => {
    const dice = createDice(19);
    const seen = new Set<string>();
    const start = cpuTime();
    let runs = 0;
    for (; cpuTime() - start < PATIENCE; runs++) {
      const text = runs < pool.length ? (pool[runs] as string) : changed(pool[dice(pool.length)] as string, pool, dice);
      const began = cpuTime();
      const whole = shapes(text);
      const each = (cpuTime() - began) / (text.length + 50);
      const cut = dice(text.length + 1);
      const before = seen.size;
      try {
        inspectShapes(whole, (shape, within) => seen.add(trait(shape, within)));
        const inPieces = shapes(text.slice(0, cut), text.slice(cut));
        if (JSON.stringify(inPieces) !== JSON.stringify(whole)) throw new Error(`drawn otherwise if cut at ${cut}`);
        // What is unlike anything before is worth drawing, and changing further.
        if (seen.size > before) {
          inspect(draw(text));
          pool.push(text);
        }
      } catch (problem) {
        throw new Error(`${JSON.stringify(text)}: ${problem}`, { cause: problem });
      }
      slow.push({ text, each });
      if (slow.length > 200) slow.sort((a, b) => b.each - a.each).splice(20);
    }
    console.log(`${runs} answers, ${seen.size} kinds of shapes, ${pool.length} kept`);
    expect(runs).toBeGreaterThan(pool.length / 2);
  });

  test('costs in proportion to its length, also where it was slowest', () => {
    slow.sort((a, b) => b.each - a.each).splice(20);
    expect(slow.length).toBeGreaterThan(0);
    for (const { text } of slow) {
      if (!text) continue;
      const long = text.repeat(Math.ceil(8000 / text.length)).slice(0, 8000);
      const [once, fourTimes] = [cost(long.slice(0, 2000)), leastCost(long)];
      expect(fourTimes, JSON.stringify(text)).toBeLessThan(once * 12 + 200);
    }
  });
});
