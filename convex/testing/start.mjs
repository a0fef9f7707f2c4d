// Starts the bridge (bridge.ts). Node 20 does not read TypeScript, so it is translated first, every time: nothing can be stale.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

// Standard output has one line, the address.
console.log = console.error;

const root = fileURLToPath(new URL('..', import.meta.url));
const functions = readdirSync(join(root, 'functions'), { recursive: true })
  .map(String)
  .filter((file) => /^[^.]+\.(ts|js)$/.test(file));
const outdir = mkdtempSync(join(root, 'node_modules', '.bridge-'));
try {
  await build({
    absWorkingDir: root,
    entryPoints: ['testing/bridge.ts', ...functions.map((file) => `functions/${file}`)],
    outdir,
    outbase: root,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    logLevel: 'warning',
  });
  const load = (file) => import(pathToFileURL(join(outdir, file.replace(/\.ts$/, '.js'))).href);
  const modules = {};
  for (const file of functions) {
    const loaded = await load(`functions/${file}`);
    modules[`./${file}`] = async () => loaded;
  }
  (await load('testing/bridge.ts')).serve(modules);
} finally {
  rmSync(outdir, { recursive: true });
}
