// Embeddings in both encodings, and the list of models.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import { CHAT, EMBEDDING, client } from './upstreams.mjs';

const near = (left, right) =>
  left.length === right.length && left.every((number, at) => Math.abs(number - right[at]) < 1e-6);

for (const model of EMBEDDING) {
  test(`${model} embeds`, async () => {
    const input = ['one', 'two', 'one'];
    // The SDK asks for base64 by itself and decodes it.
    const batch = await client.embeddings.create({ model, input });
    assert.deepEqual(batch.data.map((item) => item.index), [0, 1, 2]);
    const [first, second, again] = batch.data.map((item) => item.embedding);
    assert.deepEqual(first, again);
    assert.ok(first.length >= 256 && !near(first, second));
    // Gemini's batchEmbedContents counts nothing.
    assert.ok(batch.usage.prompt_tokens > 0 || model.startsWith('gemini/'));

    const plain = await client.embeddings.create({ model, input: 'two', encoding_format: 'float' });
    assert.ok(near(plain.data[0].embedding, second));
  });
}

test('models are listed', async () => {
  const names = [];
  for await (const model of client.models.list()) names.push(model.id);
  // By the bare name; `provider/model` is understood beside it.
  for (const model of [...CHAT, ...EMBEDDING]) assert.ok(names.includes(model.slice(model.indexOf('/') + 1)), model);
});

for (const model of CHAT) {
  test(`${model} is retrieved by its name`, async () => {
    const found = await client.models.retrieve(model);
    assert.equal(found.id, model);
    assert.equal(found.object, 'model');
  });
}

test('an unknown model is not found', async () => {
  await assert.rejects(client.models.retrieve('no-such-model'), (error) => {
    assert.ok(error instanceof OpenAI.NotFoundError);
    assert.equal(error.code, 'model_not_found');
    return true;
  });
});
