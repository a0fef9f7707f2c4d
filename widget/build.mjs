// Builds the one file that a page loads, and writes beside it a hash of everything it was built from, so that a stale bundle is
// noticed without Node (see the test beside the asset).
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, transform } from 'esbuild';
import { minify } from 'terser';
import { follow, mark, readBundle, readRecipe, writeBundle } from './names.mjs';

const here = dirname(fileURLToPath(import.meta.url));
export const bundlePath = join(here, '../crates/web/assets/chat-widget.js');
const hashPath = bundlePath.replace(/js$/, 'sources');

/** Style sheets as text, as small as they get. */
export const squeezedCss = {
  name: 'squeezed-css',
  setup: ({ onLoad }) =>
    onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await transform(readFileSync(path, 'utf8'), { loader: 'css', minify: true });
      // esbuild keeps the space after the name of a custom property.
      const css = code.trim().replace(/(--[\w-]+): /g, '$1:');
      return { contents: css, loader: 'text' };
    }),
};

/**
 * Properties that no page, server or storage ever sees, so that their names may be short. `test/build.test.ts` proves that none
 * of them is a name of the API, of an option, an event or a word, or of anything that is kept or sent; those that the browser has
 * itself are never shortened.
 */
export const PRIVATE = (
  'absence accepted answerId answerPlace askAgain askErase askForPerson asking askingWhy askStartOver attendTo attrs ' +
  'blame blamedOn bringUp built clicked closeForm closeMenu closePeek copyText countdown current cutOff delimiter down ' +
  'drawn ended ensure erase failed fetching fetchPage fillWith final follow forget giveEmail giveOpinion goAhead goesOn halt ' +
  'handOff happened holdOn inner isBusy isLast isLoading isRead isOpen jump keep keepTranscript kept keydown kind leave listenTo ' +
  'loadOlder look menu missed moved muted newCount news openOrClose opinion peek person pinned questionPlace reached ' +
  'readOn reconnect redraw refused remember replyText report restore retryNow said say scrolled sendOpinion sendOrStop server ' +
  'setup shapes smallScreen stage startOver strength submit suggest tabState taken takenFrom talk tellRead tellTyping ' +
  'thankedWith toEnd toggleMenu toggleSound transcript trouble turns typed updateTab waiting waitUntil wasSeen withdraw write writer ' +
  'written'
).split(' ');

/** Marks every custom property that is ours alone, which `--frontdesk-…` is not. */
const markVariables = (code) => code.replace(/--(?!frontdesk)([a-z][\w-]{3,})/g, (_, name) => `--${mark('--', name)}`);

/**
 * Class names that no string of the script has for anything else, so that a letter may stand for each. The others are as they
 * were, for the tests that look for them.
 */
export const CLASSES = (
  'bad welcome sources meta avatar actions icon turn banner who chips entry info note fine cite sheet jump day skeleton primary head row ' +
  'over legend round queued caret warn legal split human more hello foot scrim'
).split(' ');

/** Marks them in selectors, those of the style sheet and the script's own, and where an element gets its classes. */
function markClasses(code) {
  const short = (name) => (CLASSES.includes(name) ? mark('.', name) : name);
  const inSelectors = (text) => text.replace(/\.([a-z]+)(?![\w-])/g, (_, name) => `.${short(name)}`);
  return code
    .replace(/':host[^']*'/, (css) => css.replace(/[^{}]*{/g, inSelectors))
    .replace(/"[a-z][a-z ]*"/g, (names) => names.replace(/[a-z]+/g, short))
    .replace(/"\.[a-z .,:-]*"/g, inSelectors);
}

/** SHA-256 over `path`, newline, SHA-256 of the file, newline, for every source in byte order of its path. */
export function hashSources() {
  const files = readdirSync(join(here, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath ?? entry.path, entry.name)
        .slice(here.length + 1)
        .replaceAll('\\', '/'),
    );
  const tools = [
    'build.mjs',
    'members.mjs',
    'names.mjs',
    'scopes.mjs',
    'sheet.mjs',
    'short-names.txt',
    'package-lock.json',
  ];
  const sources = [...files, ...tools].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const sha256 = (data) => createHash('sha256').update(data).digest('hex');
  return sha256(sources.map((path) => `${path}\n${sha256(readFileSync(join(here, path)))}\n`).join(''));
}

/** The bundle, but for the names in it. `plugins` may put something else in the place of a source. */
export async function bundleParts(plugins = []) {
  const { outputFiles } = await build({
    absWorkingDir: here,
    entryPoints: ['src/main.ts'],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    minifySyntax: true,
    minifyWhitespace: true,
    charset: 'utf8',
    write: false,
    plugins: [...plugins, squeezedCss],
    // Without the strict directive that the compiler's options would ask for: a module is strict where it matters, in tsc.
    tsconfigRaw: {},
    // Put first, because with its regular expressions elsewhere the file compresses worse.
    inject: ['src/markdown/stream.ts'],
  });
  // A second squeeze, because it saves what all the icons weigh. What is unsafe about it concerns only pages that replace what is
  // built in, like `Error`, by something that must be called with `new`.
  const { code } = await minify(outputFiles[0].text, {
    ecma: 2022,
    toplevel: true,
    mangle: false,
    compress: { passes: 4, unsafe: true, unsafe_arrows: true, pure_getters: true, hoist_funs: true },
  });
  return readBundle(markClasses(markVariables(code)), PRIVATE);
}

/** The bundle's text. */
export async function bundle(plugins) {
  const followed = follow(readRecipe(), await bundleParts(plugins));
  return `/*! Frontdesk, MIT */\n${writeBundle(followed)}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(dirname(bundlePath), { recursive: true });
  writeFileSync(bundlePath, await bundle());
  writeFileSync(hashPath, `${hashSources()}\n`);
}
