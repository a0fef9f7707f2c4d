// Gives the variables and properties of the bundle short names, and functions, members and declarations of style their places, so that gzip
// finds as much as possible again. What is best was found by trial (`squeeze.mjs`) and is kept in `short-names.txt`; what is new since
// then gets the next best name.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findRuns, isFixed, nameOf } from './members.mjs';
import { readScopes } from './scopes.mjs';
import { isSafe, propertiesOf, readSheet, selectorsOf, writeSheet } from './sheet.mjs';

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
  const runs = findRuns(ast);
  const places = [
    ...uses,
    ...runs.map((run) => ({ ...run, start: run.members[0].start, end: run.members.at(-1).end })),
  ];
  places.sort((one, other) => one.start - other.start || other.end - one.end);
  const statements = ast.body
    .flatMap((node) => (/^(let|var)$/.test(node.kind) ? node.declarations : node))
    .map((node) => {
      const isLet = node.type === 'VariableDeclarator';
      const canMove = isLet ? isFixed(node.init ?? { type: 'Literal' }) : node.type === 'FunctionDeclaration';
      return { name: canMove ? node.id.name : '', isLet, parts: cut(code, node, places) };
    });
  const orders = new Map(runs.map(({ key, names }) => [key, names]));
  return { names: [...all, ...marked], statements, orders };
}

/** The text of a node in pieces, those between which there are names and runs. */
function cut(code, { start, end }, places) {
  const parts = [];
  let at = start;
  for (const place of places) {
    if (place.start < at || place.end > end) continue;
    parts.push(...withSheet(code.slice(at, place.start)));
    const { key, members } = place;
    if (members) {
      const inside = places.filter((other) => other !== place && other.start >= place.start && other.end <= place.end);
      parts.push({ key, members: new Map(members.map((member) => [nameOf(member), cut(code, member, inside)])) });
    } else parts.push(place);
    at = place.end;
  }
  return [...parts, ...withSheet(code.slice(at, end))];
}

/** How the style sheet begins, which is a string in single quotes. */
const SHEET = "':host";

function withSheet(code) {
  const start = code.indexOf(SHEET) + 1;
  if (!start) return [code];
  const end = code.indexOf("'", start);
  return [code.slice(0, start), { sheet: readSheet(code.slice(start, end)) }, code.slice(end)];
}

/**
 * The bundle's text, with everything under its `short` name and in the order that was chosen. What is in `known`, by statement or style
 * sheet, is taken from there, and put there otherwise.
 */
export function writeBundle({ names, statements, styles, selectors, orders }, known = new Map()) {
  const marks = new Map(names.map(({ mark, short }) => [mark, short]));
  const write = (parts) => parts.map(writePart).join('');
  function writePart(part) {
    if (typeof part === 'string') return part;
    if (part.sheet) return recall(part, () => writeSheet(part.sheet, styles, selectors));
    if (part.members)
      return orders
        .get(part.key)
        .map((name) => write(part.members.get(name)))
        .join();
    const { short } = part.named;
    const property = part.property?.short ?? part.property;
    return property && property !== short ? `${property}:${short}` : short;
  }
  function recall(key, write) {
    const text = known.get(key) ?? write();
    known.set(key, text);
    return text;
  }
  const code = statements.map((statement, index) => {
    const text = recall(statement, () => write(statement.parts).replace(MARKS, (found) => marks.get(found)));
    if (!statement.isLet) return text;
    return `${statements[index - 1]?.isLet ? ',' : 'let '}${text}${statements[index + 1]?.isLet ? '' : ';'}`;
  });
  return `(()=>{${code.join('').replace(/;$/, '')}})();`;
}

/** What the text of a statement is made from: names, marks, keys of runs, and the style sheet. */
export function ingredientsOf({ parts }) {
  const found = new Set();
  const visit = (part) => {
    if (typeof part === 'string') for (const [mark] of part.matchAll(MARKS)) found.add(mark);
    else if (part.sheet) visit(writeSheet(found.add(part) && part.sheet, []));
    else if (part.members) for (const inner of found.add(part.key) && part.members.values()) inner.forEach(visit);
    else found.add(part.named).add(part.property);
  };
  parts.forEach(visit);
  return found;
}

