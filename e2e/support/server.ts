import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Server } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';

/** Something that serves at an address until it is ended. */
export interface Running {
  url: string;
  end(): Promise<void>;
}

/** Lets a server listen on a free port of this machine alone. */
export async function listen(server: Server): Promise<Running> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async end() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Each worker of the tests has a thousand ports of its own, below those that the system gives out. */
let lastPort = 20_000 + Number(process.env.TEST_PARALLEL_INDEX ?? 0) * 1000;

/** A port that nothing listens on, and that nobody else is given until it is used. */
export async function freePort(): Promise<number> {
  for (;;) {
    lastPort++;
    const server = createServer().listen(lastPort, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return lastPort;
  }
}

const children = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

/** Ends a process with this one, also if a test fails before it does so itself. */
export function endWithUs(child: ChildProcess): void {
  children.add(child);
  child.once('exit', () => children.delete(child));
}
