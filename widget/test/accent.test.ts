import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { contrast, deriveAccent } from '../src/accent';

type Rgb = readonly number[];
type Accent = Record<
  '--accent' | '--accent-hover' | '--on-accent' | '--accent-text' | '--accent-edge' | '--accent-soft',
  Rgb
>;

const derive = (colour: string | undefined, dark: boolean) => deriveAccent(colour, dark) as Accent;
const colours = fc.nat(0xffffff).map((value) => `#${value.toString(16).padStart(6, '0')}`);
const SURFACES = { light: ['#ffffff', '#f4f3f0'], dark: ['#1b1a18', '#232220'] };
const rgb = (hex: string): Rgb => [1, 3, 5].map((start) => Number.parseInt(hex.slice(start, start + 2), 16));

test('the contrast of colours is that of the standard', () => {
  expect(contrast([0, 0, 0], [255, 255, 255])).toBeCloseTo(21, 5);
  expect(contrast([255, 255, 255], [118, 118, 118])).toBeCloseTo(4.54, 2);
  expect(contrast([10, 20, 30], [10, 20, 30])).toBe(1);
});

describe.each([
  ['light', false],
  ['dark', true],
] as const)('whatever the brand colour, in the %s theme', (theme, dark) => {
  const surfaces = SURFACES[theme].map(rgb);
  const always = (check: (accent: Accent) => void) =>
    fc.assert(
      fc.property(colours, (colour) => check(derive(colour, dark))),
      { numRuns: 2000 },
    );

  test('text on it, and on its hover shade, can be read', () => {
    always((accent) => {
      expect(contrast(accent['--on-accent'], accent['--accent'])).toBeGreaterThanOrEqual(4.5);
      expect(contrast(accent['--on-accent'], accent['--accent-hover'])).toBeGreaterThanOrEqual(4.5);
    });
  });

  test('text in it can be read on every surface', () => {
    always((accent) => {
      for (const surface of [...surfaces, accent['--accent-soft']])
        expect(contrast(accent['--accent-text'], surface)).toBeGreaterThanOrEqual(4.5);
    });
  });

  test('shapes filled with it stand out', () => {
    always((accent) => {
      expect(contrast(accent['--accent-edge'], surfaces[0] as Rgb)).toBeGreaterThanOrEqual(3);
    });
  });

  test('it is used as given', () => {
    fc.assert(
      fc.property(colours, (colour) => {
        expect(derive(colour, dark)['--accent']).toEqual(rgb(colour));
      }),
    );
  });
});

test('three digits mean the same as six', () => {
  expect(deriveAccent('#0AF', false)).toEqual(deriveAccent('#00aaff', false));
});

test.each([undefined, '', 'red', '0b6b50', '#12', '#12345', '#1234567', '#ggg', '#fff;background:url(//evil.example)'])(
  '%j is no colour, so the default is used',
  (colour) => {
    expect(derive(colour, false)['--accent']).toEqual([0x0b, 0x6b, 0x50]);
    expect(derive(colour, true)['--accent']).toEqual([0x45, 0xb7, 0x8f]);
  },
);
