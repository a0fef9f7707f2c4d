/**
 * From one brand colour, every colour the widget draws with it.
 *
 * Whatever the colour: text on the accent and on its hover shade reaches 4.5:1, accent-coloured text reaches 4.5:1 on every
 * surface it stands on, and shapes filled with the accent stand out from the surface at 3:1. It always works, because where
 * white on the accent falls short of 4.5:1, the near-black ink reaches it.
 */

type Rgb = readonly number[];

const INK = [5, 5, 5];
const WHITE = [255, 255, 255];
/** What accent-coloured text stands on, and the accent where none is given: light, then dark. */
const THEMES = [
  ['#fff', '#f4f3f0', '#0b6b50'],
  ['#1b1a18', '#262522', '#45b78f'],
];

/** The colours of the style sheet that depend on the accent, by name. Anything but `#rgb` or `#rrggbb` is the default. */
export function deriveAccent(colour = '', dark: boolean): Record<string, Rgb> {
  const [surface, surface2, fallback] = (THEMES[+dark] as string[]).map(parseHex) as [Rgb, Rgb, Rgb];
  const accent = /^#([\da-f]{3}){1,2}$/i.test(colour) ? parseHex(colour) : fallback;
  const onAccent = contrast(WHITE, accent) >= 4.5 ? WHITE : INK;
  const soft = mix(surface, accent, dark ? 0.18 : 0.09);
  // Moves the accent away from the surface in small steps until it reaches the ratio on every background.
  const reach = (ratio: number, ...backgrounds: Rgb[]) => {
    let step = accent;
    for (let share = 0; share < 1 && backgrounds.some((other) => contrast(step, other) < ratio); share += 0.04)
      step = mix(accent, dark ? WHITE : INK, share + 0.04);
    return step;
  };
  return {
    '--accent': accent,
    '--accent-hover': mix(accent, onAccent === WHITE ? INK : WHITE, 0.12),
    '--on-accent': onAccent,
    '--accent-text': reach(4.5, surface, surface2, soft),
    '--accent-edge': reach(3, surface),
    '--accent-soft': soft,
  };
}

function parseHex(hex: string): Rgb {
  const digits = hex.length > 4 ? hex : hex.replace(/\w/g, '$&$&');
  return (digits.match(/\w\w/g) as string[]).map((pair) => Number(`0x${pair}`));
}

const luminance = (rgb: Rgb) =>
  rgb
    .map((value) => value / 255)
    .map((share) => (share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4))
    .reduce((sum, light, channel) => sum + light * ([0.2126, 0.7152, 0.0722][channel] as number), 0.05);

/** The WCAG contrast ratio of two colours. */
export function contrast(one: Rgb, other: Rgb): number {
  const ratio = luminance(one) / luminance(other);
  return Math.max(ratio, 1 / ratio);
}

const mix = (from: Rgb, to: Rgb, share: number): Rgb =>
  from.map((value, channel) => value + ((to[channel] as number) - value) * share);
