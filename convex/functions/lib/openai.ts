/** One answer of a server that offers OpenAI's Chat Completions. */

import type { Infer } from 'convex/values';
import type { PromptMessage } from './prompt';
import type { finish } from './shapes';

export interface ModelSettings {
  baseUrl: string;
  key: string | undefined;
  model: string;
  maxOutputTokens: number;
}

export interface ModelAnswer {
  text: string;
  model: string | undefined;
  finish: Infer<typeof finish> | undefined;
  inputTokens: number | undefined;
  outputTokens: number | undefined;
}

/** The model did not answer. `code` is one of the server's codes for failures. */
export class ModelError extends Error {
  constructor(readonly code: string) {
    super(code);
  }
}

/** Whoever waits for a chat does not wait for longer. */
const PATIENCE_MILLIS = 120_000;

/** Asks once. Convex's `fetch` takes no signal to stop at, so an answer that is late is only no longer waited for. */
export async function ask(
  settings: ModelSettings,
  instructions: string,
  prompt: PromptMessage[],
): Promise<ModelAnswer> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new ModelError('upstream_timeout')), PATIENCE_MILLIS);
  });
  try {
    return await Promise.race([exchange(settings, instructions, prompt), late]);
  } finally {
    clearTimeout(timer);
  }
}

async function exchange(
  { baseUrl, key, model, maxOutputTokens }: ModelSettings,
  instructions: string,
  prompt: PromptMessage[],
): Promise<ModelAnswer> {
  // OpenAI's own server has renamed the limit of tokens; others know only its old name.
  const limit = new URL(baseUrl).hostname === 'api.openai.com' ? 'max_completion_tokens' : 'max_tokens';
  const response = await fetch(`${baseUrl}/chat/completions`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...(key ? { Authorization: `Bearer ${key}` } : {}) },
    body: JSON.stringify({
      model,
      messages: [{ role: 'system', content: instructions }, ...prompt],
      [limit]: maxOutputTokens,
    }),
    // A server that points elsewhere would be sent our key.
    redirect: 'manual',
  }).catch(() => {
    throw new ModelError('upstream_error');
  });
  if (!response.ok) throw new ModelError(refusal(response.status));
  const body: unknown = await response.json().catch(() => null);
  return read(body);
}

function refusal(status: number): string {
  if (status === 429) return 'upstream_busy';
  return [400, 401, 403, 404].includes(status) ? 'upstream_misconfigured' : 'upstream_error';
}

interface Completion {
  choices?: { message?: { content?: unknown }; finish_reason?: unknown }[];
  model?: unknown;
  usage?: { prompt_tokens?: unknown; completion_tokens?: unknown };
}

function read(body: unknown): ModelAnswer {
  const { choices, model, usage } = (body ?? {}) as Completion;
  const [choice] = Array.isArray(choices) ? choices : [];
  const text = choice?.message?.content;
  const reason = choice?.finish_reason;
  if (typeof text !== 'string' || text.trim() === '') {
    throw new ModelError(reason === 'content_filter' ? 'content_filtered' : 'empty_answer');
  }
  const count = (value: unknown) => (typeof value === 'number' ? value : undefined);
  return {
    text,
    model: typeof model === 'string' ? model : undefined,
    finish: reason === 'stop' || reason === 'length' || reason === 'content_filter' ? reason : undefined,
    inputTokens: count(usage?.prompt_tokens),
    outputTokens: count(usage?.completion_tokens),
  };
}
