/**
 * A server that answers the widget as a test says, also with what the program itself cannot do yet or not on demand: people of
 * the team, sources, errors, silence. It serves the widget that was built last.
 */

import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { fileURLToPath } from 'node:url';
import { WIDGET_KEY } from './desk.ts';
import { listen } from './server.ts';

const ASSETS = new URL('../../crates/web/assets/', import.meta.url);
const BUNDLE = fileURLToPath(new URL('chat-widget.js', ASSETS));
const ENGLISH = new URL('locales/en.json', ASSETS);

/** A message as `GET /v1/sessions/{sessionId}/messages` gives it. */
export interface Message {
  id?: string;
  role: 'user' | 'assistant' | 'operator' | 'event';
  content: string;
  status?: string;
  createdAt?: number;
  [member: string]: unknown;
}

export interface Asked {
  method: string;
  path: string;
  secret: string | undefined;
  body: Record<string, unknown>;
}

/** Sends events of an answer. Without an end the stream stays open. */
export type Say = (...events: object[]) => void;

export interface ScriptedDesk {
  api: string;
  /** The conversation so far, oldest first. */
  history: Message[];
  /** What the site's owner set. */
  settings: object;
  /** What was asked, without the files. */
  asked: Asked[];
  /** Answers a message; without it, a short answer comes at once. */
  answer: (question: string, say: Say, response: ServerResponse) => unknown;
  /** What a visitor who asks for a person is told. */
  handoff: object;
  /** Answers anything else in place of what is here, if it returns true. */
  handle: (asked: Asked, response: ServerResponse) => boolean;
  /** Tells everybody who follows the feed, now or later. */
  tell(...events: object[]): void;
  end(): Promise<void>;
}

const START = { type: 'start', messageId: 'answer', seq: 0 };

/** The events of a whole answer. */
export const whole = (message: string, more: object = {}): object[] => [
  START,
  { type: 'token', token: message, seq: message.length },
  {
    type: 'done',
    messageId: 'answer',
    message,
    status: 'complete',
    finishReason: 'stop',
    seq: message.length,
    ...more,
  },
];

/** The events of an answer that goes on. */
export const begun = (text: string): object[] => [START, { type: 'token', token: text, seq: text.length }];

/** Messages as the server would give them. */
const stored = (messages: Message[]) =>
  messages.map((message, index) => ({
    id: `m${index}`,
    place: index + 1,
    status: 'complete',
    createdAt: Date.now(),
    ...message,
  }));

export async function startScriptedDesk(): Promise<ScriptedDesk> {
  const bundle = process.env.WIDGET_BUNDLE_PATH || BUNDLE;
  const feeds = new Set<ServerResponse>();
  /** What was said here, so that the feed can say where it stands. */
  const said: Message[] = [];
  /** What was told, for whoever follows later. */
  const told: object[] = [];
  const write = (response: ServerResponse, events: object[]) => {
    for (const event of events) response.write(`${JSON.stringify(event)}\n`);
  };

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/' } = request;
    const path = url.split('?')[0] as string;
    response.setHeader('access-control-allow-origin', '*');
    response.setHeader('access-control-allow-headers', '*');
    response.setHeader('access-control-allow-methods', '*');
    if (method === 'OPTIONS') return void response.writeHead(204).end();
    if (path.endsWith('.js')) {
      response.setHeader('content-type', 'text/javascript; charset=utf-8');
      response.setHeader('cross-origin-resource-policy', 'cross-origin');
      return void response.end(await readFile(bundle));
    }
    if (path.startsWith('/widget/locales/'))
      return void response.setHeader('content-type', 'application/json').end(await readFile(ENGLISH));
    let body = '';
    for await (const piece of request) body += piece;
    const asked = {
      method,
      path: url,
      secret: request.headers['x-session-secret'] as string | undefined,
      body: JSON.parse(body || '{}'),
    };
    desk.asked.push(asked);
    if (desk.handle(asked, response)) return;
    const reply = (content: unknown) =>
      response.setHeader('content-type', 'application/json').end(JSON.stringify(content));
    if (path === '/chat') {
      response.writeHead(200, { 'content-type': 'application/x-ndjson' });
      const clientMessageId = request.headers['idempotency-key'];
      const question: Message = { role: 'user', content: asked.body.message as string, clientMessageId };
      await desk.answer(
        question.content,
        (...events) => {
          write(response, events);
          const last = events.at(-1) as { type?: string; message?: string; messageId?: string };
          if (last?.type === 'done')
            said.push(question, { ...last, role: 'assistant', id: last.messageId, content: last.message ?? '' });
          if (['done', 'error'].includes((events.at(-1) as { type?: string })?.type ?? '')) response.end();
        },
        response,
      );
    } else if (path.endsWith('/messages')) {
      reply({ messages: stored(desk.history), nextCursor: null, eventsCursor: 'c' });
    } else if (path.endsWith('/events')) {
      response.writeHead(200, { 'content-type': 'application/x-ndjson' });
      if (!desk.history.length)
        write(
          response,
          stored(said).map((message) => ({ type: 'message', message })),
        );
      write(response, [{ type: 'state', answering: null, cursor: 'c' }, ...told]);
      feeds.add(response);
      response.on('close', () => feeds.delete(response));
    } else if (path.endsWith('/export')) response.setHeader('content-type', 'text/markdown').end('# A conversation\n');
    else if (path.endsWith('/handoff')) reply(desk.handoff);
    else if (path === '/v1/widget/config') reply(desk.settings);
    else reply({});
  }

  const server = createServer((request, response) => {
    serve(request, response).catch((problem) => response.destroy(problem));
  });
  const { url, end } = await listen(server);
  const desk: ScriptedDesk = {
    api: url,
    history: [],
    settings: {},
    handoff: { status: 'asked', until: null },
    asked: [],
    answer: (question, say) => say(...whole(`You asked: ${question}`)),
    handle: () => false,
    tell: (...events) => {
      told.push(...events);
      for (const feed of feeds) write(feed, events);
    },
    end,
  };
  return desk;
}

/** The script tag for a page. */
export const scriptedSnippet = (desk: ScriptedDesk, attributes = '') =>
  `<script src="${desk.api}/widget/chat-widget.js" data-api-url="${desk.api}/chat" data-api-key="${WIDGET_KEY}" ${attributes} defer></script>`;
