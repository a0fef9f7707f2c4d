/** A UUIDv7 (RFC 9562, section 5.7), as the server mints them. For actions only: elsewhere ids come from outside. */
export function mintId(now: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(10));
  const hex = (from: number, to: number) =>
    [...bytes.slice(from, to)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  const millis = Math.max(0, now).toString(16).padStart(12, '0');
  const version = `7${hex(0, 2).slice(1)}`;
  const variant = (((bytes[2] ?? 0) & 0x3f) | 0x80).toString(16) + hex(3, 4);
  return `${millis.slice(0, 8)}-${millis.slice(8)}-${version}-${variant}-${hex(4, 10)}`;
}
