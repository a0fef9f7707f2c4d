// Looks for names and an order with which the bundle compresses better, for as many minutes as the first argument says, and writes
// down what it found. To be run when the bundle has outgrown its budget: the more the source has changed since the last time, the
// more there is to find.
import { writeFileSync } from 'node:fs';
import { deflateRawSync } from 'node:zlib';
import { bundleParts } from './build.mjs';
import { follow, formatRecipe, pick, readRecipe, recipePath, writeBundle } from './names.mjs';
import { isSafe } from './sheet.mjs';

const minutes = Number(process.argv[2] ?? 5);
const bundle = follow(readRecipe(), await bundleParts());
const { names, orders } = bundle;
// zopfli finds more, and takes forty times as long; what is good for one is good for the other.
const weigh = () => deflateRawSync(writeBundle(bundle), { level: 9, memLevel: 9 }).length;
let best = weigh();
const any = (list) => list[Math.floor(Math.random() * list.length)];

/** Keeps what was done unless it made things worse. */
function judge(undo) {
  const weight = weigh();
  if (weight > best) undo();
  else best = weight;
}

/** Gives something another name; whoever has that and must not have the same gets the old one, and so on. */
function rename() {
  const named = any(names);
  const old = named.short;
  const short = pick(named);
  if (short === old || named.taken.has(short)) return;
  const changed = new Set([named]);
  for (const one of changed)
    for (const foe of one.foes) if (foe.short === (one.short === old ? short : old)) changed.add(foe);
  if (changed.size > 12) return;
  const swap = () => {
    for (const one of changed) one.short = one.short === old ? short : old;
  };
  swap();
  judge(swap);
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
  holder[name] = list;
  judge(() => {
    holder[name] = before;
  });
}

function moveFunction() {
  const { statements } = bundle;
  replace(bundle, 'statements', withMoved(statements, any(statements.filter(({ name }) => name))));
}

function moveProperty() {
  const styles = withMoved(bundle.styles, any(bundle.styles));
  if (isSafe(styles)) replace(bundle, 'styles', styles);
}

function moveMember() {
  const [key, order] = any([...orders]);
  orders.set(key, withMoved(order, any(order)));
  judge(() => orders.set(key, order));
}

/** Names are many; the rest is soon as good as it gets. */
const TRIES = [
  ...Array(14).fill(rename),
  moveFunction,
  moveFunction,
  moveProperty,
  moveProperty,
  moveMember,
  moveMember,
];

console.log(`${best} bytes before`);
for (const end = Date.now() + minutes * 60_000; Date.now() < end; ) any(TRIES)();
console.log(`${best} bytes after`);
writeFileSync(recipePath, formatRecipe(bundle));
