// What is relayed without being understood: the official client finds OpenAI behind the gateway.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI, { toFile } from 'openai';
import { client } from './upstreams.mjs';

test('images are made, changed and streamed', async () => {
  const made = await client.images.generate({ model: 'openai/gpt-image-1', prompt: 'a dot' });
  assert.equal(made.usage.total_tokens, 1070);
  const image = await toFile(Buffer.alloc(200_000, 7), 'dot.png', { type: 'image/png' });
  const changed = await client.images.edit({ image, prompt: 'another', model: 'gpt-image-1' });
  assert.equal(changed.data[0].b64_json, made.data[0].b64_json);
  const types = [];
  const stream = await client.images.generate({ model: 'gpt-image-1', prompt: 'a dot', stream: true });
  for await (const event of stream) types.push(event.type);
  assert.deepEqual(types, ['image_generation.completed']);
});

test('audio is spoken and heard', async () => {
  const spoken = await client.audio.speech.create({ model: 'gpt-4o-mini-tts', voice: 'alloy', input: 'héllo' });
  assert.equal(Buffer.from(await spoken.arrayBuffer()).toString(), 'ID3héllo');
  // The file stands before the model.
  const file = await toFile(Buffer.alloc(300_000), 'a.wav', { type: 'audio/wav' });
  const heard = await client.audio.transcriptions.create({ file, model: 'gpt-4o-transcribe' });
  assert.equal(heard.text, 'transcriptions of 300000 bytes');
});

test('moderations, files, batches and stored responses', async () => {
  const judged = await client.moderations.create({ input: 'violence' });
  assert.equal(judged.results[0].flagged, true);

  const content = Buffer.from(Array.from({ length: 100_000 }, (_, at) => at % 256));
  const file = await client.files.create({ file: await toFile(content, 'b.bin'), purpose: 'user_data' });
  assert.equal(file.bytes, content.length);
  const back = Buffer.from(await (await client.files.content(file.id)).arrayBuffer());
  assert.ok(back.equals(content));
  assert.equal((await client.files.delete(file.id)).deleted, true);
  await assert.rejects(client.files.retrieve(file.id), OpenAI.NotFoundError);

  const endpoint = '/v1/chat/completions';
  const batch = await client.batches.create({ input_file_id: 'file-1', endpoint, completion_window: '24h' });
  assert.equal((await client.batches.retrieve(batch.id)).status, 'in_progress');

  const { id } = await client.responses.create({ model: 'openai/gpt-4o-mini', input: 'Keep this, Node.' });
  assert.equal((await client.responses.retrieve(id)).output_text, 'Keep this, Node.');
  await client.responses.delete(id);
  await assert.rejects(client.responses.retrieve(id), OpenAI.NotFoundError);
});

test('a realtime session', { skip: typeof WebSocket === 'undefined' }, async () => {
  // The SDK speaks to wss: alone; what it does, with the key among the subprotocols, as in a browser.
  const url = `${process.env.TOLLWAY_BASE_URL.replace('http:', 'ws:')}/realtime?model=openai/gpt-realtime`;
  const session = new WebSocket(url, ['realtime', 'openai-insecure-api-key.sk-any']);
  const send = (event) => session.send(JSON.stringify(event));
  let said = '';
  const usage = await new Promise((resolve, reject) => {
    session.onerror = reject;
    session.onmessage = ({ data }) => {
      const event = JSON.parse(data);
      if (event.type === 'session.created') {
        const content = [{ type: 'input_text', text: 'one two three' }];
        send({ type: 'conversation.item.create', item: { type: 'message', role: 'user', content } });
        send({ type: 'response.create' });
      } else if (event.type === 'response.output_text.delta') {
        said += event.delta;
      } else if (event.type === 'response.done') {
        resolve(event.response.usage);
      }
    };
  });
  assert.equal(session.protocol, 'realtime');
  const closed = new Promise((resolve) => (session.onclose = resolve));
  session.close(1000);
  assert.equal((await closed).wasClean, true);
  assert.equal(said, 'one two three');
  assert.equal(usage.output_tokens, 3);
});
