const PREVIEW_UNITS = 500;

/** The first 500 UTF-16 units of a text, cut between characters: half of a character is not a string to Convex. */
export function preview(text: string): string {
  if (text.length <= PREVIEW_UNITS) return text;
  const last = text.charCodeAt(PREVIEW_UNITS - 1);
  const isHalf = last >= 0xd800 && last < 0xdc00;
  return text.slice(0, isHalf ? PREVIEW_UNITS - 1 : PREVIEW_UNITS);
}
