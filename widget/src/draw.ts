/** Makes the page look like shapes, changing no more than what differs: selection, focus and scroll positions survive. */

import type { Child, Shape } from './shape';

const SVG = 'http://www.w3.org/2000/svg';

const drawn = new WeakMap<Node, Shape>();

/** The shape that an element of ours was drawn from. */
export const shapeOf = (element: Element) => drawn.get(element) as Shape;

/** Draws the children of an element, in place of those it has. */
export function draw(parent: Element, children: readonly Child[]): void {
  children.forEach((child, index) => {
    const node = parent.childNodes[index];
    if (typeof child === 'object') drawElement(parent, child, node);
    else if (node instanceof Text) {
      const text = child || '';
      if (text === node.data) return;
      if (text.startsWith(node.data)) node.appendData(text.slice(node.length));
      else node.data = text;
    } else place(parent, document.createTextNode(child || ''), node);
  });
  while (parent.childNodes.length > children.length) parent.lastChild?.remove();
}

function drawElement(parent: Element, shape: Shape, node: ChildNode | undefined): void {
  let old = node && drawn.get(node);
  if (old === shape) return;
  let element = node as HTMLElement;
  if (old?.kind !== shape.kind) {
    old = undefined;
    // What is inside a drawing belongs to it.
    const kind = shape.kind === 'svg' ? SVG : parent.namespaceURI;
    element = document.createElementNS(kind, shape.kind) as HTMLElement;
    place(parent, element, node);
  }
  drawn.set(element, shape);
  for (const name in { ...old?.attrs, ...shape.attrs }) {
    const value = shape.attrs[name];
    if (value === old?.attrs[name]) continue;
    if (typeof value === 'function') element[name as 'onclick'] = value as never;
    else if (value) element.setAttribute(name, value === true ? '' : value);
    else element.removeAttribute(name);
  }
  draw(element, shape.inner);
}

function place(parent: Element, made: Node, node: ChildNode | undefined) {
  if (node) node.replaceWith(made);
  else parent.append(made);
}
