/** What matters most of the chat in WebKit, which Safari is made of: Debian's WebKitGTK, driven by its own WebDriver. */

import { begun, type ScriptedDesk, scriptedSnippet, startScriptedDesk, whole } from '../support/scripted-desk.ts';
import { SOURCES, TABLE } from '../support/states.ts';
import { test as base, expect } from '../support/test.ts';
import { type Driver, Key, OPEN_SHADOW, startDriver, WebKit } from '../support/webkit.ts';

/** Opens a page that has the chat. */
type Visit = (attributes?: string, page?: { policy?: string; head?: string }) => Promise<void>;

const test = base.extend<{ scripted: ScriptedDesk; webkit: WebKit; visit: Visit }, { driver: Driver }>({
  driver: [
    // biome-ignore lint/correctness/noEmptyPattern: the runner reads the pattern to know what is needed
    async ({}, use) => {
      const driver = await startDriver();
      await use(driver);
      await driver.end();
    },
    { scope: 'worker' },
  ],
  // biome-ignore lint/correctness/noEmptyPattern: the runner reads the pattern to know what is needed
  scripted: async ({}, use) => {
    const desk = await startScriptedDesk();
    await use(desk);
    await desk.end();
  },
  webkit: async ({ driver }, use) => {
    const webkit = await WebKit.start(driver);
    await use(webkit);
    await webkit.end();
  },
  visit: async ({ webkit, scripted, site }, use) => {
    await use(async (attributes = '', { policy, head = `<script>${OPEN_SHADOW}</script>` } = {}) => {
      await webkit.visit(site.add({ head, policy, body: scriptedSnippet(scripted, attributes) }));
      await expect.poll(() => webkit.count('.launcher')).toBe(1);
    });
  },
});

// The driver has one browser at a time.
test.describe.configure({ mode: 'default' });

const FOLLOWED = '/v1/chat/stream/answer';

test('an answer comes in piece by piece, goes on after a reload, and is there with its table and sources', async ({
  webkit,
  scripted,
  visit,
}) => {
  scripted.answer = (_, say) => say(...begun('For a **2 kg** box'));
  await visit();
  await webkit.click('.launcher');
  await webkit.send('What does it cost?');
  await expect.poll(() => webkit.text('.md')).toBe('For a 2 kg box');
  scripted.history = [
    { role: 'user', content: 'What does it cost?' },
    { id: 'answer', role: 'assistant', status: 'streaming', content: TABLE.slice(0, 18), seq: 18 },
  ];
  scripted.handle = ({ path }, response) => {
    if (!path.startsWith(FOLLOWED)) return false;
    const [, , done] = whole(TABLE, { sources: SOURCES });
    for (const event of [{ type: 'token', token: TABLE.slice(18), seq: TABLE.length }, done])
      response.write(`${JSON.stringify(event)}\n`);
    response.end();
    return true;
  };
  await webkit.reload();
  await expect.poll(() => webkit.count('.md tr')).toBe(4);
  expect(scripted.asked.filter(({ path }) => path.startsWith(FOLLOWED)).at(-1)?.path).toBe(`${FOLLOWED}?after=18`);
  expect(await webkit.count('[aria-label="Source 1: Rates within the EU"]')).toBe(1);
  expect(await webkit.count('.me')).toBe(1);
});

