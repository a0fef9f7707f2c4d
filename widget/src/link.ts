/** Whether the server can be reached, and when to try it again. */

/** Seconds. Longer waits are not for us to sit out, whatever the server asks for. */
const LONGEST = 15;

export interface Link {
  down: boolean;
  /** Tells whether the last request met the server. */
  report(reached: boolean): void;
  /** Waits before the next try, longer after each failure; ends early when the connection may be back. */
  holdOn(failures: number, atLeast?: number): Promise<void>;
  /** Ends every pause now. */
  retryNow(): void;
}

/** Until `life` ends. */
export function createLink(changed: () => void, life: AbortSignal): Link {
  /** What ends the pauses. */
  const pauses: (() => void)[] = [];
  const link: Link = {
    down: !navigator.onLine,
    report(reached) {
      if (link.down !== reached) return;
      link.down = !reached;
      changed();
    },
    retryNow() {
      for (const end of pauses.splice(0)) end();
    },
    holdOn: (failures, atLeast = 0) =>
      new Promise((resolve) => {
        const seconds = Math.min(Math.max(2 ** (failures - 1), atLeast), LONGEST);
        // Visitors who lost the server together should not come back together.
        setTimeout(resolve, seconds * (1000 + Math.random() * 500));
        pauses.push(resolve);
      }),
  };
  const options = { signal: life };
  addEventListener('offline', () => link.report(false), options);
  const back = () => {
    link.report(true);
    link.retryNow();
  };
  addEventListener('online', back, options);
  return link;
}
