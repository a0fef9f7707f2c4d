// Builds the package into dist/: the widget as a module, the wrappers beside it, and their types.
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { squeezedCss } from '../build.mjs';

const here = dirname(fileURLToPath(import.meta.url));

export async function buildPackage(outdir = join(here, 'dist')) {
  rmSync(outdir, { recursive: true, force: true });
  await build({
    absWorkingDir: here,
    entryPoints: ['index.ts', 'react.ts', 'vue.ts'],
    outdir,
    bundle: true,
    // What the wrappers share with the module is in a file of its own, so that an app which uses both has one widget.
    splitting: true,
    format: 'esm',
    target: 'es2022',
    minify: true,
    charset: 'utf8',
    external: ['react', 'vue'],
    plugins: [squeezedCss],
    tsconfigRaw: {},
  });
  const tsc = join(here, '../node_modules/typescript/bin/tsc');
  execFileSync(process.execPath, [tsc, '--project', join(here, 'tsconfig.json'), '--outDir', outdir], {
    stdio: 'inherit',
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildPackage();