/**
 * What was found: a line with the order of functions and variables, `*` for all else, a line with that of the properties in the style
 * sheet, one with those of members, one with that of the selectors, and a line for each scope's names.
 */
export function readRecipe(text = readFileSync(recipePath, 'utf8')) {
  const recipe = text.trim().split('\n');
  const [functions = '', styles = '', members = '', selectors = '', ...lines] = recipe;
  const names = lines.flatMap((line) => {
    const [path, ...pairs] = line.split(' ');
    return pairs.map((pair) => [`${path.slice(0, -1)}/${pair.split('=')[0]}`, pair.split('=')[1]]);
  });
  const orders = members.split(' ').map((run) => run.split(','));
  return {
    functions: functions.split(' '),
    styles: styles.split(' '),
    selectors: selectors.split('|'),
    orders: new Map(orders.map((order) => [[...order].sort().join(), order])),
    names: new Map(names),
  };
}

export function formatRecipe({ names, statements, styles, selectors, orders }) {
  const lines = new Map();
  for (const { key, short } of names) {
    const end = key.lastIndexOf('/');
    const path = key.slice(0, end);
    lines.set(path, `${lines.get(path) ?? `${path}:`} ${key.slice(end + 1)}=${short}`);
  }
  const functions = statements.map(({ name }) => name || '*');
  const members = [...orders.values()].map(String);
  const lists = [functions, styles, members].map((list) => list.join(' '));
  return `${[...lists, selectors.join('|'), ...lines.values()].join('\n')}\n`;
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

/** Chooses names and orders as the recipe says, and as well as can be told beforehand where it says nothing. */
export function follow(recipe, bundle) {
  const { names, statements, orders } = bundle;
  for (const named of names) {
    const short = recipe.names.get(named.key);
    if (short && isFree(named, short)) named.short = short;
  }
  // Where code has the same form, it should have the same names: what is inside comes first, the names of the whole file last.
  const rest = names.filter(({ short }) => !short).sort((one, other) => !!one.isTop - !!other.isTop);
  for (const named of rest) named.short = candidates(named).find((short) => isFree(named, short));
  for (const key of orders.keys()) if (recipe.orders.has(key)) orders.set(key, recipe.orders.get(key));
  return { ...bundle, statements: sortFunctions(recipe, statements), ...sortStyles(recipe, statements) };
}

function sortFunctions({ functions: order }, statements) {
  const place = new Map(order.map((name, index) => [name, index]));
  const others = statements.filter(({ name }) => !name);
  const functions = statements.filter(({ name }) => name);
  const last = order.length;
  functions.sort((one, other) => (place.get(one.name) ?? last) - (place.get(other.name) ?? last));
  // All else stays in its order, because it is run.
  const sorted = [];
  for (const name of order) {
    if (name === '*') sorted.push(...others.splice(0, 1));
    else if (functions[0]?.name === name) sorted.push(functions.shift());
  }
  const all = [...sorted, ...functions, ...others];
  const run = all.findIndex(({ name }) => !name);
  const late = all.filter((statement, index) => index > run && mustPrecede(statement));
  return [...all.slice(0, run), ...late, ...all.slice(run).filter((statement) => !late.includes(statement))];
}

/** Variables have to be there before anything is run, which functions always are. */
const mustPrecede = ({ name, isLet }) => name && isLet;

/** Whether the statements can be in this order. */
export const canRun = (statements) => !statements.slice(statements.findIndex(({ name }) => !name)).some(mustPrecede);

/** The order of the properties and of the selectors in the style sheet, of which those that are new come last. */
function sortStyles(recipe, statements) {
  const { sheet } = statements.flatMap(({ parts }) => parts).find((part) => part.sheet) ?? { sheet: [] };
  const sort = (order, used) => {
    const known = order.filter((name) => used.includes(name));
    return [...known, ...used.filter((name) => !known.includes(name)).sort()];
  };
  const styles = sort(recipe.styles, propertiesOf(sheet));
  if (!isSafe(styles)) throw new Error('short-names.txt: a property comes after one that it sets as well');
  return { styles, selectors: sort(recipe.selectors, selectorsOf(sheet)) };
}
