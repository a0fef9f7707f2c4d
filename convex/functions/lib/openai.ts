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

const PATIENCE_MILLIS = 120_000;

export async function ask(
  settings: ModelSettings,
  instructions: string,
  prompt: PromptMessage[],
): Promise<ModelAnswer> {
  const { baseUrl, key, model, maxOutputTokens } = settings;
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
    signal: AbortSignal.timeout(PATIENCE_MILLIS),
  }).catch((error: unknown) => {
    throw new ModelError(
      error instanceof Error && error.name === 'TimeoutError' ? 'upstream_timeout' : 'upstream_error',
    );
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
