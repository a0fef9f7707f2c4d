/** The icons. */

import { type Attributes, button, type Shape, shape } from './shape';

/** Each icon as the one path it is drawn with, on a 24 by 24 grid. */
export enum Icon {
  bell = 'M4 18.5h16M5.5 15.5a6.5 6.5 0 0 1 13 0ZM12 9V6M10 6h4',
  bubble = 'M8 18.2a8.5 7 0 1 0-3.5-3V20Z',
  chevron = 'm6 9 6 6 6-6',
  pencil = 'M19 13v5.5H5v-13h6m-1 9 .6-2.8 7-7 2.2 2.2-7 7Z',
  arrowUp = 'M12 19V5M6 11l6-6 6 6',
  arrowDown = 'M12 5v14M6 13l6 6 6-6',
  square = 'M8 8h8v8H8Z',
  copy = 'M9 9h11v11H9ZM5.5 15H4V4h11v1.5',
  tick = 'm5 12 5 5 9-9',
  again = 'M19.5 12a7.5 7.5 0 1 1-2-5.5M19.5 4v4h-4',
  noSignal = 'M4 10a12 12 0 0 1 16 0M7 13.5a8 8 0 0 1 10 0M12 17v.1M4.5 4.5l15 15',
  alert = 'M20.3 12a8.3 8.3 0 1 1 0-.1M12 8v5M12 16v.1',
  clock = 'M20.3 12a8.3 8.3 0 1 1 0-.1M12 8v4l3 2',
  dots = 'M5.5 12h.1M12 12h.1M18.5 12h.1',
  headset = 'M4.5 14.5V12a7.5 7.5 0 0 1 15 0v6.5h-3v-4h3m-15 0v4h3v-4h-3',
  download = 'M12 4v11M7 10l5 5 5-5M5 19.5h14',
  speaker = 'M4 9h4l4-4v14l-4-4H4ZM15.5 9.5a4 4 0 0 1 0 5M18 7a8 8 0 0 1 0 10',
  bin = 'M5 7h14M9 7V4h6v3M7 7l1 12.5h8L17 7M10.5 11v5M13.5 11v5',
  thumb = 'M7.5 11v8.5H4V11h3.5L11 4a2.5 2.5 0 0 1 2.5 2.5v3.5H18a2 2 0 0 1 2 2.5l-1 5.5a2 2 0 0 1-2 1.5H7.5',
  cross = 'm6.5 6.5 11 11M17.5 6.5l-11 11',
  person = 'M16 8a4 4 0 1 1 0-.1M5 19.5a7 7 0 0 1 14 0',
}

/** An icon. How large it is, the style sheet says; its name, if it needs one, is on the control around it. */
export const icon = (path: Icon): Shape =>
  shape('svg', { viewBox: '0 0 24 24', 'aria-hidden': 'true' }, shape('path', { d: path }));

/** A button that shows nothing but an icon. */
export const tool = (name: string, path: Icon, onclick: (event: Event) => void, attributes: Attributes = {}): Shape =>
  button({ class: 'icon', 'aria-label': name, onclick, ...attributes }, icon(path));
