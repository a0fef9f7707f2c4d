/** What goes wrong on the way, as tests ask for it. */

import type { Refusal } from './refusal';

/** One kind of fault. Its `every`th call of that path, or of any, meets it; `times` says how often in all. */
export interface Fault {
  path?: string;
  every?: number;
  times?: number;
  kind: /** An error of Convex itself: `status`, `code`. Nothing is run. */
    | 'status'
    /** The connection breaks before anything is run. */
    | 'lose_request'
    /** The connection breaks when the function has been run. */
    | 'lose_reply'
    /** The answer waits for `millis`. */
    | 'slow'
    /** The function is run, and the answer never comes. */
    | 'hang'
    /** Something that is not Convex answers. */
    | 'garbage'
    /** The deployment is switched off: an error without data. */
    | 'paused';
  status?: number;
  code?: string;
  millis?: number;
}

export class Faults {
  #faults: (Fault & { seen: number; met: number })[] = [];

  add(faults: Fault[]): void {
    this.#faults.push(...faults.map((fault) => ({ ...fault, seen: 0, met: 0 })));
  }

  clear(): void {
    this.#faults = [];
  }

  /** The fault that this call meets. */
  next(path: string): Fault | undefined {
    return this.#faults.find((fault) => {
      if ((fault.path ?? path) !== path || fault.met >= (fault.times ?? 1)) return false;
      fault.seen += 1;
      if (fault.seen % (fault.every ?? 1) !== 0) return false;
      fault.met += 1;
      return true;
    });
  }
}

/** The connection is to be cut without an answer. */
export class Cut extends Error {}

/** The call is to be left without an answer. */
export class Hang extends Error {}

export const refusalOf = ({ status = 503, code = 'OptimisticConcurrencyControlFailure' }: Fault): Refusal => ({
  status,
  code,
  message: 'The test asked for it.',
});
