// Models by what they can do: one of every upstream format and of every provider with rules of its own.
import OpenAI from 'openai';

export const CHAT = [
  'openai/gpt-4o-mini',
  'anthropic/claude-sonnet-4-5',
  'gemini/gemini-2.5-flash',
  'mistral/mistral-small-2603',
  'groq/openai/gpt-oss-20b',
];

export const VISION = [...CHAT.slice(0, 4), 'groq/qwen/qwen3.8-27b'];

export const FILES = CHAT.slice(0, 3);

export const REASONING = ['anthropic/claude-sonnet-4-5', 'gemini/gemini-2.5-flash'];

export const EMBEDDING = ['openai/text-embedding-3-small', 'gemini/gemini-embedding-001', 'mistral/mistral-embed'];

// Every format a provider can speak, whatever its clients do.
export const FORMATS = ['chat/gpt-4.1', 'responses/gpt-4.1', 'anthropic/claude-sonnet-4-5', 'gemini/gemini-2.5-flash'];

// Chat Completions has no endpoint that counts tokens; the others do.
export const COUNTING = FORMATS.slice(1);

// The same, by models that show their thinking and take it back. OpenAI's own chat shows none.
export const THINKERS = [
  'compatible/deepseek-reasoner',
  'responses/gpt-5-mini',
  'anthropic/claude-sonnet-4-5',
  'gemini/gemini-3-flash-preview',
];

/** The gateway's address without OpenAI's version, as the other SDKs take it. */
export const ROOT = process.env.TOLLWAY_BASE_URL.replace(/\/v1$/, '');

// Nothing here takes long; a hang must fail a test, not the run. Retries would hide a failure.
export const client = new OpenAI({
  baseURL: process.env.TOLLWAY_BASE_URL,
  apiKey: 'sk-any',
  timeout: 20_000,
  maxRetries: 0,
});

export const user = (content) => [{ role: 'user', content }];
