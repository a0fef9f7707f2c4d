/**
 * Convex's HTTP API over the real functions: a double for tests, because no deployment can be had where they run.
 *
 * One process has as many deployments as keys name: see `keys.ts`. What it has of Convex was read in Convex's own source;
 * what it does not have is listed in docs/CONVEX.md.
 */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Deployment, type Modules, type Outcome } from './deployment';
import { Cut, type Fault, Hang, refusalOf } from './faults';
import { type Caller, callerOf, type Kind } from './keys';
import { RefusedError } from './refusal';
import { encode, type Format, write } from './values';

const MAX_BODY = 16 * 1024 * 1024 + 2000;

/** Serves on a free port of the loopback interface, and says which: `bridge ready URL`. */
export function serve(modules: Modules): void {
  const deployments = new Map<string, Deployment>();
  const deploymentOf = (name: string) => {
    const found = deployments.get(name) ?? new Deployment(modules);
    deployments.set(name, found);
    return found;
  };
  const server = createServer((request, response) => {
    answer(request, deploymentOf)
      .then(({ status, text }) => {
        response.writeHead(status, { 'Content-Type': 'application/json' }).end(text);
      })
      .catch((error: unknown) => fail(error, request, response));
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1', () => {
    process.stdout.write(`bridge ready http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
  });
  // Whoever started this holds the other end, so it ends with them however they end.
  process.stdin.on('end', () => process.exit(0)).resume();
}

interface Answer {
  status: number;
  text: string;
}

const json = (value: unknown, status = 200): Answer => ({ status, text: write(value) });

async function answer(request: IncomingMessage, deploymentOf: (name: string) => Deployment): Promise<Answer> {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const [, first, second] = url.pathname.split('/');
  if (request.method === 'POST' && first === 'api' && ['query', 'mutation', 'action'].includes(second ?? '')) {
    const body = await readJson(request);
    const caller = callerOf(request.headers.authorization);
    return call(deploymentOf(caller.deployment), second as Kind, body, caller);
  }
  if (first === '__test' && second) {
    const deployment = deploymentOf(second);
    if (request.method === 'POST') deployment.faults.add((await readJson(request)) as unknown as Fault[]);
    if (request.method === 'DELETE') deployment.faults.clear();
    return json({ calls: deployment.calls, mostAtOnce: deployment.mostAtOnce });
  }
  throw new RefusedError(404, 'NotFound', 'not found');
}

async function call(
  deployment: Deployment,
  kind: Kind,
  body: Record<string, unknown>,
  caller: Caller,
): Promise<Answer> {
  const { path, args, format = 'json' } = body;
  if (typeof path !== 'string') throw new RefusedError(400, 'BadJsonBody', 'missing field `path`');
  if (args === undefined) throw new RefusedError(400, 'BadJsonBody', 'missing field `args`');
  if (format !== 'json' && format !== 'convex_encoded_json') {
    throw new RefusedError(400, 'BadFormat', 'format param must be one of [`json`].');
  }
  return deployment.counted(path, async () => {
    const fault = deployment.faults.next(path);
    if (fault) await before(fault);
    if (fault?.kind === 'garbage') return { status: 200, text: '<html>Sign in to the network</html>' };
    const isPaused = fault?.kind === 'paused';
    const outcome = isPaused ? { errorMessage: 'paused' } : await deployment.run(kind, path, args, caller);
    if (fault?.kind === 'lose_reply') throw new Cut();
    if (fault?.kind === 'hang') throw new Hang();
    return json(bodyOf(outcome, format));
  });
}

async function before(fault: Fault): Promise<void> {
  if (fault.kind === 'slow') await sleep(fault.millis);
  if (fault.kind === 'lose_request') throw new Cut();
  if (fault.kind === 'status') {
    const { status, code, message } = refusalOf(fault);
    throw new RefusedError(status, code, message);
  }
}

function bodyOf(outcome: Outcome, format: Format): unknown {
  if ('value' in outcome) return { status: 'success', value: encode(outcome.value, format) };
  const { errorMessage, errorData } = outcome;
  return {
    status: 'error',
    errorMessage,
    ...(errorData === undefined ? {} : { errorData: encode(errorData, format) }),
  };
}

async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
  if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) {
    throw new RefusedError(400, 'BadJsonBody', 'Expected request with `Content-Type: application/json`');
  }
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request) {
    size += (part as Buffer).length;
    if (size > MAX_BODY) throw new RefusedError(413, 'BodyTooLarge', 'length limit exceeded');
    parts.push(part as Buffer);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString('utf8'));
  } catch {
    throw new RefusedError(400, 'BadJsonBody', 'Failed to parse the request body as JSON');
  }
}

function fail(error: unknown, request: IncomingMessage, response: ServerResponse): void {
  if (error instanceof Hang) return;
  if (error instanceof Cut) {
    request.socket.destroy();
    return;
  }
  const { status, code, message } =
    error instanceof RefusedError
      ? error.refusal
      : { status: 500, code: 'InternalServerError', message: 'Your request could not be completed.' };
  if (!(error instanceof RefusedError)) console.error(error);
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(write({ code, message }));
}
