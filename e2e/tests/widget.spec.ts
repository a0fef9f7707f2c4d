/** The chat on a website: a visitor asks, reads, stops, comes back. */

import { type Desk, startDesk } from '../support/desk.ts';
import { startModel } from '../support/model.ts';
import { startSite } from '../support/site.ts';
import { expect, test } from '../support/test.ts';
import { snippet, Widget } from '../support/widget.ts';

test('a page with the snippet has a launcher, and the launcher opens the chat', async ({ widget, page }) => {
  await expect(widget.launcher).toHaveAccessibleName('Open chat');
  await expect(widget.panel).toHaveCount(0);
  await widget.open();
  await expect(widget.panel).toHaveAccessibleName('Assistant');
  await expect(widget.panel).toContainText('Hello. How can we help?');
  await expect(widget.field).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(widget.panel).toBeHidden();
  await expect(widget.launcher).toBeFocused();
});

test('the attributes of the snippet say what the chat looks like', async ({ page, desk, site }) => {
  const widget = new Widget(page);
  const attributes =
    'data-title="Support" data-welcome-message="Hey! How can I help?" data-input-placeholder="Type your question..." data-position="left" data-accent-color="#0ea5e9"';
  await widget.visit(site.add({ body: snippet(desk, attributes) }));
  const box = await widget.launcher.boundingBox();
  expect(box?.x).toBeLessThan(60);
  await expect(widget.launcher).toHaveCSS('background-color', 'rgb(14, 165, 233)');
  await widget.open();
  await expect(widget.panel).toHaveAccessibleName('Support');
  await expect(widget.panel).toContainText('Hey! How can I help?');
  await expect(widget.field).toHaveAttribute('placeholder', 'Type your question...');
});

test('Enter sends, and Shift with Enter begins a line', async ({ widget, page }) => {
  await widget.open();
  await page.keyboard.type('one');
  await page.keyboard.press('Shift+Enter');
  await page.keyboard.type('two');
  await expect(widget.questions()).toHaveCount(0);
  await page.keyboard.press('Enter');
  await expect(widget.questions()).toHaveText('one\ntwo', { useInnerText: true });
  await expect(widget.field).toHaveValue('');
});

test('the answer appears while it is being written', async ({ widget }) => {
  await widget.open();
  await widget.send('Please answer slowly');
  await expect(widget.questions()).toHaveText('Please answer slowly');
  const answer = widget.answers().last();
  await expect(answer).toContainText('word3');
  const early = (await answer.innerText()).length;
  await expect(answer).toContainText('word30');
  expect((await answer.innerText()).length).toBeGreaterThan(early);
  await expect(widget.stop).toBeVisible();
});

test('a stopped answer stays stopped, and what was shown is what is stored', async ({ widget, page }) => {
  await widget.open();
  await widget.send('Please answer slowly');
  await expect(widget.answers().last()).toContainText('word5');
  await widget.stop.click();
  await expect(widget.log).toContainText('You stopped this answer');
  const shown = await widget.answers().last().innerText();
  await expect(widget.status).toHaveText('You stopped this answer');
  await page.reload();
  await expect(widget.log).toContainText('You stopped this answer');
  const stored = await widget.answers().last().innerText();
  expect(stored.startsWith(shown.trim())).toBe(true);
  expect(stored.length - shown.length).toBeLessThan(200);
  await widget.ask('And then?');
  await expect(widget.answers().last()).toHaveText('You asked: And then?');
});

test('a reload brings the conversation back, and the chat open as it was', async ({ widget, page }) => {
  await widget.open();
  await widget.ask('First question');
  await widget.ask('Second question');
  await page.reload();
  await expect(widget.questions()).toHaveText(['First question', 'Second question']);
  await expect(widget.answers()).toHaveText(['You asked: First question', 'You asked: Second question']);
});

test('a reload in the middle of an answer goes on with it', async ({ widget, page }) => {
  await widget.open();
  await widget.send('Please answer slowly');
  await expect(widget.answers().last()).toContainText('word9');
  await page.reload();
  await expect(widget.answers().last()).toContainText('word60', { timeout: 15_000 });
  const text = await widget.answers().last().innerText();
  expect(text.match(/word7\b/g)).toHaveLength(1);
  await expect(widget.questions()).toHaveCount(1);
});

test('Markdown becomes elements, and a link opens outside the chat', async ({ widget }) => {
  await widget.open();
  await widget.ask('Show me Markdown');
  const answer = widget.answers().last();
  await expect(answer.getByRole('listitem')).toHaveCount(3);
  await expect(answer.locator('strong')).toHaveText('Restart');
  await expect(answer.locator('pre code')).toContainText('ping -c 3 example.com');
  await expect(answer.getByRole('row')).toHaveCount(3);
  const link = answer.getByRole('link', { name: 'the guide' });
  await expect(link).toHaveAttribute('target', '_blank');
  await expect(link).toHaveAttribute('rel', /noopener/);
});

test('markup in a message is only text', async ({ widget, page }) => {
  await widget.open();
  const attack = '<img src=x onerror="window.attacked=1"><script>window.attacked=1</script>';
  await widget.ask(attack);
  await expect(widget.questions().last()).toHaveText(attack);
  await expect(widget.answers().last()).toContainText('<script>');
  expect(await page.evaluate('window.attacked')).toBeUndefined();
});

test('an answer that failed is asked for again with one press, and is not doubled', async ({ widget }) => {
  await widget.open();
  await widget.send(`fail at first ${Math.random()}`);
  await expect(widget.log).toContainText('That answer did not arrive');
  await widget.log.getByRole('button', { name: 'Try again' }).click();
  await expect(widget.answers().last()).toContainText('You asked: fail at first');
  await expect(widget.questions()).toHaveCount(1);
});

