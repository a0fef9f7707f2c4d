import english from '../../crates/web/assets/locales/en.json';
import { speak } from '../src/words';

// The pretended browser says nothing about https.
globalThis.isSecureContext = true;
speak({ language: 'en', words: english });
