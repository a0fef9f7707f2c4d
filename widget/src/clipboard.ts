/** Copying, and the tick that says it worked. */

import { draw, shapeOf } from './draw';
import { Icon, icon } from './icons';
import { Words } from './words';

const TICK_FOR = 2000;

/** Copies text and shows a tick on the button for a moment. */
export async function copyFrom(button: HTMLElement, text: string): Promise<void> {
  await navigator.clipboard.writeText(text);
  draw(button, [icon(Icon.tick), Words.copied]);
  setTimeout(() => draw(button, shapeOf(button).inner), TICK_FOR);
}
