/** On a phone the open chat fills the screen. Everything it does to the page for that is undone when it closes. */

/** The mark of our own entry in the tab's history. */
const ENTRY = 'frontdesk';

export interface Takeover {
  smallScreen: MediaQueryList;
  /** To be called with the panel when the chat opens, and without when it closes. */
  fillWith(panel?: HTMLElement): void;
}

/** Until `life` ends. `leave` is called when the visitor goes back, which on a phone closes what fills the screen. */
export function createTakeover(host: HTMLElement, leave: () => void, life: AbortSignal): Takeover {
  const phone = matchMedia('(max-width: 640px)');
  const root = document.documentElement;
  let panel: HTMLElement | undefined;
  let undo: (() => void) | undefined;

  /** Follows the part of the screen that the keyboard leaves free. */
  function follow() {
    if (!panel || !visualViewport) return;
    const { height, offsetTop } = visualViewport;
    panel.style.cssText = `height:${height}px;transform:translateY(${offsetTop}px)`;
  }

  function begin(filled: HTMLElement): () => void {
    const { overflow } = root.style;
    const outside = ([...document.body.children] as HTMLElement[]).filter((child) => child !== host && !child.inert);
    for (const child of outside) child.inert = true;
    root.style.setProperty('overflow', 'hidden', 'important');
    filled.setAttribute('aria-modal', 'true');
    const filling = new AbortController();
    const { signal } = filling;
    for (const change of ['resize', 'scroll']) visualViewport?.addEventListener(change, follow, { signal });
    addEventListener('popstate', leave, { signal });
    if (!history.state?.[ENTRY]) history.pushState({ ...history.state, [ENTRY]: true }, '');
    follow();
    return () => {
      filling.abort();
      if (history.state?.[ENTRY]) history.back();
      for (const name of ['style', 'aria-modal']) filled.removeAttribute(name);
      for (const child of outside) child.inert = false;
      root.style.overflow = overflow;
    };
  }

  function apply() {
    undo?.();
    undo = panel && phone.matches ? begin(panel) : undefined;
  }

  phone.addEventListener('change', apply, { signal: life });
  return {
    smallScreen: phone,
    fillWith(now) {
      panel = now;
      apply();
    },
  };
}
