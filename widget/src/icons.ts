/** The icons. */

import { type Attributes, button, type Shape, shape } from './shape';

/** Each icon as the one path it is drawn with, on a 24 by 24 grid. */
export enum Icon {
  bell = 'M4 18.5h16M5.5 15.5a6.5 6.5 0 0 1 13 0ZM12 9V6.2M9.8 6h4.4',
  bubble = 'M12 4.5c-4.8 0-8.5 3.1-8.5 7 0 2 1 3.8 2.6 5.1v3.6l3.5-1.9c.8.1 1.6.2 2.4.2 4.8 0 8.5-3.1 8.5-7s-3.7-7-8.5-7Z',
  chevron = 'm6.5 9.5 5.5 5.5 5.5-5.5',
  pencil = 'M19 13v5a1.5 1.5 0 0 1-1.5 1.5h-11A1.5 1.5 0 0 1 5 18V7a1.5 1.5 0 0 1 1.5-1.5H11m-1 9 .6-2.8 7-7a1.5 1.5 0 0 1 2.2 2.2l-7 7-2.8.6Z',
  arrowUp = 'M12 19V5.5M6 11l6-6 6 6',
  arrowDown = 'M12 5v13.5M6 13l6 6 6-6',
  square = 'M8 8h8v8H8Z',
  copy = 'M9 9h11v11H9ZM5.5 15H4V4h11v1.5',
  tick = 'm5 12.5 4.5 4.5L19 7.5',
  again = 'M19.5 12a7.5 7.5 0 1 1-2.3-5.4M19.5 3.8v4.4h-4.4',
  noSignal = 'M4 10a12 12 0 0 1 16 0M7 13.5a8 8 0 0 1 10 0M10 17a3 3 0 0 1 4 0M4.5 4.5l15 15',
  alert = 'M3.7 12a8.3 8.3 0 1 0 16.6 0a8.3 8.3 0 1 0-16.6 0M12 7.8v5M12 16.1v.1',
  clock = 'M3.7 12a8.3 8.3 0 1 0 16.6 0a8.3 8.3 0 1 0-16.6 0M12 7.5V12l3 2',
  dots = 'M5.5 12h.01M12 12h.01M18.5 12h.01',
  headset = 'M4.5 14.5V12a7.5 7.5 0 0 1 15 0v6.5h-3v-4h3m-15 0v4h3v-4h-3',
  download = 'M12 4v11M7 10.5l5 5 5-5M5 19.5h14',
  speaker = 'M4 9.5h3.5L12 6v12l-4.5-3.5H4ZM15.5 9.5a4 4 0 0 1 0 5M18 7a8 8 0 0 1 0 10',
  bin = 'M5 7h14M9.5 7V4.5h5V7M7 7l.8 12.5h8.4L17 7M10.5 10.5V16M13.5 10.5V16',
  thumb = 'M7.5 11v8.5H4V11h3.5l3.7-6.7c1.3 0 2.3 1 2.3 2.3v3.2h4.6a2 2 0 0 1 2 2.4l-1.1 5.7a2 2 0 0 1-2 1.6H7.5',
  cross = 'm6.5 6.5 11 11M17.5 6.5l-11 11',
  person = 'M8.2 8.2a3.8 3.8 0 1 0 7.6 0a3.8 3.8 0 1 0-7.6 0M5 19.5a7 7 0 0 1 14 0',
}

/** An icon. How large it is, the style sheet says; its name, if it needs one, is on the control around it. */
export const icon = (path: Icon): Shape =>
  shape('svg', { viewBox: '0 0 24 24', 'aria-hidden': 'true' }, shape('path', { d: path }));

/** A button that shows nothing but an icon. */
export const tool = (name: string, path: Icon, onclick: (event: Event) => void, attributes: Attributes = {}): Shape =>
  button({ class: 'icon', 'aria-label': name, onclick, ...attributes }, icon(path));
