// Gives the variables and properties of the bundle short names, and functions and declarations of style their places, so that gzip
// finds as much as possible again. What is best was found by trial (`squeeze.mjs`) and is kept in `short-names.txt`; what is new since
// then gets the next best name.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readScopes } from './scopes.mjs';
import { isSafe, propertiesOf, readSheet, writeSheet } from './sheet.mjs';

export const recipePath = join(import.meta.dirname, 'short-names.txt');

/** In the order of how often they occur in the bundle anyway. */
const LETTERS = 'etnriosaclduhpmfgvbywkxqjzABCDEFGHIJKLMNOPQRSTUVWXYZ_$';
const FIRST_LETTERS = LETTERS.slice(0, 15);
const KEYWORDS = ['as', 'do', 'if', 'in', 'is', 'of'];

/** A name within a string of the bundle: `.` and a class, or `--` and a custom property. Others of its kind must have others. */
export const mark = (kind, name) => `⟦${kind}${name}⟧`;
const MARKS = /⟦(--|\.)(.*?)⟧/g;

function readMarks(code, kind, taken, letters) {
  const names = new Set([...code.matchAll(MARKS)].filter((found) => found[1] === kind).map((found) => found[2]));
  return different(
    [...names].map((name) => ({ name, key: `./${kind}${name}`, mark: mark(kind, name), taken, letters })),
  );
}

/** Of these no two may have the same name. */
function different(names) {
  for (const named of names) named.foes = new Set(names.filter((other) => other !== named));
  return names;
}

/**
 * A bundle, ready to be written with names of one's choice: of its variables, of the properties that are `own`, and of what is marked.
 * Names that are `taken` cannot be chosen.
 */
export function readBundle(code, own) {
  const { ast, variables, globals, members } = readScopes(code);
  for (const variable of variables) variable.taken = new Set([...globals, ...KEYWORDS]);
  const properties = new Map(own.map((name) => [name, { name, key: `./${name}`, uses: [], taken: new Set() }]));
  for (const node of members) properties.get(node.name)?.uses.push(node);
  const foreign = new Set(members.map(({ name }) => name).filter((name) => !properties.has(name)));
  const all = [...variables, ...properties.values()];
  for (const property of different([...properties.values()])) property.taken = foreign;
  const classes = new Set([...code.matchAll(/\.([a-z]+)(?![\w-])/g)].map(([, name]) => name));
  const marked = [
    ...readMarks(code, '.', classes, LETTERS.slice(0, 52)),
    ...readMarks(code, '--', new Set(), LETTERS.slice(0, 53)),
  ];
  const uses = all.flatMap((named) =>
    named.uses.map((use) => ({ ...use, named, property: properties.get(use.property) ?? use.property })),
  );
  uses.sort((one, other) => one.start - other.start);
  const statements = ast.body.map((node) => {
    const parts = [];
    let at = node.start;
    for (const use of uses.filter(({ start }) => start >= node.start && start < node.end)) {
      parts.push(code.slice(at, use.start), use);
      at = use.end;
    }
    parts.push(code.slice(at, node.end));
    const index = parts.findIndex((part) => typeof part === 'string' && part.includes(SHEET));
    if (index >= 0) parts.splice(index, 1, ...withSheet(parts[index]));
    return { name: node.type === 'FunctionDeclaration' ? node.id.name : '', parts };
  });
  return { names: [...all, ...marked], statements };
}

/** How the style sheet begins, which is a string in single quotes. */
const SHEET = "':host";

function withSheet(code) {
  const start = code.indexOf(SHEET) + 1;
  const end = code.indexOf("'", start);
  return [code.slice(0, start), { sheet: readSheet(code.slice(start, end)) }, code.slice(end)];
}

