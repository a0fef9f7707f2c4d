// @vitest-environment node
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

let bridge: ChildProcess;
let url: string;

beforeAll(async () => {
  bridge = spawn('node', ['testing/start.mjs'], { stdio: ['pipe', 'pipe', 'ignore'] });
  const [line] = await once(bridge.stdout as NonNullable<typeof bridge.stdout>, 'data');
  url = /^bridge ready (\S+)$/m.exec(String(line))?.[1] ?? '';
});
afterAll(() => void bridge.stdin?.end());

const smoke = (secret: string) => {
  const variables = { CONVEX_URL: url, CONVEX_STORE_KEY: `prod:smoke|${secret}` };
  return promisify(execFile)('../scripts/convex-smoke', { env: { ...process.env, ...variables } });
};

test('a deployment that is in order passes, as often as it is tried', async () => {
  for (let n = 0; n < 2; n++) {
    const { stdout } = await smoke('queries-and-mutations-only');
    expect(stdout).toContain(`All well at ${url}`);
    expect(stdout).not.toContain('WARNING');
  }
});

test('a key that may do more than it should is noticed', async () => {
  const { stdout } = await smoke('all-rights-of-a-deployment');
  expect(stdout).toContain('WARNING  the key runs actions too');
});

test('a key that may do less fails the first step, and is not shown', async () => {
  const failure = await smoke('queries-only').catch((error: { stderr: string; stdout: string }) => error);
  expect(failure.stderr).toContain('FAILED   the functions are there, and the key runs them: health:ready: 403');
  expect(failure.stdout + failure.stderr).not.toContain('queries-only');
});
