import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { copyFrom } from '../src/clipboard';
import { draw } from '../src/draw';
import { Icon, icon } from '../src/icons';
import { shape } from '../src/shape';

let button: HTMLButtonElement;
let writeText: ReturnType<typeof vi.fn>;

beforeEach(() => {
  vi.useFakeTimers();
  writeText = vi.fn(async () => {});
  vi.stubGlobal('navigator', { clipboard: { writeText } });
  const root = document.createElement('div');
  draw(root, [shape('button', {}, icon(Icon.copy))]);
  button = root.firstChild as HTMLButtonElement;
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const face = () => [button.querySelector('path')?.getAttribute('d'), button.textContent];

test('a copy is confirmed for two seconds', async () => {
  await copyFrom(button, 'The answer');
  expect(writeText).toHaveBeenCalledWith('The answer');
  expect(face()).toEqual([Icon.tick, 'Copied']);
  vi.advanceTimersByTime(2000);
  expect(face()).toEqual([Icon.copy, '']);
});

test('a second copy in between leaves no tick behind', async () => {
  await copyFrom(button, 'One');
  vi.advanceTimersByTime(1000);
  await copyFrom(button, 'Two');
  vi.advanceTimersByTime(2000);
  expect(face()).toEqual([Icon.copy, '']);
});

test('a copy that the page forbids is not confirmed', async () => {
  writeText.mockRejectedValue(new DOMException('', 'NotAllowedError'));
  await expect(copyFrom(button, 'One')).rejects.toThrow();
  expect(face()).toEqual([Icon.copy, '']);
});
