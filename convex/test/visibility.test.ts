import { expect, test } from 'vitest';
import { modules } from './support';

interface Function {
  isPublic?: boolean;
  isInternal?: boolean;
  isHttp?: boolean;
}

async function functions(): Promise<[string, Function][]> {
  const found: [string, Function][] = [];
  for (const [path, load] of Object.entries(modules)) {
    // What is generated answers to every name.
    if (path.includes('/_generated/')) continue;
    for (const [name, value] of Object.entries((await load()) as Record<string, Function>)) {
      if (typeof value === 'function') found.push([`${path}:${name}`, value]);
    }
  }
  return found;
}

test('whoever knows only the address can call nothing', async () => {
  const all = await functions();
  const reachable = all.filter(([, it]) => it.isPublic || it.isHttp).map(([name]) => name);
  expect(reachable).toEqual([]);
  expect(Object.keys(modules).filter((path) => /\/http\.[jt]s$/.test(path))).toEqual([]);
  // The check sees functions: there are about thirty.
  expect(all.filter(([, it]) => it.isInternal).length).toBeGreaterThan(25);
});

test('every function checks what comes in and what goes out', async () => {
  const unchecked = [];
  for (const [name, it] of await functions()) {
    if (!it.isInternal) continue;
    const { exportArgs, exportReturns } = it as unknown as { exportArgs(): string; exportReturns(): string };
    if (JSON.parse(exportArgs()).type !== 'object' || JSON.parse(exportReturns())?.type === undefined)
      unchecked.push(name);
  }
  expect(unchecked).toEqual([]);
});
