// Who may not pass gets the exception that an application already catches, of each SDK.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { ApiError, GoogleGenAI } from '@google/genai';
import OpenAI from 'openai';
import { ROOT } from './upstreams.mjs';

const MODEL = 'openai/gpt-4o-mini';
const OTHER = 'gemini/gemini-2.5-flash';
const messages = [{ role: 'user', content: 'hello' }];
const options = (apiKey, maxRetries) => ({ apiKey, timeout: 20_000, maxRetries });

const SDKS = {
  openai: {
    ask: (key, model, retries = 0) =>
      new OpenAI({ baseURL: `${ROOT}/v1`, ...options(key, retries) }).chat.completions.create({ model, messages }),
    errors: { 401: OpenAI.AuthenticationError, 403: OpenAI.PermissionDeniedError, 429: OpenAI.RateLimitError },
  },
  anthropic: {
    ask: (key, model, retries = 0) =>
      new Anthropic({ baseURL: ROOT, ...options(key, retries) }).messages.create({ model, max_tokens: 20, messages }),
    errors: { 401: Anthropic.AuthenticationError, 403: Anthropic.PermissionDeniedError, 429: Anthropic.RateLimitError },
  },
  genai: {
    ask: (key, model, retries = 0) => {
      const httpOptions = { baseUrl: ROOT, timeout: 20_000, retryOptions: { attempts: retries + 1 } };
      return new GoogleGenAI({ apiKey: key, httpOptions }).models.generateContent({ model, contents: 'hello' });
    },
    errors: { 401: ApiError, 403: ApiError, 429: ApiError },
  },
};

for (const [name, { ask, errors }] of Object.entries(SDKS)) {
  const fails = async (status, request) => {
    const error = await request.then(
      () => assert.fail('it did not fail'),
      (error) => error,
    );
    assert.ok(error instanceof errors[status], `${error.constructor.name}: ${error.message}`);
    assert.equal(error.status, status);
    return error;
  };

  test(`${name}: a bad key is an authentication error`, async () => {
    await fails(401, ask('tw-unknown', MODEL));
    await fails(401, ask('tw-old', MODEL));
  });

  test(`${name}: what a key may not ask is a permission error`, async () => {
    await ask('tw-narrow', MODEL);
    await fails(403, ask('tw-narrow', OTHER));
  });

  test(`${name}: a limit says when to come back, and the SDK does`, async () => {
    const error = await fails(429, ask('tw-slow', MODEL).then(() => ask('tw-slow', MODEL)));
    const wait = error.headers?.get?.('retry-after');
    if (name !== 'genai') assert.ok(Number(wait) > 0 && Number(wait) <= 3, wait);
    for (let turn = 0; turn < 2; turn += 1) await ask('tw-slow', MODEL, 6);
  });
}
