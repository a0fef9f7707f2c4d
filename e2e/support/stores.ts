/** Where the program can keep its data: a file, a PostgreSQL server, or the double of Convex. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { endWithUs, freePort } from './server.ts';

/** A store that is there until it is ended, and the settings that name it. */
export interface Store {
  settings: Record<string, string>;
  end(): Promise<void>;
}

/** How to start each of them. */
export const STORES: Record<string, () => Promise<Store>> = {
  SQLite: async () => ({ settings: {}, end: async () => {} }),
  PostgreSQL: startPostgres,
  Convex: startConvex,
};

/** Debian's folder of PostgreSQL, a folder for each version. */
const VERSIONS = '/usr/lib/postgresql';

/** Runs the server until standard input is closed, however that comes about, and then removes its folder. */
const RUN = '"$1/postgres" -D "$2/data" $3 & read -r _; kill -QUIT $!; wait; rm -rf "$2"';

/** A server of its own, for a test that needs it for seconds. */
async function startPostgres(): Promise<Store> {
  const tools = postgresTools();
  const folder = mkdtempSync(join(tmpdir(), 'frontdesk-e2e-postgres-'));
  // The server refuses to be run by root.
  const owner = process.getuid?.() === 0 ? userNamed('postgres') : undefined;
  if (owner) chownSync(folder, owner.uid, owner.gid);
  const data = join(folder, 'data');
  const words = ['--auth', 'trust', '--username', 'frontdesk', '--encoding', 'UTF8', '--locale', 'C', '--no-sync'];
  const made = spawnSync(join(tools, 'initdb'), ['--pgdata', data, ...words], { ...owner, cwd: '/' });
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
  const port = await freePort();
  const options = `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=${folder} -c fsync=off`;
  const child = spawn('sh', ['-c', RUN, 'sh', tools, folder, options], {
    ...owner,
    cwd: '/',
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  await untilOpen(port);
  return {
    settings: { DATABASE_URL: `postgres://frontdesk@127.0.0.1:${port}/postgres` },
    end: () => endOfInput(child),
  };
}

/** The programs of the newest version that is installed. */
function postgresTools(): string {
  const versions = existsSync(VERSIONS) ? readdirSync(VERSIONS) : [];
  const tools = versions.sort((a, b) => Number(b) - Number(a)).map((version) => join(VERSIONS, version, 'bin'));
  const found = tools.find((folder) => existsSync(join(folder, 'initdb')));
  if (!found) throw new Error('PostgreSQL is not installed: run cargo xtask setup');
  return found;
}

function userNamed(name: string): { uid: number; gid: number } {
  const users = readFileSync('/etc/passwd', 'utf8').split('\n');
  const fields = users.map((line) => line.split(':')).find(([user]) => user === name);
  return { uid: Number(fields?.[2]), gid: Number(fields?.[3]) };
}

async function untilOpen(port: number): Promise<void> {
  for (const began = Date.now(); Date.now() - began < 20_000; await pause(20)) {
    const socket = createConnection(port, '127.0.0.1');
    const isOpen = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'close').then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (isOpen) return;
  }
  throw new Error('PostgreSQL does not serve');
}

/** The functions that are deployed, behind the double of Convex's HTTP API. */
async function startConvex(): Promise<Store> {
  const folder = fileURLToPath(new URL('../../convex', import.meta.url));
  if (!existsSync(join(folder, 'node_modules', 'convex-test'))) {
    throw new Error('the packages of convex/ are not installed: run cargo xtask test');
  }
  const child = spawn('node', ['testing/start.mjs'], { cwd: folder, stdio: ['pipe', 'pipe', 'ignore'] });
  endWithUs(child);
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return {
    settings: {
      CONVEX_URL: line.replace('bridge ready ', ''),
      CONVEX_STORE_KEY: 'prod:e2e|queries-and-mutations-only',
    },
    end: () => endOfInput(child),
  };
}

async function endOfInput(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit');
  child.stdin?.end();
  await gone;
}
