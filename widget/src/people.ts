/** The people of the site's team, and what the log says of their coming and going. */

import { Icon, icon } from './icons';
import { box, type Child, type Shape, shape } from './shape';
import type { Turn } from './turn';
import { fill } from './words';

/** Messages of one person closer together than this stand under one name. */
const TOGETHER = 120_000;

/** The sign of whoever speaks: square for the assistant, round with initials for a person. */
export function avatar(person?: string): Shape {
  if (!person) return shape('span', { class: 'avatar' }, icon(Icon.bell));
  const initials = person
    .split(/\s+/, 2)
    .map((name) => [...name][0])
    .join('');
  return shape('span', { class: 'avatar round', 'aria-hidden': 'true' }, initials);
}

/** Who says something, and what comes after the name. */
export const byline = (name: string, person: string | undefined, after: Child) =>
  box('by', avatar(person), shape('b', {}, name), after);

/** Whether a person's message goes on with the one before, so that the name need not be said again. */
export const goesOn = (turn: Turn, before: Turn | undefined) =>
  before?.person === turn.person && !before?.happened && turn.askedAt - (before?.askedAt ?? 0) < TOGETHER;

/** What has happened, as a sentence. Nothing for what we do not know. */
export const eventText = ({ happened = 'closed', person: name = '' }: Turn, title: string) =>
  /^(asked|away|joined|left)$/.test(happened) ? fill(happened, { name, title }) : '';

/** A line between the messages. */
export const eventLine = (text: string, picture: Icon) => text && box('event', icon(picture), shape('span', {}, text));
