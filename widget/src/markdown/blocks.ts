/** Markdown line by line: paragraphs, headings, lists, quotes, code, tables, rules. */

import { Icon, icon } from '../icons';
import { button, type Shape, shape } from '../shape';
import { Words } from '../words';
import { readInline } from './inline';

const FENCE = /^ *(`{3,}|~{3,}) *([^`\s]*)[^`]*$/;
const HEADING = /^ *#{1,6}[ \t]+(.*)/;
const RULE = /^ *([-*_])(?:[ \t]*\1){2,}[ \t]*$/;
const QUOTE = /^ *> ?(.*)/;
const BULLET = /^([ \t]*)([-*+]|(\d{1,9})[.)])(?:[ \t](.*)|)$/;
const DELIMITERS = /^[-:|\s]+$/;

/** Blocks nested deeper than this are text. Real answers stay far above it; a wall of `>` must not. */
const DEEPEST = 8;

/** For what may be wider than the log. */
const SCROLLABLE = { tabindex: '0', role: 'group' };

/**
 * Reads lines into shapes. Where a block starts, its line is added to `starts`; whether it does depends on no line after the
 * next one. With `live` the text of the last line may still go on.
 */
export function readBlocks(
  lines: string[],
  live: boolean,
  imageHosts: readonly string[],
  starts: number[] = [],
  depth = 0,
): Shape[] {
  const attributes = depth ? {} : { dir: 'auto' };
  let at = 0;

  const line = () => lines[at] ?? '';
  const isLive = () => live && at >= lines.length;
  const nested = (content: string[], last: boolean) => readBlocks(content, last && isLive(), imageHosts, [], depth + 1);
  const inline = (text: string) => readInline(text, isLive(), imageHosts);

  /** Takes lines while they belong to a block, as the text that `part` makes of each; undefined ends the block. */
  function take(part: () => string | undefined): string[] {
    const taken: string[] = [];
    for (let text: string | undefined; at < lines.length; at++) {
      text = part();
      if (text === undefined) break;
      taken.push(text);
    }
    return taken;
  }

  function list(indent: number, start: string | undefined): Shape {
    const items: string[][] = [];
    let width = 0;
    let afterBlank = false;
    for (; at < lines.length; at++) {
      let text = line();
      const bullet = BULLET.exec(text);
      const inside = columns(text) >= indent + 2;
      if (bullet && !bullet[3] === !start && !inside) {
        items.push([]);
        width = columns(text) + (bullet[2] as string).length + 1;
        text = bullet[4] ?? '';
      } else if (inside) text = outdent(text, width);
      else if (text.trim() && (afterBlank || startsBlock(text))) break;
      items.at(-1)?.push(text);
      afterBlank = !text.trim();
    }
    const shapes = items.map((item, index) => {
      // The first paragraph of a list item is the item itself.
      const children = nested(item, index === items.length - 1).flatMap((child, place) =>
        !place && child.kind === 'p' ? child.inner : [child],
      );
      return shape('li', {}, ...children);
    });
    return shape(start ? 'ol' : 'ul', { ...attributes, start }, ...shapes);
  }

  function table(): Shape {
    const ends = cellsOf(lines[at + 1] as string).map((cell) => (/^-+:$/.test(cell) ? 'n' : undefined));
    const head = line();
    at += 2;
    const body = take(() => (line().trim() && !startsBlock(line()) ? line() : undefined));
    const rows = [head, ...body].map((row, index) => {
      const cells = cellsOf(row).slice(0, ends.length);
      const tag = index ? 'td' : 'th';
      return shape('tr', {}, ...cells.map((cell, place) => shape(tag, { class: ends[place] }, ...inline(cell))));
    });
    return shape(
      'div',
      { ...attributes, class: 'table', ...SCROLLABLE, 'aria-label': Words.table },
      shape('table', {}, ...rows),
    );
  }

  function code(fence: string, language: string): Shape {
    const indent = line().indexOf(fence);
    at++;
    const content = take(() => (line().trim() === fence ? undefined : outdent(line(), indent)));
    at++;
    return shape(
      'figure',
      { class: 'code', dir: 'ltr' },
      shape(
        'figcaption',
        {},
        shape('span', {}, language || Words.code),
        isSecureContext && button({}, icon(Icon.copy), Words.copy),
      ),
      shape(
        'pre',
        { ...SCROLLABLE, 'aria-label': `${language} ${Words.code}`.trim() },
        shape('code', {}, content.join('\n')),
      ),
    );
  }

  function next(): Shape {
    const text = line();
    const fence = FENCE.exec(text);
    if (fence) return code(fence[1] as string, fence[2] as string);
    const heading = HEADING.exec(text);
    if (heading || RULE.test(text)) at++;
    // One level below the panel's own heading: an answer that starts at `###`, as many do, must not skip one.
    if (heading) return shape('h3', attributes, ...inline(heading[1] as string));
    if (RULE.test(text)) return shape('hr');
    if (depth < DEEPEST) {
      const quoted = take(() => QUOTE.exec(line())?.[1]);
      if (quoted.length) return shape('blockquote', attributes, ...nested(quoted, true));
      const bullet = BULLET.exec(text);
      if (bullet) return list(columns(text), bullet[3]);
    }
    if (startsTable()) return table();
    const first = at;
    const content = take(() =>
      at > first && (!line().trim() || startsBlock(line()) || startsTable()) ? undefined : line().trim(),
    ).join('\n');
    return shape('p', attributes, ...inline(content));
  }

  function startsTable(): boolean {
    const under = lines[at + 1] ?? '';
    return (
      /\|/.test(line()) && /-/.test(under) && DELIMITERS.test(under) && cellsOf(line()).length === cellsOf(under).length
    );
  }

  const shapes: Shape[] = [];
  for (; at < lines.length; ) {
    if (line().trim()) {
      starts.push(at);
      shapes.push(next());
    } else at++;
  }
  return shapes;
}

/** Starts something that ends a paragraph, even without a blank line in between. */
function startsBlock(text: string): boolean {
  const bullet = BULLET.exec(text);
  // "1984. It was" in the middle of a paragraph is no list.
  if (bullet?.[4] && (bullet[3] ?? '1') === '1') return true;
  return [FENCE, HEADING, RULE, QUOTE].some((start) => start.test(text));
}

function cellsOf(row: string): string[] {
  const inner = row
    .trim()
    .replace(/\\\|/g, '\0')
    .replace(/^\||\|$/g, '');
  return inner.split('|').map((cell) => cell.replace(/\0/g, '|').trim());
}

/** How far a line is indented; a tab counts as four spaces. */
const columns = (text: string) => text.replace(/\S.*/, '').replace(/\t/g, '    ').length;

/** Takes up to so many columns of space, or one tab, from the start of a line. */
const outdent = (text: string, width: number) => text.replace(new RegExp(`^(?:\t| {0,${width}})`), '');