/** The bundle's text, with everything under its `short` name, and declarations of style in the order of these properties. */
export function writeBundle(statements, names, styles) {
  const marks = new Map(names.map(({ mark, short }) => [mark, short]));
  const text = statements.flatMap(({ parts }) =>
    parts.map((part) => {
      if (typeof part === 'string') return part;
      if (part.sheet) return writeSheet(part.sheet, styles);
      const { short } = part.named;
      const property = part.property?.short ?? part.property;
      return property && property !== short ? `${property}:${short}` : short;
    }),
  );
  const code = text
    .join('')
    .replace(/;$/, '')
    .replace(MARKS, (found) => marks.get(found));
  return `(()=>{${code}})();`;
}

/**
 * What was found: a line with the order of the functions, `*` for all else, a line with that of the properties in the style sheet,
 * and a line for each scope's names.
 */
export function readRecipe() {
  const [order = '', styles = '', ...lines] = readFileSync(recipePath, 'utf8').trim().split('\n');
  const names = lines.flatMap((line) => {
    const [path, ...pairs] = line.split(' ');
    return pairs.map((pair) => [`${path.slice(0, -1)}/${pair.split('=')[0]}`, pair.split('=')[1]]);
  });
  return { order: order.split(' '), styles: styles.split(' '), names: new Map(names) };
}

export function formatRecipe(names, statements, styles) {
  const lines = new Map();
  for (const { key, name, short } of names) {
    const path = key.slice(0, key.lastIndexOf('/'));
    lines.set(path, `${lines.get(path) ?? `${path}:`} ${name}=${short}`);
  }
  const order = statements.map(({ name }) => name || '*').join(' ');
  return `${[order, styles.join(' '), ...lines.values()].join('\n')}\n`;
}

function candidates({ letters = LETTERS }) {
  const two = [...FIRST_LETTERS].flatMap((first) => [...letters].map((second) => first + second));
  return [...letters, ...two];
}

/** Another name that it might have, more often one of the first. */
export function pick({ letters = LETTERS, short, isTop }) {
  const any = (share) => letters[Math.floor(share * letters.length)];
  const last = any(Math.random() * Math.random());
  return short.length > 1 || (isTop && Math.random() < 0.1) ? any(Math.random() * 0.28) + last : last;
}

/** Whether it can have this name, as things are. */
export const isFree = ({ taken, foes }, short) => !taken.has(short) && ![...foes].some((foe) => foe.short === short);

/** Chooses names and order as the recipe says, and as well as can be told beforehand where it says nothing. */
export function follow(recipe, { names, statements }) {
  for (const named of names) {
    const short = recipe.names.get(named.key);
    if (short && isFree(named, short)) named.short = short;
  }
  // Where code has the same form, it should have the same names: what is inside comes first, the names of the whole file last.
  const rest = names.filter(({ short }) => !short).sort((one, other) => !!one.isTop - !!other.isTop);
  for (const named of rest) named.short = candidates(named).find((short) => isFree(named, short));

  const { order } = recipe;
  const place = new Map(order.map((name, index) => [name, index]));
  const isFunction = ({ name }) => name;
  const others = statements.filter(({ name }) => !name);
  const functions = statements.filter(isFunction);
  const last = order.length;
  functions.sort((one, other) => (place.get(one.name) ?? last) - (place.get(other.name) ?? last));
  // All else stays in its order, because it is run.
  const sorted = [];
  for (const name of order) {
    if (name === '*') sorted.push(...others.splice(0, 1));
    else if (functions[0]?.name === name) sorted.push(functions.shift());
  }
  return [...sorted, ...functions, ...others];
}

/** The order of the properties in the style sheet, of which those that are new come last. */
export function stylesOf({ styles }, statements) {
  const { sheet } = statements.flatMap(({ parts }) => parts).find((part) => part.sheet) ?? { sheet: [] };
  const used = propertiesOf(sheet);
  const known = styles.filter((property) => used.includes(property));
  const order = [...known, ...used.filter((property) => !known.includes(property)).sort()];
  if (!isSafe(order)) throw new Error('short-names.txt: a property comes after one that it sets as well');
  return order;
}
