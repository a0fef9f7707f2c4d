import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createReader } from '../src/markdown/stream';
import { cpuTime, createPen, draw, hostile, inspect } from './markdown-oracle';

/** The drawn document in short: no `dir`, and code and tables without what surrounds them. */
function outline(...pieces: string[]): string {
  const root = draw(...pieces);
  for (const figure of root.querySelectorAll('figure')) {
    const pre = document.createElement('pre');
    const language = figure.querySelector('span')?.textContent ?? '';
    if (language !== 'Code') pre.setAttribute('lang', language);
    pre.textContent = figure.querySelector('code')?.textContent ?? '';
    figure.replaceWith(pre);
  }
  for (const wrapper of root.querySelectorAll('.table')) wrapper.replaceWith(wrapper.firstChild as Node);
  for (const block of root.querySelectorAll('[dir]')) block.removeAttribute('dir');
  for (const link of root.querySelectorAll('a'))
    for (const name of ['title', 'rel', 'target']) link.removeAttribute(name);
  return root.innerHTML;
}

const a = (href: string, text = href) => `<a href="${href}">${text}</a>`;

describe('Markdown is read as people write it', () => {
  test.each([
    ['a paragraph', 'Hello there', '<p>Hello there</p>'],
    ['two paragraphs', 'One\n\nTwo', '<p>One</p><p>Two</p>'],
    ['a line break', 'One\nTwo  \nThree\\\nFour', '<p>One<br>Two<br>Three<br>Four</p>'],
    ['Windows line ends', 'One\r\n\r\nTwo', '<p>One</p><p>Two</p>'],
    [
      'headings, all on the level below the panel',
      '# A\n## B\n### C\n#### D\n###### E',
      '<h3>A</h3><h3>B</h3><h3>C</h3><h3>D</h3><h3>E</h3>',
    ],
    ['a hashtag, which is no heading', '#label', '<p>#label</p>'],
    [
      'strong, emphasis and strike',
      '**a** *b* __c__ _d_ ~~e~~',
      '<p><strong>a</strong> <em>b</em> <strong>c</strong> <em>d</em> <s>e</s></p>',
    ],
    ['strong inside emphasis', '***a** b*', '<p><em><strong>a</strong> b</em></p>'],
    ['emphasis inside strong', '***a* b**', '<p><strong><em>a</em> b</strong></p>'],
    ['both at once', '***a***', '<p><em><strong>a</strong></em></p>'],
    ['emphasis next to letters without spaces', '**「大切」**です', '<p><strong>「大切」</strong>です</p>'],
    ['stars that multiply', '2 * 3 * 4', '<p>2 * 3 * 4</p>'],
    ['snake_case words', 'use my_own_name', '<p>use my_own_name</p>'],
    ['an unclosed mark', 'a **b', '<p>a **b</p>'],
    ['a tilde for about', '~5 to ~6', '<p>~5 to ~6</p>'],
    ['crossed marks', '*a ~~b* c~~', '<p><em>a ~~b</em> c~~</p>'],
    ['inline code', 'run `npm i` and ``a`b``', '<p>run <code>npm i</code> and <code>a`b</code></p>'],
    ['marks inside code', '`**a**`', '<p><code>**a**</code></p>'],
    ['an unclosed backtick', 'a ` b', '<p>a ` b</p>'],
    ['escapes', '\\*a\\* \\[b\\] \\\\', '<p>*a* [b] \\</p>'],
    ['a code block', '```js\nlet a;\n\n  b();\n```\nafter', '<pre lang="js">let a;\n\n  b();</pre><p>after</p>'],
    ['a code block with tildes and fences inside', '~~~~\n```\nx\n```\n~~~~', '<pre>```\nx\n```</pre>'],
    ['a code block that never ends', '```\na', '<pre>a</pre>'],
    ['a list', '- a\n- b', '<ul><li>a</li><li>b</li></ul>'],
    ['a list after a paragraph', 'See:\n- a\n* b', '<p>See:</p><ul><li>a</li><li>b</li></ul>'],
    ['a loose list', '- a\n\n- b', '<ul><li>a</li><li>b</li></ul>'],
    ['a numbered list', '1. a\n2. b', '<ol start="1"><li>a</li><li>b</li></ol>'],
    ['a numbered list that starts late', '3) a\n4) b', '<ol start="3"><li>a</li><li>b</li></ol>'],
    ['a year at the start of a line', 'It was\n1984. Then', '<p>It was<br>1984. Then</p>'],
    [
      'nested lists, two spaces',
      '- a\n  - b\n    - c\n- d',
      '<ul><li>a<ul><li>b<ul><li>c</li></ul></li></ul></li><li>d</li></ul>',
    ],
    ['nested lists, four spaces', '1. a\n    - b\n2. c', '<ol start="1"><li>a<ul><li>b</li></ul></li><li>c</li></ol>'],
    ['nested lists, tabs', '- a\n\t- b', '<ul><li>a<ul><li>b</li></ul></li></ul>'],
    ['a list item of two paragraphs', '- a\n\n  b', '<ul><li>a<p>b</p></li></ul>'],
    ['a list item that goes on', '- a\nb\n  c', '<ul><li>a<br>b<br>c</li></ul>'],
    [
      'code in a list item',
      '1. a\n   ```sh\n   ls\n   ```\n2. b',
      '<ol start="1"><li>a<pre lang="sh">ls</pre></li><li>b</li></ol>',
    ],
    ['the paragraph after a list', '- a\n\nb', '<ul><li>a</li></ul><p>b</p>'],
    ['a quote', '> a\n> b\n>\n> - c\n\nd', '<blockquote><p>a<br>b</p><ul><li>c</li></ul></blockquote><p>d</p>'],
    ['a rule', 'a\n\n---\n* * *\nb', '<p>a</p><hr><hr><p>b</p>'],
    [
      'a table',
      '| A | B |\n|:--|--:|\n| 1 | **2** |\n| 3 |\n\nx',
      '<table><tr><th>A</th><th class="n">B</th></tr><tr><td>1</td><td class="n"><strong>2</strong></td></tr><tr><td>3</td></tr></table><p>x</p>',
    ],
    [
      'a table right after a paragraph, without outer bars',
      'See\na | b\n--|--\n1 | x \\| y',
      '<p>See</p><table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>x | y</td></tr></table>',
    ],
    ['bars that make no table', 'a | b\nc | d', '<p>a | b<br>c | d</p>'],
    ['a link', '[a **b**](https://x.example/)', `<p>${a('https://x.example/', 'a <strong>b</strong>')}</p>`],
    [
      'a link with brackets in its address',
      '([b](https://x.example/a_(b)))',
      `<p>(${a('https://x.example/a_(b)', 'b')})</p>`,
    ],
    ['a link with a title', '[b](<https://x.example/c> "T")', `<p>${a('https://x.example/c', 'b')}</p>`],
    [
      'mail and telephone links',
      '[m](mailto:a@b.example) [t](tel:+351)',
      `<p>${a('mailto:a@b.example', 'm')} ${a('tel:+351', 't')}</p>`,
    ],
    ['a relative link, which is text', '[a](/b) [c](d.html)', '<p>a c</p>'],
    ['an empty link text', '[](https://x.example/)', `<p>${a('https://x.example/')}</p>`],
    ['brackets that make no link', '[a] [b](c d) [e', '<p>[a] [b](c d) [e</p>'],
    ['an address in angle brackets', '<https://x.example/a>', `<p>${a('https://x.example/a')}</p>`],
    [
      'a bare address and the punctuation after it',
      'See https://x.example/a. (Or https://x.example/b_(c))',
      `<p>See ${a('https://x.example/a')}. (Or ${a('https://x.example/b_(c)')})</p>`,
    ],
    ['a bare address in strong text', '**https://x.example/a**', `<p><strong>${a('https://x.example/a')}</strong></p>`],
    [
      'an image, which is never loaded',
      '![a cat](https://x.example/c.png) ![](nowhere)',
      `<p>${a('https://x.example/c.png', 'a cat')} nowhere</p>`,
    ],
    [
      'an image as a link',
      '[![a](https://e.example/p.png)](https://x.example/)',
      `<p>${a('https://x.example/', 'a')}</p>`,
    ],
    [
      'raw HTML, which is text',
      '<b onclick=x>a</b> <img src=x>',
      '<p>&lt;b onclick=x&gt;a&lt;/b&gt; &lt;img src=x&gt;</p>',
    ],
  ])('%s', (_name, text, html) => {
    expect(outline(text)).toBe(html);
  });
});

