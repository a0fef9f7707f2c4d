import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { defineConfig } from 'vitest/config';

/** Hands style sheets over as text, as the build does. The other ending keeps them from being taken for style sheets here. */
const cssAsText = {
  name: 'css-as-text',
  enforce: 'pre' as const,
  resolveId: (id: string, importer = '') => (id.endsWith('.css') ? `${resolve(importer, '..', id)}.text` : undefined),
  load: (id: string) =>
    id.endsWith('.css.text') ? `export default ${JSON.stringify(readFileSync(id.slice(0, -5), 'utf8'))}` : undefined,
};

export default defineConfig({
  plugins: [cssAsText],
  // One pretended browser for all files: to set one up takes longer than most of them.
  test: {
    isolate: false,
    environment: 'happy-dom',
    setupFiles: 'test/setup.ts',
    testTimeout: 30_000,
    include: ['test/**/*.test.ts'],
  },
});