test('half an answer is kept and said to be half', async ({ widget, page }) => {
  await widget.open();
  await widget.send('break off please');
  await expect(widget.log).toContainText('The connection dropped before the end.');
  await expect(widget.answers().last()).toHaveText('This is only the first half');
  await page.reload();
  await expect(widget.answers().last()).toHaveText('This is only the first half');
  await expect(widget.log).toContainText('The connection dropped before the end.');
});

test('an answer at its length limit says so', async ({ widget }) => {
  await widget.open();
  await widget.send('Tell me at length');
  await expect(widget.log).toContainText('This answer reached its length limit');
});

test('a message sent while the network is away is sent when it is back', async ({ widget, context }) => {
  await widget.open();
  await widget.ask('Before');
  await context.setOffline(true);
  await widget.send('During');
  await expect(widget.panel).toContainText('You are offline. Reconnecting…');
  await expect(widget.panel).toContainText('Will send when you are back online');
  await context.setOffline(false);
  await expect(widget.answers().last()).toHaveText('You asked: During', { timeout: 15_000 });
  await expect(widget.questions()).toHaveText(['Before', 'During']);
});

test('a new conversation is begun only after a question', async ({ widget, page }) => {
  await widget.open();
  await widget.ask('Something private');
  await page.getByRole('button', { name: 'New conversation' }).click();
  await expect(page.getByRole('alertdialog')).toHaveAccessibleName('Start a new conversation?');
  await page.getByRole('button', { name: 'Start new' }).click();
  await expect(widget.questions()).toHaveCount(0);
  await expect(widget.panel).toContainText('Hello. How can we help?');
  await page.reload();
  await expect(widget.questions()).toHaveCount(0);
});

test('the page cannot look into the chat, and the chat leaves the page alone', async ({ page, desk, site }) => {
  await page.goto(site.add({ body: snippet(desk) }));
  const host = page.locator('[data-frontdesk]');
  await expect(host).toHaveCount(1);
  expect(await host.evaluate((element) => element.shadowRoot)).toBeNull();
  expect(await page.evaluate(() => Object.keys(localStorage).length + Object.keys(sessionStorage).length)).toBe(0);
});

test('on a phone the chat fills the screen and the page behind it does not scroll', async ({ browser, desk, site }) => {
  const context = await browser.newContext({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  const widget = new Widget(await context.newPage());
  await widget.visit(site.add({ body: snippet(desk) }));
  await widget.open();
  // It grows into its place.
  await expect.poll(() => widget.panel.boundingBox()).toEqual({ x: 0, y: 0, width: 390, height: 844 });
  await widget.ask('Is this a phone?');
  await widget.panel.getByRole('button', { name: 'Minimise chat' }).click();
  await expect(widget.panel).toBeHidden();
  await context.close();
});

test('a site that is not allowed is told so, and the visitor keeps the words', async ({ page, desk }) => {
  const elsewhere = await startSite();
  const widget = new Widget(page);
  await widget.visit(elsewhere.add({ body: snippet(desk) }));
  await widget.open();
  await widget.send('Hello?');
  await expect(widget.log).toContainText('Hello?');
  await expect(widget.panel).not.toContainText('You asked');
  await elsewhere.end();
});

test('after a crash in the middle of an answer what is shown is what is stored', async ({ page, site }) => {
  const model = await startModel();
  const desk = await startDesk({ OPENAI_BASE_URL: `${model.url}/v1`, CORS_ORIGIN: site.url });
  const widget = new Widget(page);
  await widget.visit(site.add({ body: snippet(desk) }));
  await widget.open();
  await widget.send('Please answer slowly');
  // It is stored once a second.
  await expect(widget.answers().last()).toContainText('word60', { timeout: 15_000 });
  await desk.crashAndRestart();
  await expect(widget.log).toContainText('The connection dropped before the end.', { timeout: 20_000 });
  await expect(widget.answers().last()).toContainText('word9');
  const shown = await widget.answers().last().innerText();
  await page.reload();
  await expect(widget.log).toContainText('The connection dropped before the end.');
  await expect(widget.answers().last()).toHaveText(shown, { useInnerText: true });
  await widget.ask('Are you there?');
  await expect(widget.questions()).toHaveText(['Please answer slowly', 'Are you there?']);
  await desk.end();
  await model.end();
});

for (const [what, end] of [
  ['a crash', (desk: Desk) => desk.crash()],
  ['a shutdown', (desk: Desk) => desk.shutDown()],
] as const) {
  test(`after ${what} a reload offers to have the answer written again, in its place`, async ({ page, site }) => {
    const model = await startModel();
    const settings = { OPENAI_BASE_URL: `${model.url}/v1`, CORS_ORIGIN: site.url, SHUTDOWN_TIMEOUT_MS: '100' };
    const desk = await startDesk(settings);
    const widget = new Widget(page);
    await widget.visit(site.add({ body: snippet(desk) }));
    await widget.open();
    await widget.ask('Are you there?');
    await widget.send('Please answer slowly');
    await expect(widget.answers().last()).toContainText('word50', { timeout: 15_000 });
    await end(desk);
    await desk.start();
    await page.reload();
    await expect(widget.answers().last()).toContainText('word9');
    await expect(widget.log).toContainText('The connection dropped before the end.');
    await widget.log.getByRole('button', { name: 'Try again' }).click();
    await expect(widget.answers()).toHaveCount(2);
    await expect(widget.answers().last()).toContainText('word399', { timeout: 20_000 });
    await page.reload();
    await expect(widget.questions()).toHaveText(['Are you there?', 'Please answer slowly']);
    await expect(widget.answers()).toHaveCount(2);
    await expect(widget.answers().last()).toContainText('word399');
    await desk.end();
    await model.end();
  });
}
