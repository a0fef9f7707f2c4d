/** The pages of docs/examples, served as they are, and what a bundler makes of two of them. */

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { listen, type Running } from './server.ts';

const FOLDER = new URL('../../docs/examples/', import.meta.url);
const WIDGET = new URL('../../widget/', import.meta.url);

/** The bundler that the widget is built with. */
interface Bundler {
  build(options: object): Promise<{ outputFiles: { text: string }[] }>;
}

/** An app of the examples with the package, both built now from their sources. */
async function bundle(main: string): Promise<string> {
  const { build } = createRequire(WIDGET)('esbuild') as Bundler;
  const { squeezedCss } = await import(new URL('build.mjs', WIDGET).href);
  const result = await build({
    entryPoints: [fileURLToPath(new URL(main, FOLDER))],
    bundle: true,
    write: false,
    jsx: 'automatic',
    alias: { '@frontdesk/widget': fileURLToPath(new URL('package', WIDGET)) },
    nodePaths: [fileURLToPath(new URL('node_modules', WIDGET))],
    plugins: [squeezedCss],
    tsconfigRaw: {},
    define: { 'process.env.NODE_ENV': '"production"' },
    logLevel: 'error',
  });
  return result.outputFiles[0]?.text ?? '';
}

async function content(path: string): Promise<string> {
  if (path === 'react/bundle.js') return bundle('react/main.jsx');
  if (path === 'vue/bundle.js') return bundle('vue/main.js');
  return readFile(new URL(path, FOLDER), 'utf8');
}

export function startExamples(): Promise<Running> {
  return listen(
    createServer(async (request, response) => {
      const kind = extname(request.url ?? '') === '.js' ? 'text/javascript' : 'text/html';
      try {
        const text = await content((request.url ?? '').slice(1));
        response.writeHead(200, { 'content-type': `${kind}; charset=utf-8` }).end(text);
      } catch (error) {
        response.writeHead(404).end(`${error}`);
      }
    }),
  );
}
