import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
// @ts-expect-error: plain JavaScript, without types.
import * as build from '../build.mjs';
import { voiceOf } from '../src/words';

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
