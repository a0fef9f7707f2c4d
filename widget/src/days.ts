/** Names days and times the way people do, in the visitor's language and time zone. */

import { language, Words } from './words';

const DAY = 86_400_000;
const midnight = (time: number | string) => new Date(time).setHours(0, 0, 0, 0);

/** Names that were made already: making one takes long, and a log asks for those of all its turns with every word. */
const made: Record<string, string> = {};

/** When this day began. */
export const startOfToday = () => midnight(Date.now());

/** The name of the day of a moment, seen from a day that began at `today`. */
export function nameDay(time: number, today: number): string {
  if (time >= today) return Words.today;
  const day = midnight(time);
  // Rounded, because a day can have 23 or 25 hours.
  const ago = Math.round((today - day) / DAY);
  if (ago < 2) return Words.yesterday;
  const style = ago < 7 ? ({ weekday: 'long' } as const) : ({ dateStyle: 'long' } as const);
  // biome-ignore lint/suspicious/noAssignInExpressions: reads as what it is, a cache.
  return (made[`${day} ${today} ${language}`] ??= new Date(time).toLocaleDateString(language, style));
}

/** The time of day, in the visitor's time zone, with the day if that is yet to come. */
export const nameTime = (time: number | string): string =>
  new Date(time).toLocaleTimeString(language, {
    hour: 'numeric',
    minute: '2-digit',
    weekday: midnight(time) > startOfToday() ? 'long' : undefined,
  });
