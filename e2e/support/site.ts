/** A website that has the chat on its pages. */

import { createServer } from 'node:http';
import { listen } from './server.ts';

export interface Page {
  head?: string;
  body: string;
  /** The page's Content-Security-Policy. */
  policy?: string;
  /** Other headers of the page. */
  headers?: Record<string, string>;
  /** Attributes of the `html` element. */
  html?: string;
}

export interface Site {
  url: string;
  /** Puts a page on the site and gives its address. */
  add(page: Page): string;
  end(): Promise<void>;
}

const ARTICLE = `<main><h1>Contoso Outdoor</h1>
<p>Tents, stoves and boots, tried in the rain. Every order leaves our house within a day.</p>
<p><a href="#delivery">Delivery</a> is free from 50 euros on.</p></main>`;

/** Starts the website. */
export async function startSite(): Promise<Site> {
  const pages: Page[] = [];
  const server = createServer((request, response) => {
    const page = pages[Number(request.url?.slice(1))];
    if (!page) return response.writeHead(404).end();
    const policy = page.policy ? { 'content-security-policy': page.policy } : {};
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', ...policy, ...page.headers });
    response.end(
      `<!doctype html><html ${page.html ?? 'lang="en"'}><head><title>A shop</title><meta name="viewport" content="width=device-width">${page.head ?? ''}</head><body>${ARTICLE}${page.body}</body></html>`,
    );
  });
  const { url, end } = await listen(server);
  return { url, end, add: (page) => `${url}/${pages.push(page) - 1}` };
}
