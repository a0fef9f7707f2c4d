/** The chat on pages whose policy allows next to nothing. */

import { PASSWORD } from '../support/desk.ts';
import { expect, signIn, test } from '../support/test.ts';
import { snippet } from '../support/widget.ts';

/** Collects every violation of the page's policy, from before its first script on. */
const WATCH = `
  window.violations = [];
  addEventListener('securitypolicyviolation', (event) => window.violations.push(event.violatedDirective + ' ' + event.blockedURI + ' ' + event.sample));
`;

test('under a strict policy with Trusted Types the whole chat works without one violation', async ({
  page,
  widget,
  desk,
  site,
}) => {
  const host = new URL(desk.api).origin;
  const policy = `default-src 'none'; script-src ${host}; connect-src ${host}; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'`;
  await page.addInitScript(WATCH);
  await widget.visit(site.add({ policy, body: snippet(desk) }));
  await widget.open();
  await widget.ask('Show me Markdown');
  await widget.send('Please answer slowly');
  await expect(widget.answers().last()).toContainText('word3');
  await widget.stop.click();
  await widget.send('break off please');
  await expect(widget.log).toContainText('The connection dropped before the end.');
  await page.getByRole('button', { name: 'New conversation' }).click();
  await page.getByRole('button', { name: 'Start new' }).click();
  await expect(widget.panel).toHaveCSS('border-radius', '20px');
  expect(await page.evaluate('window.violations')).toEqual([]);
});

test('the watch itself sees a violation', async ({ page, site }) => {
  await page.addInitScript(WATCH);
  const policy = "default-src 'none'; script-src 'none'; require-trusted-types-for 'script'";
  await page.goto(site.add({ policy, body: '<script>window.ran = true</script><img src="/x.png">' }));
  await expect.poll(() => page.evaluate('window.violations.length')).toBeGreaterThanOrEqual(2);
});

test('no page of the dashboard violates its own policy', async ({ page, widget, desk }) => {
  await page.addInitScript(WATCH);
  await widget.open();
  await widget.ask('Show me Markdown <img src=x onerror=alert(1)>');
  const policies: string[] = [];
  page.on('response', (response) => {
    if (response.request().isNavigationRequest()) policies.push(response.headers()['content-security-policy'] ?? '');
  });
  const violations: unknown[] = [];
  const check = async () => violations.push(...((await page.evaluate('window.violations')) as unknown[]));
  await page.goto(`${desk.dashboard}/login`);
  await check();
  await signIn(page, desk, PASSWORD);
  await check();
  await page.locator('.cv').first().click();
  await expect(page.getByRole('article', { name: 'Visitor' })).toContainText('onerror');
  await check();
  for (const path of ['/widget-test.html', '/headless-test.html']) {
    await page.goto(desk.dashboard + path);
    await check();
  }
  await page.goto(`${desk.api}/docs`);
  await expect(page.locator('rapi-doc')).toContainText('/v1/chat');
  await check();
  expect(violations).toEqual([]);
  expect(policies.length).toBeGreaterThan(4);
  for (const policy of policies) expect(policy).toContain('default-src');
});
