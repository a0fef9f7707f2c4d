import { defineConfig } from 'vitest/config';

export default defineConfig({
  // What Convex's own runtime has, and no more.
  test: { environment: 'edge-runtime', include: ['test/**/*.test.ts'], testTimeout: 30_000 },
});
