// Structured output: what comes back is what the Zod schema says.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { zodResponseFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import { CHAT, client, user } from './upstreams.mjs';

const Person = z.object({ name: z.string(), age: z.number().int().nullable() });
const Event = z.object({
  title: z.string(),
  kind: z.enum(['talk', 'walk']),
  price: z.number(),
  public: z.boolean(),
  people: z.array(Person),
});
const QUESTION = user('Alice and Bob walk on Friday.');

for (const model of CHAT) {
  test(`${model} gives what a Zod schema asks`, async () => {
    const response_format = zodResponseFormat(Event, 'event');
    const answer = await client.chat.completions.parse({ model, messages: QUESTION, response_format });
    assert.equal(answer.choices[0].finish_reason, 'stop');
    assert.deepEqual(Event.parse(answer.choices[0].message.parsed), answer.choices[0].message.parsed);
  });

  test(`${model} gives a JSON object`, async () => {
    const messages = user('Answer in JSON: what is the weather?');
    const response_format = { type: 'json_object' };
    const answer = await client.chat.completions.create({ model, messages, response_format });
    assert.equal(typeof JSON.parse(answer.choices[0].message.content), 'object');
  });
}

// Groq refuses structured output in a stream on some models.
for (const model of CHAT.filter((model) => !model.startsWith('groq/'))) {
  test(`${model} streams what a Zod schema asks`, async () => {
    const response_format = zodResponseFormat(Event, 'event');
    const stream = client.chat.completions.stream({ model, messages: QUESTION, response_format });
    const final = await stream.finalChatCompletion();
    Event.parse(final.choices[0].message.parsed);
  });
}
