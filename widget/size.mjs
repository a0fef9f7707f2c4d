// Prints what each part of the bundle weighs, compressed as well as zlib can. The server sends it some 3 % smaller, which is what
// the budget is about: the test beside the server keeps it (`crates/web/tests/it/widget.rs`).
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { bundle } from './build.mjs';

/** Each part: the files it is in, and what stands in their place when the bundle is built without it. */
const PARTS = {
  css: [/style\.css$/, () => ({ contents: '', loader: 'text' })],
  markdown: [/markdown\/stream\.ts$/, () => ({ contents: 'export const createReader = () => () => []', loader: 'ts' })],
  icons: [/icons\.ts$/, (source) => ({ contents: source.replace(/ = '.*',$/gm, " = '',"), loader: 'ts' })],
  accent: [/accent\.ts$/, () => ({ contents: 'export const deriveAccent = () => ({})', loader: 'ts' })],
};

async function weigh(...plugins) {
  return gzipSync(await bundle(plugins), { level: 9 }).length;
}

function leaveOut([filter, replace]) {
  const load = ({ path }) => replace(readFileSync(path, 'utf8'));
  return { name: 'leave-out', setup: ({ onLoad }) => onLoad({ filter }, load) };
}

const whole = await weigh();
const rows = [];
for (const [name, part] of Object.entries(PARTS)) rows.push([name, whole - (await weigh(leaveOut(part)))]);
// The parts compress better together than alone, so what two of them have in common is counted here.
rows.push(['rest', rows.reduce((rest, [, weight]) => rest - weight, whole)], ['whole', whole]);
for (const [name, weight] of rows) console.log(name.padEnd(10) + String(weight).padStart(6));
