/** Markdown inside a line of text: emphasis, code, links, line breaks. */

import { type Child, shape } from '../shape';
import { outward, safeAddress, safeImage, trimBareAddress } from './links';

/** Emphasis that has been opened and not closed yet, with what it holds so far. */
interface Open {
  delimiter: string;
  strength: number;
  inner: Child[];
}

/** Emphasis nested deeper than this is noise, and must not cost more than text. */
const DEEPEST = 24;

/**
 * What can stand at a place in the text, by group: 1 an escaped character; 2 and 3 a code span and what is in it; 4 marks of
 * emphasis; 5 to 7 a link or, with `!`, an image: its label, and its address, in which brackets balance; 8 an address in angle
 * brackets; 9 a bare address; 10 a line break. Otherwise a word, in which underscores mean nothing, or one character.
 */
const TOKEN =
  /\\([!-/:-@[-`{-~])|(`+)(?!`)([\s\S]*?[^`])\2(?!`)|(\*+|_+|~~)|(!?)\[((?:\\.|[^[\]\\]|\[[^[\]]*\])*)\]\(\s*((?:\\.|[^\s()\\]|\((?:[^\s()]|\([^\s()]*\))*\))*)(?:\s+(?:"[^"]*"|'[^']*'))?\s*\)|<((?:https?|mailto|tel):[^\s<>]*)>|(https?:\/\/[^\s<>"`\u3000-\u303f\uff00-\uffef]+)|(\\?\n)|[\p{L}\p{N}]+(?:_+[\p{L}\p{N}]+)*|`+|[\s\S]/uy;
/** A link or a code span that has only begun, at the end of a text that still goes on. */
const UNFINISHED = /!?\[([^[\]]*)(?:\](?:\([^\s)]*)?)?$|`+([^`]*)$/y;

/**
 * Reads a stretch of text. With `live` the text may still go on: what was opened and not closed is drawn as if it were
 * closed at the end, so that an answer does not flicker between marks and meaning while it streams in.
 */
export function readInline(text: string, live: boolean, imageHosts: readonly string[], inLink?: boolean): Child[] {
  const opens: Open[] = [{ delimiter: '', strength: 0, inner: [] }];
  let at = 0;

  function write(...parts: Child[]) {
    const { inner } = opens.at(-1) as Open;
    for (const part of parts) {
      const last = inner.length - 1;
      if (typeof part === 'string' && typeof inner[last] === 'string') inner[last] += part;
      else if (part) inner.push(part);
    }
  }

  /** Closes the innermost emphasis: so many of its marks mean something, the rest are text. */
  function close(used: number) {
    const open = opens.pop() as Open;
    const tag = open.delimiter === '~' ? 's' : used > 1 ? 'strong' : 'em';
    const inner = used && open.inner.length ? [shape(tag, {}, ...open.inner)] : open.inner;
    if (open.strength > used && used) opens.push({ ...open, strength: open.strength - used, inner });
    else write(used ? '' : open.delimiter.repeat(open.strength), ...inner);
  }

  function emphasis(run: string) {
    const mark = run[0] as string;
    const after = text[at + run.length];
    let count = run.length;
    while (count && /\S/.test(text[at - 1] ?? ' ')) {
      const index = opens.findLastIndex((open) => open.delimiter === mark);
      if (index < 0) break;
      while (opens.length > index + 1) close(0);
      const used = Math.min((opens[index] as Open).strength, count, 2);
      close(used);
      count -= used;
    }
    if (count && opens.length < DEEPEST && (after ? /\S/.test(after) : live))
      opens.push({ delimiter: mark, strength: count, inner: [] });
    else write(mark.repeat(count));
  }

  function link(address: string, children: Child[]) {
    const href = inLink ? undefined : safeAddress(address);
    const shown = children.some(Boolean) ? children : [address];
    if (href) write(shape('a', outward(href), ...shown));
    else write(...shown);
  }

  while (at < text.length) {
    TOKEN.lastIndex = UNFINISHED.lastIndex = at;
    const unfinished = live && UNFINISHED.exec(text);
    if (unfinished) {
      write(unfinished[1] ?? shape('code', {}, unfinished[2]));
      break;
    }
    const [token = '', escaped, fence, code = '', run, image, label = '', address = '', angled, bare, lineBreak] =
      TOKEN.exec(text) ?? [];
    let end = at + token.length;
    if (fence) write(shape('code', {}, code.replace(/\n/g, ' ').trim() || code));
    else if (run) emphasis(run);
    else if (image !== undefined) {
      const target = address.replace(/\\(.)|^<|>$/g, '$1');
      const src = image && safeImage(target, imageHosts);
      if (src) write(shape('img', { src, alt: label, loading: 'lazy', referrerpolicy: 'no-referrer' }));
      // Of other images the description stands for them: to load them could tell somebody what was said here.
      else link(target, image ? [label] : readInline(label, false, imageHosts, true));
    } else if (angled) link(angled, [angled]);
    else if (bare) {
      const trimmed = trimBareAddress(bare);
      link(trimmed, [trimmed]);
      end = at + trimmed.length;
    } else write(lineBreak ? shape('br') : (escaped ?? token));
    at = end;
  }
  while (opens.length > 1) close(live ? Math.min((opens.at(-1) as Open).strength, 2) : 0);
  return (opens[0] as Open).inner;
}
