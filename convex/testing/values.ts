/** How values go over the wire. */

import { convexToJson, jsonToConvex, type Value } from 'convex/values';

export type Format = 'json' | 'convex_encoded_json';

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** The value of an argument. */
export function decode(value: unknown): Value {
  return jsonToConvex(value as Parameters<typeof jsonToConvex>[0]);
}

export function encode(value: Value | undefined, format: Format): unknown {
  return format === 'json' ? plain(value) : convexToJson(value ?? null);
}

/** Without type marks, as the format `json` has it: integers of 64 bits are strings, bytes are base64. */
function plain(value: Value | undefined): Json {
  if (value === undefined || value === null) return null;
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (value instanceof ArrayBuffer) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object') return value;
  const members = Object.entries(value as Record<string, Value | undefined>);
  return Object.fromEntries(members.filter(([, it]) => it !== undefined).map(([name, it]) => [name, plain(it)]));
}

/** JSON as Convex's server writes it: it is in Rust, where every number of Convex is a double and printed as such. */
export function write(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'number')
    return Number.isInteger(value) && !`${value}`.includes('e') ? `${value}.0` : `${value}`;
  if (Array.isArray(value)) return `[${value.map(write).join(',')}]`;
  if (typeof value !== 'object') return JSON.stringify(value);
  const members = Object.entries(value).filter(([, it]) => it !== undefined);
  // Objects are sorted trees there.
  members.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, it]) => `${JSON.stringify(name)}:${write(it)}`).join(',')}}`;
}
