/** Which addresses may become links. */

import type { Attributes } from '../shape';

const SCHEMES = /^(https?|mailto|tel):$/;

/**
 * The address in its canonical form, or undefined if it must stay text. Only absolute addresses of harmless schemes pass, and
 * none with a user name in front of the host, which serves to make a foreign host look familiar.
 */
export function safeAddress(text: string): string | undefined {
  try {
    const { protocol, username, href } = new URL(text);
    return SCHEMES.test(protocol) && !username ? href : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The same for an image, which has to be on one of these hosts, and which nobody on the way may exchange. `*.example.com` stands
 * for all hosts below that one.
 */
export function safeImage(text: string, hosts: readonly string[]): string | undefined {
  const address = safeAddress(text);
  const { host, protocol } = new URL(address ?? 'about:blank');
  return protocol === 'https:' &&
    hosts.some((one) => (one.startsWith('*.') ? host.endsWith(one.slice(1)) : host === one))
    ? address
    : undefined;
}

/** What a link to somewhere else has, besides its text. */
export const outward = (href: string): Attributes => ({
  href,
  title: href,
  target: '_blank',
  rel: 'noopener noreferrer nofollow ugc',
});

/** Cuts off what follows a bare address in a sentence: punctuation, and a bracket that was opened before it. */
export function trimBareAddress(text: string): string {
  let surplus = text.split(')').length - text.split('(').length;
  let end = text.length;
  while (/[?!.,:;*_~'\]]/.test(text[end - 1] as string) || (text[end - 1] === ')' && surplus-- > 0)) end--;
  return text.slice(0, end);
}