describe('Markdown that streams', () => {
  test('gives the same document for any split of the input', () => {
    const fragments = [
      'a',
      'b c',
      ' ',
      '  ',
      '\n',
      '\n\n',
      '*',
      '**',
      '***',
      '_',
      '__',
      '~~',
      '`',
      '``',
      '```',
      '```js\n',
      '~~~',
      '- ',
      '* ',
      '1. ',
      '2) ',
      '1984. ',
      '  - ',
      '    ',
      '\t',
      '> ',
      '>',
      '# ',
      '###### ',
      '---',
      '- - -',
      '|',
      ' | ',
      '|--|',
      '| a | b |\n|--|-:|\n',
      '[',
      ']',
      '](',
      '[x](https://x.example/a)',
      '(',
      ')',
      '![',
      '<',
      '>',
      '<https://x.example>',
      'https://x.example/p?q=1',
      '\\',
      '\\\n',
      '"',
      'é',
      '漢字',
      '🙂',
      '\r\n',
      '\0',
      'mailto:a@b.example',
      '[a](javascript:alert(1))',
      '<script>',
    ];
    const documents = fc.array(fc.constantFrom(...fragments), { maxLength: 40 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(documents, fc.infiniteStream(fc.integer({ min: 1, max: 9 })), (text, lengths) => {
        const pieces: string[] = [];
        for (let at = 0; at < text.length; ) {
          const length = lengths.next().value;
          pieces.push(text.slice(at, at + length));
          at += length;
        }
        expect(draw(...pieces).innerHTML).toBe(draw(text).innerHTML);
      }),
      { numRuns: 3000, seed: 20251122 },
    );
  });

  test('draws emphasis, code and links while they are still open', () => {
    const root = document.createElement('div');
    const pen = createPen(root);
    const seen = (piece: string) => {
      pen(piece);
      return root.querySelector('p')?.innerHTML.replace(/<span class="caret".*?<\/span>/, '');
    };
    expect(seen('It is **ver')).toBe('It is <strong>ver</strong>');
    expect(seen('y** `co')).toBe('It is <strong>very</strong> <code>co</code>');
    expect(seen('de` [a](https://x.exa')).toBe('It is <strong>very</strong> <code>code</code> a');
  });

  test('keeps the nodes of finished blocks, and the last text node while it grows', () => {
    const root = document.createElement('div');
    const pen = createPen(root);
    pen('One\n\n- two\n- thr');
    const [paragraph, list] = root.children;
    const text = list?.lastChild?.firstChild;
    pen('ee four');
    expect(root.children[0]).toBe(paragraph);
    expect(root.children[1]).toBe(list);
    expect(list?.lastChild?.firstChild).toBe(text);
    expect(text?.textContent).toBe('three four');
  });

  test('puts the caret inside the text and takes it away at the end', () => {
    const root = document.createElement('div');
    const pen = createPen(root);
    pen('- a\n- b');
    expect(root.querySelector('li:last-child > .caret')).not.toBeNull();
    pen();
    expect(root.querySelector('.caret')).toBeNull();
  });

  test('gives every block its own direction, and code always left to right', () => {
    const root = draw('مرحبا\n\n- a\n\n```\nx\n```\n\n| a |\n|---|');
    expect([...root.children].map((block) => block.getAttribute('dir'))).toEqual(['auto', 'auto', 'ltr', 'auto']);
  });

  test('costs no more per token at the end of a long answer than at its start', () => {
    const paragraph = 'Some **words** of an answer, with `code` and a [link](https://x.example/a).\n\n';
    const time = (paragraphs: number) => {
      const tokens = paragraph.repeat(paragraphs).match(/.{1,4}/gs) ?? [];
      const root = document.createElement('div');
      const pen = createPen(root);
      const start = cpuTime();
      for (const token of tokens) pen(token);
      return (cpuTime() - start) / tokens.length;
    };
    time(20);
    expect(time(250)).toBeLessThan(time(25) * 5);
  });

  test.each([
    ['brackets', '['],
    ['images', '!['],
    ['links', '[a]('],
    ['stars', '*a '],
    ['mixed marks', '*_~~'],
    ['backticks', '` `` '],
    ['quotes', '>'],
    ['bullets', '- '],
    ['spaces', ' '],
    ['addresses', 'https://'],
    ['closing brackets', 'https://x.example/))))'],
    ['angles', '<https:'],
    ['escapes', '\\'],
    ['bars', '|'],
    ['quotes on lines', '> \n'],
    ['fences', '```\n'],
    ['rows', '|a\n|-\n'],
  ])('survives a wall of %s', (_name, brick) => {
    const wall = brick.repeat(20_000 / brick.length);
    const start = cpuTime();
    for (const pieces of [[wall], [`| a ${wall}`, wall]]) {
      const read = createReader();
      for (const piece of pieces) read(piece);
      expect(read().length).toBeGreaterThanOrEqual(wall.trim() ? 1 : 0);
    }
    expect(cpuTime() - start).toBeLessThan(2000);
  });
});

describe('Markdown from a hostile model', () => {
  test.each(hostile)('%s draws nothing but allowed nodes', (text) => {
    inspect(draw(text));
    inspect(draw(...text));
  });
});
