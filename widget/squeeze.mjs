// Looks for names and an order with which the bundle compresses better, for as many minutes as the first argument says, and writes
// down what it found. To be run when the bundle has outgrown its budget: the more the source has changed since the last time, the
// more there is to find.
import { writeFileSync } from 'node:fs';
import { deflateRawSync } from 'node:zlib';
import { bundleParts } from './build.mjs';
import { canRun, follow, formatRecipe, ingredientsOf, pick, readRecipe, recipePath, writeBundle } from './names.mjs';
import { isSafe } from './sheet.mjs';

const minutes = Number(process.argv[2] ?? 5);
const bundle = follow(readRecipe(), await bundleParts());
const { names, orders } = bundle;
// zopfli finds more, and takes forty times as long; what is good for one is good for the other.
const weigh = () => deflateRawSync(writeBundle(bundle, texts), { level: 9, memLevel: 9 }).length;
/** What was written before: most of it stays as it is. */
const texts = new Map();
/** The statements that are made from something. */
const madeFrom = new Map();
for (const statement of bundle.statements)
  for (const one of ingredientsOf(statement)) madeFrom.set(one, [...(madeFrom.get(one) ?? []), statement]);
const sheet = [...madeFrom.keys()].find((one) => one?.sheet);
/** To be called when something of which statements are made has changed. */
function forget(ingredient) {
  texts.delete(ingredient);
  for (const statement of madeFrom.get(ingredient) ?? []) texts.delete(statement);
}
let best = weigh();
const any = (list) => list[Math.floor(Math.random() * list.length)];

/** Keeps what was done unless it made things worse. */
function judge(undo) {
  const weight = weigh();
  if (weight > best) undo();
  else best = weight;
}

/** Gives something another name; whoever has that and must not have the same gets the old one, and so on. Returns what undoes it. */
function give(named, short) {
  const old = named.short;
  const changed = new Set([named]);
  if (short === old || named.taken.has(short)) return undefined;
  for (const one of changed)
    for (const foe of one.foes) if (foe.short === (one.short === old ? short : old)) changed.add(foe);
  if (changed.size > 12) return undefined;
  const swap = () => {
    for (const one of changed) {
      one.short = one.short === old ? short : old;
      forget(one.mark ?? one);
    }
  };
  swap();
  return swap;
}

function rename() {
  const named = any(names);
  const undo = give(named, pick(named));
  if (undo) judge(undo);
}

/** What has one name in the source is often used alike: gives all of it the same one here, too. */
function renameAlike() {
  const { name } = any(names);
  const alike = names.filter((named) => named.name === name);
  const short = pick(any(alike));
  const undoing = alike.map((named) => give(named, short)).filter(Boolean);
  if (undoing.length)
    judge(() => {
      for (const undo of undoing.reverse()) undo();
    });
}

/** The list with one of its members somewhere else. */
function withMoved(list, moved) {
  const others = list.filter((other) => other !== moved);
  others.splice(Math.floor(Math.random() * list.length), 0, moved);
  return others;
}

/** Puts something else in the place of a list of the bundle. */
function replace(holder, name, list) {
  const before = holder[name];
  const put = (list) => {
    holder[name] = list;
    if (name !== 'statements') forget(sheet);
  };
  put(list);
  judge(() => put(before));
}

function moveFunction() {
  const statements = withMoved(bundle.statements, any(bundle.statements.filter(({ name }) => name)));
  if (canRun(statements)) replace(bundle, 'statements', statements);
}

function moveProperty() {
  const styles = withMoved(bundle.styles, any(bundle.styles));
  if (isSafe(styles)) replace(bundle, 'styles', styles);
}

function moveSelector() {
  replace(bundle, 'selectors', withMoved(bundle.selectors, any(bundle.selectors)));
}

function moveMember() {
  const [key, order] = any([...orders]);
  const put = (order) => {
    orders.set(key, order);
    forget(key);
  };
  put(withMoved(order, any(order)));
  judge(() => put(order));
}

/** Names are many; the rest is soon as good as it gets. */
const TRIES = [
  ...Array(14).fill(rename),
  renameAlike,
  renameAlike,
  renameAlike,
  moveFunction,
  moveFunction,
  moveFunction,
  moveProperty,
  moveProperty,
  moveSelector,
  moveSelector,
  moveMember,
  moveMember,
];

console.log(`${best} bytes before`);
for (const end = Date.now() + minutes * 60_000; Date.now() < end; ) any(TRIES)();
console.log(`${best} bytes after`);
writeFileSync(recipePath, formatRecipe(bundle));
