/** Where the reader is in the log. Nothing here ever moves what someone is reading. */

export interface Scroll {
  /** The reader sees the end. */
  pinned: boolean;
  /** Follow even an answer that is taller than the log, because the reader asked for its end. */
  toEnd: boolean;
  /** To be called after every change of the log, with the answer that is growing and whatever tells the first turn. */
  follow(answer: Element | null, first: unknown): void;
  /** Brings an element to the top, as far as there is something below it. */
  bringUp(element: Element): void;
  /** To be called when the log was scrolled. */
  moved(): void;
}

/** This close to the end counts as reading the end. */
const NEAR_END = 48;

export function createScroll(log: Element): Scroll {
  let top = 0;
  let height = 0;
  let start: unknown;
  const below = () => log.scrollHeight - log.clientHeight - log.scrollTop;
  const fromTop = (element: Element) => element.getBoundingClientRect().top - log.getBoundingClientRect().top - 8;
  const scroll: Scroll = {
    pinned: true,
    toEnd: false,
    follow(answer, first) {
      const wasPinned = scroll.pinned;
      // The reader may have scrolled up already, and we are yet to hear of it.
      if (wasPinned) scroll.moved();
      if (scroll.pinned) {
        // Once the first line of a long answer is at the top, scrolling on would take away what is being read.
        const room = answer ? fromTop(answer) : below();
        log.scrollTop += scroll.toEnd ? below() : Math.min(below(), Math.max(room, 0));
        scroll.pinned = below() < NEAR_END;
      } else if (!wasPinned && first !== start) {
        // Older turns came in front: what is in view keeps its distance to the end.
        log.scrollTop = top + log.scrollHeight - height;
      }
      start = first;
      height = log.scrollHeight;
      // From here on whoever scrolls up does it by themselves, even if we hear of it together with our own scrolling.
      top = log.scrollTop;
    },
    bringUp(element) {
      log.scrollTop += fromTop(element);
      scroll.pinned = below() < NEAR_END;
    },
    moved() {
      // A shrinking log is moved up by the browser: at the very end, that is no wish to read further up.
      if (log.scrollTop < top && below() > 1) scroll.pinned = scroll.toEnd = false;
      else if (below() < NEAR_END) scroll.pinned = true;
      top = log.scrollTop;
    },
  };
  return scroll;
}
