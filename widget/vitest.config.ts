import { readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  plugins: [
    {
      name: 'css-as-text',
      enforce: 'pre',
      load: (id) => (id.endsWith('.css') ? `export default ${JSON.stringify(readFileSync(id, 'utf8'))}` : undefined),
    },
  ],
  test: { environment: 'happy-dom', setupFiles: 'test/setup.ts', testTimeout: 30_000, include: ['test/**/*.test.ts'] },
});
