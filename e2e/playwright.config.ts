import { defineConfig } from '@playwright/test';

/** Debian's Chromium, kept from talking to anybody but the pages under test. */
export const launchOptions = {
  executablePath: '/usr/bin/chromium',
  args: [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
};

/** Takes pictures, and tests nothing. */
const UNWANTED = process.env.FRONTDESK_PICTURES ? [] : ['**/pictures.spec.ts'];

export default defineConfig({
  testDir: 'tests',
  outputDir: 'results',
  snapshotPathTemplate: 'snapshots/{arg}{ext}',
  forbidOnly: !!process.env.CI,
  // A busy machine may be slower than a test waits. What passes only the second time is listed as flaky.
  retries: process.env.CI ? 1 : 0,
  fullyParallel: true,
  workers: 2,
  timeout: 30_000,
  expect: { timeout: 10_000 },
  reporter: 'list',
  use: { viewport: { width: 1440, height: 900 }, trace: 'retain-on-failure' },
  projects: [
    { name: 'chromium', testIgnore: ['**/webkit.spec.ts', ...UNWANTED], use: { launchOptions } },
    // Debian's Firefox, which Playwright drives by WebDriver BiDi: what its own builds of Firefox can do beyond that is not there.
    {
      name: 'firefox',
      testMatch: 'browsers.spec.ts',
      use: {
        browserName: 'firefox',
        channel: 'moz-firefox',
        launchOptions: { executablePath: '/usr/bin/firefox-esr' },
      },
    },
    // Debian's WebKitGTK, which the tests drive themselves.
    { name: 'webkit', testMatch: 'webkit.spec.ts', timeout: 60_000 },
  ],
});
