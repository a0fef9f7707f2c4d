/** How often something may be tried: the same arithmetic as `frontdesk_core::ThrottleState`. */

import { type Infer, v } from 'convex/values';

/** All in milliseconds, but `freeTries`. */
export const rule = v.object({
  freeTries: v.number(),
  window: v.number(),
  firstPause: v.number(),
  longestPause: v.number(),
});

export interface ThrottleState {
  tries: number;
  lastTryAt: number;
  pausedUntil: number;
}

export const UNTRIED: ThrottleState = { tries: 0, lastTryAt: 0, pausedUntil: 0 };

/** The state after one more try and how many are left, or for how long to wait. */
export type Taken = { state: ThrottleState; left: number } | { wait: number };

const LARGEST_FACTOR = 2 ** 32 - 1;

export function take(
  state: ThrottleState,
  { freeTries, window, firstPause, longestPause }: Infer<typeof rule>,
  now: number,
): Taken {
  // A clock set back must not lock anyone out for longer than the longest pause.
  if (now < state.pausedUntil) return { wait: Math.min(state.pausedUntil - now, longestPause) };
  const isForgotten = Math.max(0, now - Math.max(state.lastTryAt, state.pausedUntil)) >= window;
  const before = isForgotten ? UNTRIED : state;
  const tries = before.tries + 1;
  let pausedUntil = before.pausedUntil;
  if (tries >= freeTries) {
    const factor = Math.min(2 ** (tries - freeTries), LARGEST_FACTOR);
    pausedUntil = now + Math.min(firstPause * factor, longestPause);
  }
  return { state: { tries, lastTryAt: now, pausedUntil }, left: Math.max(0, freeTries - tries) };
}
