import { expect, test } from 'vitest';
import { createScroll } from '../src/scroll';

/** A log of this height, of which 500 pixels are to be seen. */
function createLog(height: number) {
  let top = 0;
  return {
    scrollHeight: height,
    clientHeight: 500,
    get scrollTop() {
      return top;
    },
    set scrollTop(value: number) {
      top = Math.max(0, Math.min(value, this.scrollHeight - this.clientHeight));
    },
    getBoundingClientRect: () => ({ top: 0 }),
  };
}

test('who sees the end goes on seeing it', () => {
  const log = createLog(1000);
  const scroll = createScroll(log as unknown as Element);
  scroll.follow(null, 1);
  expect([log.scrollTop, scroll.pinned]).toEqual([500, true]);
  log.scrollHeight = 1200;
  scroll.follow(null, 1);
  expect(log.scrollTop).toBe(700);
});

test('who scrolls up is not pulled back, also if the browser has not told of it yet', () => {
  const log = createLog(1000);
  const scroll = createScroll(log as unknown as Element);
  scroll.follow(null, 1);
  log.scrollTop = 480;
  log.scrollHeight = 1200;
  scroll.follow(null, 1);
  expect([log.scrollTop, scroll.pinned]).toEqual([480, false]);
});

test('a log that shrinks is no wish to read further up', () => {
  const log = createLog(1000);
  const scroll = createScroll(log as unknown as Element);
  scroll.follow(null, 1);
  log.scrollHeight = 900;
  log.scrollTop = 500;
  scroll.follow(null, 1);
  expect([log.scrollTop, scroll.pinned]).toEqual([400, true]);
});

test('what comes in front leaves in view what was', () => {
  const log = createLog(1000);
  const scroll = createScroll(log as unknown as Element);
  scroll.follow(null, 1);
  log.scrollTop = 100;
  scroll.moved();
  log.scrollHeight = 1600;
  scroll.follow(null, 2);
  expect(log.scrollTop).toBe(700);
});
