/**
 * What should stand on the page, as plain data. Pure functions build shapes, and `draw` makes the page look like them. Text is
 * only ever text: nothing in a shape can turn into markup.
 */

export interface Shape {
  kind: string;
  attrs: Attributes;
  inner: Child[];
}

/** Something false takes a place without showing anything, so that its neighbours keep theirs. */
export type Child = Shape | string | false | undefined;

/** Functions are event handlers and have names like `onclick`; true stands for an attribute without a value. */
export type Attributes = Record<string, string | boolean | undefined | ((event: never) => void)>;

export const shape = (kind: string, attrs: Attributes = {}, ...inner: Child[]): Shape => ({
  kind,
  attrs,
  inner,
});

/** A `div`, which most shapes are. */
export const box = (className: string, ...children: Child[]) => shape('div', { class: className }, ...children);

export const button = (attributes: Attributes, ...children: Child[]) => shape('button', attributes, ...children);
