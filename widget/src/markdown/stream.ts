/**
 * Markdown that arrives piece by piece. However it is cut, the finished shapes are those of the whole text: only complete lines
 * decide where a block ends, and only the last block is ever read again.
 */

import { type Child, shape } from '../shape';
import { readBlocks } from './blocks';

/** Takes the next piece of the text, or nothing for its end, and returns the shapes of all that came so far. */
export type MarkdownReader = (piece?: string) => Child[];

/** A last line of nothing but marks could still become anything, so it is not drawn yet. */
const UNDECIDED = /^(?:[-*+#>|:`~=_ \t]+|[ \t]*\d{1,9}[.)]?[ \t]*)$/;

/** `imageHosts` are those that images may be shown from. */
export function createReader(imageHosts: readonly string[] = []): MarkdownReader {
  const settled: Child[] = [];
  let rest = '';
  return (piece) => {
    const live = piece !== undefined;
    rest += (piece ?? '').replace(/\r/g, '');
    const lines = rest.split('\n');
    const end = live && UNDECIDED.test(lines.at(-1) as string) ? -1 : lines.length;
    const starts: number[] = [];
    const shapes = readBlocks(lines.slice(0, end), live, imageHosts, starts);
    const all = [...settled, ...shapes];
    // A table shows only on its second line, so a block has surely begun when the line after its first is complete.
    const begun = starts.filter((start) => start < lines.length - 2);
    settled.push(...shapes.slice(0, Math.max(begun.length - 1, 0)));
    rest = lines.slice(begun.at(-1)).join('\n');
    return live ? withCaret(all) : all;
  };
}

/** Puts a caret into the innermost element that the text ends in. */
function withCaret(children: Child[]): Child[] {
  const last = children.at(-1);
  if (typeof last === 'object' && /^(p|h3|ul|ol|li|blockquote)$/.test(last.kind))
    return [...children.slice(0, -1), { ...last, inner: withCaret(last.inner) }];
  return [...children, shape('span', { class: 'caret', 'aria-hidden': 'true' })];
}
