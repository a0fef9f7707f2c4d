import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { safeAddress, safeImage, trimBareAddress } from '../src/markdown/links';

describe('an address becomes a link', () => {
  test.each([
    ['http://saltmarsh.example', 'http://saltmarsh.example/'],
    ['HTTPS://Saltmarsh.example/A?b=c#d', 'https://saltmarsh.example/A?b=c#d'],
    ['mailto:help@saltmarsh.example', 'mailto:help@saltmarsh.example'],
    ['tel:+351210000000', 'tel:+351210000000'],
    ['https://saltmärsh.example/', 'https://xn--saltmrsh-4za.example/'],
  ])('%s', (text, href) => {
    expect(safeAddress(text)).toBe(href);
  });
});

describe('an address stays text', () => {
  test.each([
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    ' \tjava\nscript:alert(1)',
    '\u0001javascript:alert(1)',
    'data:text/html,<script>alert(1)</script>',
    'vbscript:msgbox(1)',
    'blob:https://saltmarsh.example/1',
    'file:///etc/passwd',
    'ftp://saltmarsh.example/',
    'intent://scan/#Intent;end',
    'https://saltmarsh.example@evil.example/',
    'https://user:password@evil.example/',
    '/relative',
    '//evil.example',
    'saltmarsh.example',
    'https://',
    '',
  ])('%j', (text) => {
    expect(safeAddress(text)).toBeUndefined();
  });

  test('whenever it is not of the four harmless schemes, whatever else it is', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.webUrl(),
          fc.string(),
          fc.string().map((rest) => `javascript:${rest}`),
        ),
        (text) => {
          const href = safeAddress(text);
          return href === undefined || /^(https?|mailto|tel):/.test(href);
        },
      ),
    );
  });
});

describe('what follows a bare address in a sentence is not part of it', () => {
  test.each([
    ['https://a.example/b.', 'https://a.example/b'],
    ['https://a.example/b?!', 'https://a.example/b'],
    ['https://a.example/b).', 'https://a.example/b'],
    ['https://a.example/b_(c)', 'https://a.example/b_(c)'],
    ['https://a.example/b_(c)),', 'https://a.example/b_(c)'],
    ['https://a.example/b/', 'https://a.example/b/'],
  ])('%s', (text, address) => {
    expect(trimBareAddress(text)).toBe(address);
  });
});

describe('images', () => {
  const HOSTS = ['images.example', '*.pictures.example', 'port.example:8443'];

  test.each([
    'https://images.example/a.png',
    'https://one.pictures.example/a.png',
    'https://a.b.pictures.example/a.png',
    'https://port.example:8443/a.png',
  ])('may come from %s', (address) => {
    expect(safeImage(address, HOSTS)).toBe(address);
  });

  test.each([
    'http://images.example/a.png',
    'https://images.example:8443/a.png',
    'https://images.example.evil.example/a.png',
    'https://evil.example/images.example/a.png',
    'https://images.example@evil.example/a.png',
    'https://evilpictures.example/a.png',
    'https://pictures.example/a.png',
    'data:image/png;base64,AAAA',
    '//images.example/a.png',
    'images.example/a.png',
    '',
  ])('may not come from "%s"', (address) => {
    expect(safeImage(address, HOSTS)).toBeUndefined();
  });

  test('come from nowhere unless the site says so', () => {
    expect(safeImage('https://images.example/a.png', [])).toBeUndefined();
  });
});
