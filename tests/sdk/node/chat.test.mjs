// Plain and streamed chat, images and files: the same from every provider.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { read } from './reading.mjs';
import { CHAT, FILES, REASONING, VISION, client, user } from './upstreams.mjs';

const QUESTION = [{ role: 'system', content: 'Be brief.' }, ...user('Say marco polo 42.')];

function checkUsage(usage) {
  assert.ok(usage.prompt_tokens > 0 && usage.completion_tokens > 0);
  assert.equal(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens);
}

for (const model of CHAT) {
  test(`${model} answers`, async () => {
    const { data, response } = await client.chat.completions.create({ model, messages: QUESTION }).withResponse();
    assert.equal(data.object, 'chat.completion');
    assert.ok(data.id && data.created > 0 && data.model);
    assert.equal(data.choices.length, 1);
    assert.equal(data.choices[0].finish_reason, 'stop');
    assert.match(data.choices[0].message.content, /marco polo 42/);
    checkUsage(data.usage);
    assert.ok(response.headers.get('x-request-id'));
  });

  test(`${model} streams the same text, and usage only when asked`, async () => {
    const whole = await client.chat.completions.create({ model, messages: QUESTION });
    const plain = await read(await client.chat.completions.create({ model, messages: QUESTION, stream: true }));
    assert.equal(plain.text, whole.choices[0].message.content);
    assert.equal(plain.finish, 'stop');
    assert.ok(plain.chunks > 2, 'it was streamed, not collected');
    assert.equal(plain.usage, null);

    const options = { stream: true, stream_options: { include_usage: true } };
    const counted = await read(await client.chat.completions.create({ model, messages: QUESTION, ...options }));
    checkUsage(counted.usage);
    assert.equal(counted.usage.prompt_tokens, whole.usage.prompt_tokens);
    assert.equal(counted.usage.completion_tokens, whole.usage.completion_tokens);
  });

  test(`${model} works with the stream helper`, async () => {
    const stream = client.chat.completions.stream({ model, messages: QUESTION });
    let text = '';
    stream.on('content', (delta) => (text += delta));
    assert.equal(await stream.finalContent(), text);
    assert.match(text, /marco polo 42/);
  });

  test(`${model} stops at the token limit`, async () => {
    const messages = user('Tell me a long story. [sim:tokens=200]');
    const answer = await client.chat.completions.create({ model, messages, max_tokens: 5 });
    assert.equal(answer.choices[0].finish_reason, 'length');
    assert.equal(answer.usage.completion_tokens, 5);
  });
}

for (const model of REASONING) {
  test(`${model} reasons`, async () => {
    const options = { model, messages: QUESTION, reasoning_effort: 'low' };
    const whole = await client.chat.completions.create(options);
    assert.ok(whole.choices[0].message.reasoning_content);
    const streamed = await read(await client.chat.completions.create({ ...options, stream: true }));
    assert.equal(streamed.reasoning, whole.choices[0].message.reasoning_content);
    assert.equal(streamed.text, whole.choices[0].message.content);
  });
}

// A real picture of one red dot.
const PNG =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC';
const PDF = `data:application/pdf;base64,${Buffer.from(
  '%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n',
).toString('base64')}`;

async function promptTokens(model, content) {
  const answer = await client.chat.completions.create({ model, messages: user(content) });
  return answer.usage.prompt_tokens;
}

for (const model of VISION) {
  test(`${model} sees an image`, async () => {
    const text = { type: 'text', text: 'What is this?' };
    const image = { type: 'image_url', image_url: { url: PNG } };
    assert.ok((await promptTokens(model, [text, image])) > (await promptTokens(model, [text])));
  });
}

for (const model of FILES) {
  test(`${model} reads a PDF`, async () => {
    const text = { type: 'text', text: 'Sum it up.' };
    const file = { type: 'file', file: { filename: 'note.pdf', file_data: PDF } };
    assert.ok((await promptTokens(model, [file, text])) > (await promptTokens(model, [text])));
  });
}

test('legacy completions', async () => {
  const options = { model: 'openai/gpt-3.5-turbo-instruct', prompt: 'Say marco polo 42.' };
  const whole = await client.completions.create(options);
  assert.match(whole.choices[0].text, /marco polo 42/);
  checkUsage(whole.usage);
  let text = '';
  for await (const chunk of await client.completions.create({ ...options, stream: true })) text += chunk.choices[0].text;
  assert.equal(text, whole.choices[0].text);
});
