/**
 * Bounds that keep every call within what Convex allows one transaction: 16 MiB and 32,000 documents read, 4,096 ranges of
 * indexes, a document of 1 MiB, an answer of 16 MiB.
 */

import { ConvexError } from 'convex/values';
import type { Doc } from '../_generated/dataModel';

/** The most rows a caller may ask for at once. */
export const MAX_PAGE = 1000;

/** The longest text of a message, in bytes. The server ends answers long before. */
export const MAX_TEXT = 512 * 1024;

/** How much text one call reads, in bytes. */
export const READ_BUDGET = 12 * 1024 * 1024;

/** How often one call reads from an index while it looks for messages. */
const MAX_READS = 200;

/** A refusal. Of an error, only its data reaches the server: the rest is redacted. */
export function refuse(code: string): never {
  throw new ConvexError({ code });
}

export function checkLimit(limit: number): number {
  return Number.isInteger(limit) && limit >= 1 && limit <= MAX_PAGE ? limit : refuse('bad_limit');
}

export function checkText(text: string): string {
  return bytesOf(text) <= MAX_TEXT ? text : refuse('text_too_long');
}

export function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length;
}

type Message = Doc<'messages'>;

/** Some messages, where to go on from, and whether there is nothing more to find. */
export interface Found {
  rows: Message[];
  last: Message | undefined;
  isEnd: boolean;
}

/**
 * Reads up to `wanted` messages that are worth keeping, in portions that cannot be too large however long their texts are.
 * Stops early, with `isEnd` false, when this call has read enough.
 */
export async function readBounded(
  wanted: number,
  read: (count: number, last: Message | undefined) => Promise<Message[]>,
  isKept: (row: Message) => boolean = () => true,
): Promise<Found> {
  const rows: Message[] = [];
  let last: Message | undefined;
  let room = READ_BUDGET;
  for (let reads = 0; rows.length < wanted && reads < MAX_READS; reads++) {
    const count = Math.min(Math.floor(room / MAX_TEXT), wanted - rows.length);
    if (count < 1) break;
    const portion = await read(count, last);
    rows.push(...portion.filter(isKept));
    room -= portion.reduce((sum, row) => sum + bytesOf(row.text), 0);
    last = portion.at(-1) ?? last;
    if (portion.length < count) return { rows, last, isEnd: true };
  }
  return { rows, last, isEnd: false };
}
