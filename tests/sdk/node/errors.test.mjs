// Failures arrive as the exception that an application already catches.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import { CHAT, client, user } from './upstreams.mjs';

const STATUSES = [
  [400, OpenAI.BadRequestError],
  [401, OpenAI.AuthenticationError],
  [403, OpenAI.PermissionDeniedError],
  [404, OpenAI.NotFoundError],
  [429, OpenAI.RateLimitError],
  [500, OpenAI.InternalServerError],
  [503, OpenAI.InternalServerError],
];

async function failure(request) {
  try {
    await request;
  } catch (error) {
    return error;
  }
  return assert.fail('it did not fail');
}

for (const model of CHAT) {
  for (const [status, expected] of STATUSES) {
    for (const stream of [false, true]) {
      test(`${model} fails with ${status}, stream: ${stream}`, async () => {
        const messages = user(`hello [sim:status=${status}]`);
        const error = await failure(client.chat.completions.create({ model, messages, stream }));
        assert.ok(error instanceof expected, `${error.constructor.name}: ${error.message}`);
        assert.equal(error.status, status);
        assert.ok(error.type && error.error.message, "the error has OpenAI's shape");
        assert.ok(error.requestID);
        if (status === 429) assert.ok(Number(error.headers.get('retry-after')) > 0);
      });
    }
  }

  test(`${model} answers a reset by a bad gateway`, async () => {
    const error = await failure(client.chat.completions.create({ model, messages: user('hello [sim:reset]') }));
    assert.ok(error instanceof OpenAI.InternalServerError, `${error.constructor.name}: ${error.message}`);
  });

  for (const kind of ['cut', 'mid_reset', 'error_event', 'malformed']) {
    test(`${model}: a stream that breaks (${kind}) never looks complete`, async () => {
      const messages = user(`hello [sim:tokens=50] [sim:${kind}]`);
      const finishes = [];
      let received = 0;
      const error = await failure(
        (async () => {
          const stream = await client.chat.completions.create({ model, messages, stream: true });
          for await (const chunk of stream) {
            received += 1;
            for (const choice of chunk.choices) if (choice.finish_reason) finishes.push(choice.finish_reason);
          }
        })(),
      );
      // A relayed event goes through as it came, so that the SDK itself finds the broken JSON.
      const found = kind === 'malformed' && error instanceof SyntaxError;
      assert.ok(found || error instanceof OpenAI.APIError, `${error.constructor.name}: ${error.message}`);
      assert.ok(received > 0, 'it broke before it began');
      assert.deepEqual(finishes, []);
    });
  }
}

test('an unknown model is named', async () => {
  const error = await failure(client.chat.completions.create({ model: 'no-such-model', messages: user('hello') }));
  assert.ok(error instanceof OpenAI.NotFoundError);
  assert.equal(error.code, 'model_not_found');
  assert.match(error.message, /no-such-model/);
});

test('a field that cannot be carried is named', async () => {
  const model = 'anthropic/claude-sonnet-4-5';
  const error = await failure(client.chat.completions.create({ model, messages: user('hello'), n: 2 }));
  assert.ok(error instanceof OpenAI.BadRequestError);
  assert.equal(error.param, 'n');
});
