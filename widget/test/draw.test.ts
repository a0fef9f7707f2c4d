import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { draw } from '../src/draw';
import { Icon, icon } from '../src/icons';
import { type Child, shape } from '../src/shape';

let root: HTMLElement;

beforeEach(() => {
  root = document.createElement('div');
  document.body.append(root);
});

afterEach(() => root.remove());

const texts = fc.string({ unit: 'binary' });
const tags = fc.constantFrom('p', 'b', 'button');
const { child: children } = fc.letrec<{ child: Child }>((tie) => ({
  child: fc.oneof(
    { maxDepth: 3 },
    texts,
    fc.constant(false as const),
    fc
      .tuple(
        tags,
        fc.dictionary(fc.constantFrom('class', 'id', 'inert'), fc.oneof(texts, fc.boolean())),
        fc.array(tie('child')),
      )
      .map(([tag, attributes, inside]) => shape(tag, attributes, ...inside)),
  ),
}));

/** A fresh element with these children. */
function fresh(wanted: Child[]): HTMLElement {
  const element = document.createElement('div');
  draw(element, wanted);
  return element;
}

describe('drawing', () => {
  test('leads to the same page from wherever it starts', () => {
    fc.assert(
      fc.property(fc.array(children), fc.array(children), (before, after) => {
        draw(root, before);
        draw(root, after);
        expect(root.isEqualNode(fresh(after))).toBe(true);
      }),
    );
  });

  test('never turns text into markup', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const hostile = `<img src=x onerror=alert(1)>${text}`;
        draw(root, [hostile, shape('p', { title: hostile }, hostile)]);
        expect(root.querySelectorAll('*')).toHaveLength(1);
        expect(root.querySelector('p')?.textContent).toBe(hostile);
        expect(root.querySelector('p')?.getAttribute('title')).toBe(hostile);
      }),
    );
  });

  test('changes nothing on the page where nothing changed', () => {
    const shapes = () => [shape('p', { class: 'a' }, 'One', shape('b', {}, 'two')), false as const];
    draw(root, shapes());
    const observer = new MutationObserver(() => {});
    observer.observe(root, { subtree: true, childList: true, attributes: true, characterData: true });
    draw(root, shapes());
    expect(observer.takeRecords()).toEqual([]);
    observer.disconnect();
  });

  test('adds to a text that grows, so that a selection in it survives', () => {
    draw(root, [shape('p', {}, 'Hello')]);
    const node = root.querySelector('p')?.firstChild as Text;
    const append = vi.spyOn(node, 'appendData');
    draw(root, [shape('p', {}, 'Hello there')]);
    expect(append).toHaveBeenCalledWith(' there');
    expect(root.querySelector('p')?.firstChild).toBe(node);
  });

  test('keeps an element, and the focus in it, while everything around it changes', () => {
    const field = () => shape('input', { class: 'field' });
    draw(root, [false, field(), 'after']);
    const kept = root.querySelector('input') as HTMLInputElement;
    kept.value = 'typed';
    kept.focus();
    draw(root, [shape('p', {}, 'before'), field(), false, shape('p', {}, 'more')]);
    expect(root.querySelector('input')).toBe(kept);
    expect(document.activeElement).toBe(kept);
    expect(kept.value).toBe('typed');
  });

  test('replaces an element by one of another kind', () => {
    draw(root, [shape('p', { class: 'a', title: 'b' }, 'One')]);
    draw(root, [shape('b', { class: 'c' }, 'One')]);
    expect(root.innerHTML).toBe('<b class="c">One</b>');
  });

  test('takes away the attributes that are gone', () => {
    draw(root, [shape('p', { class: 'a', inert: true, title: 'b' })]);
    draw(root, [shape('p', { class: 'a', inert: false })]);
    expect(root.innerHTML).toBe('<p class="a"></p>');
  });

  test('takes away the children that are gone', () => {
    draw(root, ['One', shape('p'), shape('b')]);
    draw(root, ['One']);
    expect(root.innerHTML).toBe('One');
  });

  test('listens with the newest function only, and never by an attribute', () => {
    const first = vi.fn();
    const second = vi.fn();
    draw(root, [shape('button', { onclick: first })]);
    draw(root, [shape('button', { onclick: second })]);
    root.querySelector('button')?.click();
    expect([first.mock.calls.length, second.mock.calls.length]).toEqual([0, 1]);
    expect(root.querySelector('button')?.getAttributeNames()).toEqual([]);
  });

  test('draws icons as drawings', () => {
    draw(root, [icon(Icon.tick)]);
    const path = root.querySelector('path');
    expect(path?.namespaceURI).toBe('http://www.w3.org/2000/svg');
    expect(path?.getAttribute('d')).toBe(Icon.tick);
  });
});
