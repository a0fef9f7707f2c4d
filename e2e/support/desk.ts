/** The program itself, as a process with a folder and ports of its own. */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { endWithUs, freePort } from './server.ts';

/** A build of the widget to try without building the program again. */
const { WIDGET_BUNDLE_PATH } = process.env;
const BINARY = process.env.FRONTDESK_BINARY ?? fileURLToPath(new URL('../../target/debug/frontdesk', import.meta.url));

export const WIDGET_KEY = 'widget-key-of-the-tests-1';
export const PASSWORD = 'correct horse battery';

export interface Desk {
  /** Where the API and the widget are. */
  api: string;
  /** Where the dashboard is. */
  dashboard: string;
  /** Ends the process at once and starts another in its place. */
  crashAndRestart(): Promise<void>;
  /** Ends the process at once. */
  crash(): Promise<void>;
  /** Asks the process to end, and waits until it has. */
  shutDown(): Promise<void>;
  start(): Promise<void>;
  end(): Promise<void>;
}

/** Starts a program with these settings on top of those that every test needs. */
export async function startDesk(settings: Record<string, string>): Promise<Desk> {
  const folder = await mkdtemp(join(tmpdir(), 'frontdesk-e2e-'));
  const [port, dashboardPort] = [await freePort(), await freePort()];
  const api = `http://127.0.0.1:${port}`;
  let child: ChildProcess;
  let printed = '';

  async function stop(signal: NodeJS.Signals): Promise<void> {
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await gone;
  }

  const desk: Desk = {
    api,
    dashboard: `http://127.0.0.1:${dashboardPort}`,
    async start() {
      child = spawn(BINARY, [], {
        cwd: folder,
        env: {
          PORT: `${port}`,
          DASHBOARD_PORT: `${dashboardPort}`,
          WIDGET_API_KEY: WIDGET_KEY,
          DASHBOARD_PASSWORD: PASSWORD,
          RATE_LIMIT_MAX_REQUESTS: '100000',
          LOG_LEVEL: 'warn',
          ...(WIDGET_BUNDLE_PATH && { WIDGET_BUNDLE_PATH }),
          ...settings,
        },
      });
      endWithUs(child);
      child.stdout?.on('data', (text) => {
        printed += text;
      });
      child.stderr?.on('data', (text) => {
        printed += text;
      });
      for (const began = Date.now(); ; await pause(10)) {
        if (await healthy(api)) return;
        if (child.exitCode !== null || Date.now() - began > 20_000)
          throw new Error(`the program does not serve:\n${printed}`);
      }
    },
    crash: () => stop('SIGKILL'),
    shutDown: () => stop('SIGTERM'),
    async crashAndRestart() {
      await desk.crash();
      await desk.start();
    },
    async end() {
      await desk.crash();
      await rm(folder, { recursive: true });
    },
  };
  await desk.start();
  return desk;
}

async function healthy(api: string): Promise<boolean> {
  try {
    return (await fetch(`${api}/health`)).ok;
  } catch {
    return false;
  }
}
