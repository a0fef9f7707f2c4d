import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'acorn';
import { expect, test } from 'vitest';
// @ts-expect-error: plain JavaScript, without types.
import * as build from '../build.mjs';
// @ts-expect-error
import { findRuns } from '../members.mjs';
// @ts-expect-error
import { follow, formatRecipe, readRecipe, writeBundle } from '../names.mjs';
// @ts-expect-error
import { readScopes } from '../scopes.mjs';
// @ts-expect-error
import { isSafe, readSheet, writeSheet } from '../sheet.mjs';

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
    ...namesIn(JSON.parse(read('../crates/web/assets/locales/en.json'))),
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

test('what was found is found again in the recipe', async () => {
  const parts = await build.bundleParts();
  const bundle = follow(readRecipe(), parts);
  const before = writeBundle(bundle);
  for (const kind of ['.', '--']) {
    const named = (bundle.names as { key: string; short: string }[]).filter(({ key }) => key.startsWith(`./${kind}`));
    const others = named.map(({ short }) => short).reverse();
    for (const [index, one] of named.entries()) one.short = others[index] as string;
  }
  bundle.selectors.reverse();
  const changed = writeBundle(bundle);
  const recipe = formatRecipe(bundle);
  for (const named of bundle.names) named.short = undefined;
  const again = writeBundle(follow(readRecipe(recipe), parts));
  expect(changed).not.toBe(before);
  expect(again).toBe(changed);
}, 60_000);

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
  const lists = readSheet('@media print{.a,.b :is(i,b),c{top:0}}d,.a{left:0}');
  expect(writeSheet(lists, [], ['c', '.b :is(i,b)', '.a', 'd'])).toBe(
    '@media print{c,.b :is(i,b),.a{top:0}}.a,d{left:0}',
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
