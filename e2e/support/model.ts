/** A model's server, speaking Chat Completions, whose answer depends on a word in the question. */

import { createServer, type ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { listen, type Running } from './server.ts';

export const MARKDOWN = `Three things help:

1. **Restart** the router
2. Check the *cable*
3. Read [the guide](https://example.com/guide)

\`\`\`sh
ping -c 3 example.com
\`\`\`

| Plan | Price |
| --- | ---: |
| Basic | 5 |
| Team | 12 |

> Tell us if that did not help.`;

/** What answers say of themselves; how many tokens, only to questions about tokens. */
const MODEL = 'gpt-4.1-mini-2025-04-14';
const USAGE = { prompt_tokens: 4218, completion_tokens: 612 };

/** How often the program asks for one answer before it gives up. */
const CALLS = 3;

const words = (text: string) => text.match(/\S+\s*|\s+/g) ?? [];

/** Starts the server. What it does with a question: see the words in `answer`. */
export function startModel(): Promise<Running> {
  const failures = new Map<string, number>();

  async function answer(question: string, response: ServerResponse): Promise<void> {
    const say = async (text: string, delay: number) => {
      for (const content of words(text)) {
        if (response.destroyed) return;
        response.write(`data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`);
        if (delay) await pause(delay);
      }
    };
    const finish = (reason: string) => {
      const chunks: object[] = [{ model: MODEL, choices: [{ delta: {}, finish_reason: reason }] }];
      if (question.includes('tokens')) chunks.push({ model: MODEL, choices: [], usage: USAGE });
      for (const chunk of chunks) response.write(`data: ${JSON.stringify(chunk)}\n\n`);
      response.end('data: [DONE]\n\n');
    };

    const failed = failures.get(question) ?? 0;
    if (question.includes('fail at first') && failed < CALLS) {
      failures.set(question, failed + 1);
      response.writeHead(500).end('{"error":{"message":"out of order"}}');
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    if (question.includes('never')) return;
    if (question.includes('break off')) {
      await say('This is only the first half', 10);
      response.destroy();
      return;
    }
    if (question.includes('slowly')) await say(Array.from({ length: 400 }, (_, n) => `word${n} `).join(''), 25);
    else if (question.includes('Markdown')) await say(MARKDOWN, 5);
    else if (question.includes('at length')) {
      await say('An answer that goes on and', 5);
      return finish('length');
    } else await say(`You asked: ${question}`, 10);
    finish('stop');
  }

  const server = createServer(async (request, response) => {
    let body = '';
    for await (const piece of request) body += piece;
    const { messages } = JSON.parse(body);
    await answer(messages.at(-1).content, response);
  });
  return listen(server);
}