test('what breaks off is picked up, what waits for the server goes out once, and an answer can be stopped', async ({
  webkit,
  scripted,
  visit,
}) => {
  scripted.answer = async (_, say, response) => {
    say(...begun('One'));
    await expect.poll(() => webkit.text('.md')).toBe('One');
    response.destroy();
  };
  scripted.handle = ({ path }, response) => {
    if (!path.startsWith(FOLLOWED)) return false;
    for (const event of [{ type: 'token', token: ' and two', seq: 11 }, whole('One and two')[2]])
      response.write(`${JSON.stringify(event)}\n`);
    response.end();
    return true;
  };
  await visit();
  await webkit.click('.launcher');
  await webkit.send('Count');
  await expect.poll(() => webkit.text('.md')).toBe('One and two');

  scripted.handle = (_, response) => !!response.destroy();
  await webkit.send('Is anybody there?');
  await expect.poll(() => webkit.text('.me')).toContain('Will send when you are back online');
  scripted.asked.length = 0;
  scripted.handle = () => false;
  scripted.answer = (_, say) => say(...begun('Three'));
  await webkit.run("[...chat.querySelectorAll('button')].find((e) => e.innerText === 'Try now')?.click()");
  await expect.poll(() => webkit.text('.md')).toContain('Three');
  expect(scripted.asked.filter(({ path }) => path === '/chat')).toHaveLength(1);

  await webkit.click('[aria-label="Stop answering"]');
  await expect.poll(() => webkit.text('.log')).toContain('You stopped this answer');
  expect(scripted.asked.map(({ path }) => path)).toContain('/v1/chat/stop');
});

const HOSTILE = `# Hi

<img src=x onerror="window.ran = 1"> <script>window.ran = 2</script>

[a link](javascript:window.ran=3) [another](https://help.example/) ![a picture](https://elsewhere.example/a.png)

<svg onload="window.ran = 4"><a href="data:text/html,x">x</a></svg>`;

test('under a strict policy with Trusted Types it looks and works as ever, and Markdown makes nothing that could run', async ({
  webkit,
  scripted,
  visit,
}) => {
  scripted.answer = (_, say) => say(...whole(HOSTILE));
  // WebKit asks for the page's own icon.
  const policy = `default-src 'none'; script-src ${scripted.api} 'nonce-n'; connect-src ${scripted.api}; img-src 'self'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'`;
  const watch = `window.violations = []; addEventListener('securitypolicyviolation', (event) => window.violations.push(event.violatedDirective + ' ' + event.blockedURI));`;
  await visit('', { policy, head: `<script nonce="n">${watch}${OPEN_SHADOW}</script>` });
  await webkit.click('.launcher');
  await webkit.send('Show me');
  await expect.poll(() => webkit.count('.md h3')).toBe(1);
  expect(await webkit.text('.md')).toContain('<script>window.ran = 2</script>');
  expect(await webkit.count('.md :is(img, script, svg, style, iframe)')).toBe(0);
  expect(await webkit.run("return [...chat.querySelectorAll('.md a')].map((e) => e.href)")).toEqual([
    'https://help.example/',
    'https://elsewhere.example/a.png',
  ]);
  expect(await webkit.style('.panel', 'borderTopLeftRadius')).toBe('20px');
  expect(await webkit.run('return [window.ran ?? null, window.violations]')).toEqual([null, []]);
});

test('everything goes by keyboard, in the dark as well', async ({ webkit, visit }) => {
  await visit('data-theme="dark"');
  await webkit.focus('.launcher');
  await webkit.press(Key.Enter);
  await expect.poll(() => webkit.isFocused('.field textarea')).toBe(true);
  expect(await webkit.style('.panel', 'backgroundColor')).toBe('rgb(27, 26, 24)');
  await webkit.press(...'Is it open?', Key.Enter);
  await expect.poll(() => webkit.text('.md')).toBe('You asked: Is it open?');
  await webkit.click('[aria-label="More options"]');
  await expect.poll(() => webkit.isFocused('.menu button')).toBe(true);
  await webkit.press(Key.ArrowDown);
  expect(await webkit.run('return chat.activeElement.innerText.trim()')).toContain('Sound');
  await webkit.press(Key.Escape);
  await expect.poll(() => webkit.isFocused('[aria-label="More options"]')).toBe(true);
  await webkit.press(Key.Escape);
  await expect.poll(() => webkit.isFocused('.launcher')).toBe(true);
  await expect.poll(() => webkit.style('.panel', 'visibility')).toBe('hidden');
});
