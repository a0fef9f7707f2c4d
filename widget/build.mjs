// Builds the one file that a page loads, and stamps it with a hash of everything it was built from, so that a stale bundle is
// noticed without Node (see the test beside the asset).
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, transform } from 'esbuild';
import { minify } from 'terser';

const here = dirname(fileURLToPath(import.meta.url));
export const bundlePath = join(here, '../crates/web/assets/chat-widget.js');

/** Style sheets as text, as small as they get. */
export const squeezedCss = {
  name: 'squeezed-css',
  setup: ({ onLoad }) =>
    onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await transform(readFileSync(path, 'utf8'), { loader: 'css', minify: true });
      // esbuild keeps the space after the name of a custom property.
      return { contents: code.trim().replace(/(--[\w-]+): /g, '$1:'), loader: 'text' };
    }),
};

/** SHA-256 over `path`, newline, SHA-256 of the file, newline, for every source in byte order of its path. */
export function hashSources() {
  const files = readdirSync(join(here, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath ?? entry.path, entry.name)
        .slice(here.length + 1)
        .replaceAll('\\', '/'),
    );
  const sources = [...files, 'build.mjs', 'package-lock.json'].sort((a, b) =>
    Buffer.compare(Buffer.from(a), Buffer.from(b)),
  );
  const sha256 = (data) => createHash('sha256').update(data).digest('hex');
  return sha256(sources.map((path) => `${path}\n${sha256(readFileSync(join(here, path)))}\n`).join(''));
}

/** The bundle's text. `plugins` may put something else in the place of a source. */
export async function bundle(plugins = []) {
  const { outputFiles } = await build({
    absWorkingDir: here,
    entryPoints: ['src/main.ts'],
    bundle: true,
    format: 'iife',
    target: 'es2022',
    minifySyntax: true,
    minifyWhitespace: true,
    charset: 'utf8',
    write: false,
    plugins: [...plugins, squeezedCss],
    // Without the strict directive that the compiler's options would ask for: a module is strict where it matters, in tsc.
    tsconfigRaw: {},
    // Put first, because with its regular expressions elsewhere the file compresses worse.
    inject: ['src/markdown/stream.ts'],
  });
  // A second squeeze, which also gives the short names, because it saves what all the icons weigh. What is unsafe about it
  // concerns only pages that replace what is built in, like `Error`, by something that must be called with `new`.
  const { code } = await minify(outputFiles[0].text, {
    ecma: 2022,
    toplevel: true,
    mangle: true,
    compress: { passes: 2, unsafe: true, unsafe_arrows: true, pure_getters: true, hoist_funs: true },
    format: { preamble: `/*! Frontdesk chat widget, MIT. sources:${hashSources()} */` },
  });
  return `${code}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(dirname(bundlePath), { recursive: true });
  writeFileSync(bundlePath, await bundle());
}
