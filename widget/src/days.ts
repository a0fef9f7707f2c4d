/** Names a day the way people do, in the visitor's language and time zone. */

import { language, Words } from './words';

const DAY = 86_400_000;
const midnight = (time: number) => new Date(time).setHours(0, 0, 0, 0);

export function nameDay(time: number): string {
  // Rounded, because a day can have 23 or 25 hours.
  const ago = Math.round((midnight(Date.now()) - midnight(time)) / DAY);
  if (ago < 1) return Words.today;
  if (ago < 2) return Words.yesterday;
  return new Date(time).toLocaleDateString(language, ago < 7 ? { weekday: 'long' } : { dateStyle: 'long' });
}
