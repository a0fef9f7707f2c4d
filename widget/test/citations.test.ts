import { beforeEach, describe, expect, test } from 'vitest';
import { cite, sourceList } from '../src/citations';
import { draw } from '../src/draw';
import { createReader } from '../src/markdown/stream';

const SOURCES = [
  { title: 'Rates', url: 'https://help.example/rates' },
  { title: 'Cover' },
  { title: 'Bad', url: 'javascript:alert(1)' },
];

let root: HTMLElement;

beforeEach(() => {
  root = document.createElement('div');
});

/** Draws an answer with its numbers put in. */
function show(text: string): HTMLElement {
  const read = createReader();
  read(text);
  draw(root, cite(read(), SOURCES));
  return root;
}

const chips = () => [...root.querySelectorAll('.cite')].map((chip) => [chip.tagName, chip.getAttribute('href')]);

describe('numbers in an answer', () => {
  test('become links to their sources, wherever they stand', () => {
    show('One [1].\n\n- two **three [1]**\n\n| a |\n|---|\n| four[1] |');
    expect(chips()).toEqual(Array(3).fill(['A', 'https://help.example/rates']));
    expect(root.querySelector('a')?.getAttribute('aria-label')).toBe('Source 1: Rates');
  });

  test('never leave the word before', () => {
    expect(show('One [1] two').textContent).toBe('One\u20601 two');
  });

  test('may follow each other', () => {
    show('One [1][2].');
    expect(chips().map(([tag]) => tag)).toEqual(['A', 'SPAN']);
  });

  test('that name no source stay as they are', () => {
    expect(show('One [9], list[0] and [100].').textContent).toBe('One [9], list[0] and [100].');
    expect(chips()).toEqual([]);
  });

  test('stay as they are in code and in links', () => {
    show('`list[1]` and [see [1] there](https://x.example)\n\n```\nlist[1]\n```');
    expect(chips()).toEqual([]);
  });

  test('lead nowhere that is not safe', () => {
    show('One [3].');
    expect(chips()).toEqual([['SPAN', null]]);
  });
});

test('the list has each source with its number, as a link if there is somewhere to go', () => {
  draw(root, [sourceList(SOURCES)]);
  const entries = [...root.querySelectorAll('.sources > :not(h3)')].map((entry) => [entry.tagName, entry.textContent]);
  expect(entries).toEqual([
    ['A', '1Rates'],
    ['SPAN', '2Cover'],
    ['SPAN', '3Bad'],
  ]);
});
