import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'acorn';
import { expect, test } from 'vitest';
// @ts-expect-error: plain JavaScript, without types.
import * as build from '../build.mjs';
// @ts-expect-error
import { findRuns } from '../members.mjs';
// @ts-expect-error
import { follow, readRecipe, writeBundle } from '../names.mjs';
// @ts-expect-error
import { readScopes } from '../scopes.mjs';
// @ts-expect-error
import { isSafe, readSheet, writeSheet } from '../sheet.mjs';
import { voiceOf } from '../src/words';
// @ts-expect-error
import { shortenWords, shortNameOf } from '../words.mjs';

const CLASSES: string[] = build.CLASSES;
const PRIVATE: string[] = build.PRIVATE;

const read = (path: string) => readFileSync(join(import.meta.dirname, '..', path), 'utf8');

/** What others see of the widget: the file of each shape, and its name there. */
const PUBLIC = {
  'src/frontdesk.ts': ['FrontdeskOptions', 'FrontdeskEvents', 'FrontdeskChat', 'Frontdesk'],
  'src/config.ts': ['Config'],
  'src/session.ts': ['Identity', 'TabState'],
  'src/tabs.ts': ['Word'],
  'src/api.ts': ['Problem', 'Source', 'Feedback', 'StoredMessage', 'HistoryPage'],
  'src/ndjson.ts': ['Common', 'ChatEvent'],
  'src/feed.ts': ['FeedEvent'],
};

/** The words of a declaration, without its comments. */
function wordsOf(source: string, name: string): string[] {
  const declaration = new RegExp(`(interface|type) ${name}\\b[\\s\\S]*?\\n(}|\\);?$)`, 'm').exec(source)?.[0] ?? '';
  return declaration.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '').match(/\w+/g) ?? [];
}

/** Every name of a member in a JSON document. */
function namesIn(value: unknown): string[] {
  if (typeof value !== 'object' || !value) return [];
  return Object.entries(value).flatMap(([name, inner]) => [name, ...namesIn(inner)]);
}

test('no property that gets a short name is seen by a page, a server or storage', () => {
  const declared = Object.entries(PUBLIC).flatMap(([path, names]) =>
    names.flatMap((name) => {
      const words = wordsOf(read(path), name);
      expect(words.length, name).toBeGreaterThan(3);
      return words;
    }),
  );
  const names = new Set([
    ...declared,
    ...namesIn(JSON.parse(read('../docs/openapi.json'))),
    ...Object.keys(voiceOf('en').words),
  ]);
  expect(names).toContain('clientMessageId');
  expect(names).toContain('askedAt');
  expect(PRIVATE.filter((name) => names.has(name))).toEqual([]);
});

test('a class that gets a letter has it in the style sheet and in the script', async () => {
  const code = (await build.bundle()) as string;
  const css = /':host[^']*'/.exec(code)?.[0] as string;
  const selectors = css.replace(/{[^{}]*}/g, ' ');
  const script = code.replace(css, '');
  for (const name of CLASSES) {
    expect(selectors).not.toMatch(new RegExp(`\\.${name}(?![\\w-])`));
    expect(script).not.toMatch(new RegExp(`"([a-z. ]*[. ])?${name}( [a-z ]*)?"`));
    expect(script).not.toMatch(new RegExp(`"\\.([a-z .,:()-]*\\.)?${name}[ .,:)"]`));
  }
  const used = new Set(script.match(/"[^"]*"/g)?.flatMap((text) => text.match(/\w+/g) ?? []));
  for (const [, name] of selectors.matchAll(/\.([a-zA-Z]+)/g)) expect(used, name).toContain(name);
}, 60_000);

/** Which variable is meant wherever one is named, by its number, and which names are not the script's own. */
function meaning(code: string): unknown {
  const { variables, globals } = readScopes(code) as {
    variables: { uses: { start: number }[] }[];
    globals: Set<string>;
  };
  const uses = variables.flatMap(({ uses }, variable) => uses.map(({ start }) => ({ start, variable })));
  uses.sort((one, other) => one.start - other.start);
  return [uses.map(({ variable }) => variable), [...globals].sort()];
}

test('short names mean what the long ones did', async () => {
  const bundle = follow(readRecipe(), await build.bundleParts());
  const short = writeBundle(bundle);
  (bundle.names as { short: string }[]).forEach((named, index) => {
    named.short = `long${index}`;
  });
  const long = writeBundle(bundle);
  expect(long.length).toBeGreaterThan(short.length * 1.2);
  expect(meaning(short)).toEqual(meaning(long));
}, 60_000);

test.each([
  ['let a = 1; { let a = 2; f(a); } f(a);', 'a', [2, 2]],
  ['function f(a, { b = a, c: [d] }) { return (a) => a + b + d; }', 'a', [2, 2]],
  ['for (const a of a0) { try { a(); } catch (a) { f(a); } }', 'a', [2, 2]],
  ['var a = class { a = 1; b() { return a; } }; ({ a } = { a });', 'a', [4]],
  ['if (1) { var a = 1; } function g() { return a; }', 'a', [2]],
])('in %s every %s is told apart', (code, name, counts) => {
  const { variables } = readScopes(code) as { variables: { name: string; uses: unknown[] }[] };
  expect(variables.filter((variable) => variable.name === name).map(({ uses }) => uses.length)).toEqual(counts);
});

test('a rule means the same in whatever order its declarations are written', () => {
  const sheet = readSheet('@media print{.a{border:0;color:red;border-color:blue}}.b{top:0}');
  expect(writeSheet(sheet, ['color', 'border', 'border-color', 'top'])).toBe(
    '@media print{.a{color:red;border:0;border-color:blue}}.b{top:0}',
  );
  expect(isSafe(['color', 'border', 'border-color'])).toBe(true);
  for (const order of [
    ['border-color', 'border'],
    ['line-height', 'font'],
    ['top', 'inset'],
    ['bottom', 'inset'],
    ['border-end-end-radius', 'border-radius'],
    ['position', 'all'],
  ])
    expect(isSafe(order)).toBe(false);
});

test('members change places only where nothing happens while they are read', () => {
  const code =
    'let { a, b = 1, ...c } = f({ d: a, "e-f": () => g(), h: g(), i: [b], j: { k: b, l: !b }, ...c, m() {}, n: a?.b });';
  const runs = findRuns(parse(code, { ecmaVersion: 2022 })) as { names: string[] }[];
  expect(runs.map(({ names }) => names.join())).toEqual(['a,b', 'd,e-f', 'i,j', 'm,n', 'k,l']);
});

test('every word has a short name of its own, which follows from its name', async () => {
  const names = Object.keys(voiceOf('en').words);
  const short = names.map(shortNameOf) as string[];
  expect(new Set(short).size).toBe(names.length);
  for (const name of short) expect(name).toMatch(/^[a-z][a-z\d]{2}$/);
  const [send, copy] = [shortNameOf('send'), shortNameOf('copy')];
  // Where there is another of the name, the compiler adds a number.
  const uses = (send: string, copy: string) => `f(Words.${send},other.send,Words[name],Words2.${copy});`;
  expect(shortenWords(`let English={send:"Send",copy:"Copy"},nameHere=(name)=>name;${uses('send', 'copy')}`)).toBe(
    `let English={${send}:"Send",${copy}:"Copy"},nameHere=${shortNameOf};${uses(send, copy)}`,
  );
  // None that only a word has is left.
  const bundle = (await build.bundle()) as string;
  for (const name of ['defaultTitle', 'startNewText', 'lengthLimit', 'keepAsking']) expect(bundle).not.toContain(name);
}, 60_000);
