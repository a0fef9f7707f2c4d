/** Numbers in square brackets that name a source become links to it, and the sources a list. */

import type { Source } from './api';
import { outward, safeAddress } from './markdown/links';
import { type Attributes, box, type Child, type Shape, shape } from './shape';
import { fill, Words } from './words';

/** A number in brackets, with the space before it. */
const MARK = /( ?\[(\d\d?)\])/;
/** No line may end here, so that a number never leaves its word. */
const JOINER = '\u2060';

/** Puts links in the place of the numbers in an answer. Code and links are left as they are. */
export function cite(children: Child[], sources: Source[]): Child[] {
  return children.flatMap((child) => {
    if (typeof child === 'object')
      return /^(a|code|figure)$/.test(child.kind) ? child : { ...child, inner: cite(child.inner, sources) };
    const parts = (child || '').split(MARK);
    return parts.flatMap((part, index) => {
      const number = +(parts[index + 1] as string);
      const source = sources[number - 1];
      // By threes: text, the mark, its number.
      if (index % 3 > 1) return [];
      const name = {
        class: 'cite',
        'aria-label': source?.url && fill('sourceNumber', { number, title: source.title }),
      };
      return index % 3 && source ? [JOINER, toSource(source, name, `${number}`)] : part;
    });
  });
}

/** The way to a source, if it has an address. */
function toSource({ url = '' }: Source, attributes: Attributes, ...face: Child[]): Shape {
  const href = safeAddress(url);
  return shape(href ? 'a' : 'span', { ...attributes, ...(href && outward(href)) }, ...face);
}

export const sourceList = (sources: Source[]): Shape =>
  box(
    'sources',
    shape('h3', {}, Words.sources),
    ...sources.map((source, index) =>
      toSource(source, {}, shape('b', { class: 'cite' }, `${index + 1}`), shape('span', {}, source.title)),
    ),
  );
