/** Where the script starts: everything about its own tag is read before anything waits. */

import { findScript, readConfig } from './config';
import { mount } from './widget';

const config = readConfig(findScript());
if (config) {
  if (document.body) mount(config);
  else addEventListener('DOMContentLoaded', () => mount(config));
}
