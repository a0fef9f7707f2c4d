/** One deployment: the real functions on `convex-test`, with what it lacks of Convex around them. */

import { randomBytes } from 'node:crypto';
import { makeFunctionReference } from 'convex/server';
import type { Value } from 'convex/values';
import { convexTest, type TestConvex } from 'convex-test';
import schema from '../functions/schema';
import { Faults } from './faults';
import { type Caller, checkPermission, type Kind } from './keys';
import { RefusedError } from './refusal';
import { decode } from './values';

/** Every file of functions, by its path as `convex-test` wants it. */
export type Modules = Record<string, () => Promise<Record<string, unknown>>>;

/** What a function came to. Of an error, production tells no more than this. */
export type Outcome = { value: Value } | { errorMessage: string; errorData?: Value };

interface Function {
  isQuery?: boolean;
  isMutation?: boolean;
  isAction?: boolean;
  isInternal?: boolean;
}

export class Deployment {
  readonly faults = new Faults();
  /** How often each function was called, and how many calls there were at once at most. */
  readonly calls: Record<string, number> = {};
  mostAtOnce = 0;
  #atOnce = 0;
  readonly #modules: Modules;
  readonly #functions: TestConvex<typeof schema>;

  constructor(modules: Modules) {
    this.#modules = modules;
    this.#functions = convexTest({ schema, modules, transactionLimits: true });
  }

  /** Runs a function as Convex would, for that caller. */
  async run(kind: Kind, path: string, args: unknown, caller: Caller): Promise<Outcome> {
    const [, file, name] = /^([A-Za-z0-9_/]+):([A-Za-z0-9_]+)$/.exec(path) ?? [];
    if (!file || !name) throw new RefusedError(400, 'InvalidFunctionPath', `${path} is not a path to a function`);
    const found = (await this.#modules[`./${file}.ts`]?.())?.[name] as Function | undefined;
    const actual = found && kindOf(found);
    if (!found || !actual || (found.isInternal && !caller.internal)) {
      return failed(`Could not find public function for '${path}'.`);
    }
    if (found.isInternal) checkPermission(caller.internal ?? [], actual);
    if (actual !== kind) return failed(`Trying to execute ${path} as ${kind}, but it is defined as ${actual}.`);
    const [only, ...others] = Array.isArray(args) ? args : [args];
    if (typeof only !== 'object' || only === null || others.length > 0) {
      return failed('The arguments of a function must be an object.');
    }
    return this.#execute(actual, path, decode(only) as Record<string, Value>);
  }

  /** Counts a call from its arrival to its end. */
  async counted<Result>(path: string, run: () => Promise<Result>): Promise<Result> {
    this.calls[path] = (this.calls[path] ?? 0) + 1;
    this.#atOnce += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#atOnce);
    try {
      return await run();
    } finally {
      this.#atOnce -= 1;
    }
  }

  async #execute(kind: Kind, path: string, args: Record<string, Value>): Promise<Outcome> {
    try {
      const run = this.#functions[kind] as (reference: unknown, args: Record<string, Value>) => Promise<unknown>;
      const result = await run(makeFunctionReference(path), args);
      return { value: (result ?? null) as Value };
    } catch (error) {
      const isData = typeof error === 'object' && error !== null && Symbol.for('ConvexError') in error;
      return failed(error, isData ? (error as unknown as { data: Value }).data : undefined);
    }
  }
}

function kindOf({ isQuery, isMutation, isAction }: Function): Kind | undefined {
  if (isQuery) return 'query';
  if (isMutation) return 'mutation';
  return isAction ? 'action' : undefined;
}

/** An error as production tells it. What it was is said here for whoever looks for a defect. */
function failed(why: unknown, errorData?: Value): Outcome {
  if (errorData === undefined) console.error(why);
  return { errorMessage: `[Request ID: ${randomBytes(8).toString('hex')}] Server Error`, errorData };
}
