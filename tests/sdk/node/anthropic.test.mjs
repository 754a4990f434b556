// Anthropic's SDK against every format.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { zodOutputFormat } from '@anthropic-ai/sdk/helpers/zod';
import { z } from 'zod';
import { hangUps, idle } from './simulator.mjs';
import { COUNTING, FORMATS, ROOT, THINKERS, user } from './upstreams.mjs';

const client = new Anthropic({ baseURL: ROOT, apiKey: 'sk-ant-any', timeout: 20_000, maxRetries: 0 });
const tools = [
  {
    name: 'get_weather',
    description: 'The weather in a city.',
    input_schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
  { name: 'get_time', input_schema: { type: 'object', properties: { zone: { type: 'string' } }, required: ['zone'] } },
];
const Person = z.object({ name: z.string(), age: z.number().int() });

const ask = (model, messages, more = {}) => client.messages.create({ model, max_tokens: 4096, messages, ...more });
const streamed = (model, messages, more = {}) =>
  client.messages.stream({ model, max_tokens: 4096, messages, ...more }).finalMessage();
const text = (answer) => answer.content.filter((block) => block.type === 'text').map((block) => block.text).join('');
const calls = (answer) => answer.content.filter((block) => block.type === 'tool_use');
const then = (messages, called) => [
  ...messages,
  { role: 'assistant', content: called.content },
  {
    role: 'user',
    content: calls(called).map(({ id }, i) => ({ type: 'tool_result', tool_use_id: id, content: `result-${i}` })),
  },
];

for (const model of FORMATS) {
  test(`${model} answers`, async () => {
    const answer = await ask(model, user('Why is the sky blue?'));
    assert.equal(text(answer), 'Why is the sky blue?');
    assert.match(answer.id, /^msg_/);
    assert.deepEqual([answer.type, answer.role, answer.stop_reason], ['message', 'assistant', 'end_turn']);
    assert.equal(answer.usage.input_tokens, 5);
    assert.ok(answer._request_id);
  });

  test(`${model} streams`, async () => {
    const stream = client.messages.stream({ model, max_tokens: 100, messages: user('one [sim:split_unicode]') });
    let deltas = '';
    stream.on('text', (delta) => (deltas += delta));
    const final = await stream.finalMessage();
    assert.equal(deltas, 'one naïve 日本語 🚀🇨🇭 né');
    assert.equal(text(final), deltas);
    assert.equal(final.stop_reason, 'end_turn');
  });

  for (const run of [ask, streamed]) {
    test(`${model} calls tools, ${run === ask ? 'whole' : 'streamed'}`, async () => {
      const question = user('The weather and the time? [parallel]');
      const called = await run(model, question, { tools });
      assert.equal(called.stop_reason, 'tool_use');
      assert.deepEqual(calls(called).map(({ name }) => name), ['get_weather', 'get_time']);
      assert.equal(typeof calls(called)[0].input.city, 'string');
      const answer = await run(model, then(question, called), { tools });
      assert.equal(text(answer), 'The tool says: result-0; result-1');
    });
  }

  test(`${model} gives what a Zod schema asks`, async () => {
    const output_config = { format: zodOutputFormat(Person) };
    const answer = await client.messages.parse({ model, max_tokens: 1000, messages: user('Alice'), output_config });
    Person.parse(answer.parsed_output);
  });

  for (const [status, expected] of [
    [400, Anthropic.BadRequestError],
    [401, Anthropic.AuthenticationError],
    [404, Anthropic.NotFoundError],
    [429, Anthropic.RateLimitError],
    [529, Anthropic.InternalServerError],
  ]) {
    test(`${model} fails with ${status}`, async () => {
      await assert.rejects(ask(model, user(`hello [sim:status=${status}]`)), (error) => {
        assert.ok(error instanceof expected, `${error.constructor.name}: ${error.message}`);
        assert.equal(error.status, status);
        assert.equal(error.error.type, 'error');
        assert.ok(error.requestID);
        return true;
      });
    });
  }

  for (const kind of ['cut', 'error_event']) {
    test(`${model}: a stream that breaks (${kind}) never looks complete`, async () => {
      const seen = [];
      await assert.rejects(async () => {
        const messages = user(`hello [sim:tokens=50,${kind}]`);
        for await (const event of await ask(model, messages, { stream: true })) seen.push(event.type);
      }, Anthropic.APIError);
      assert.ok(seen.includes('content_block_delta') && !seen.includes('message_delta'));
    });
  }

  test(`${model}: a stream that is left`, async () => {
    const before = await idle();
    let seen = 0;
    const messages = user('go on [sim:tokens=900,gap_ms=20]');
    for await (const _ of await ask(model, messages, { stream: true })) if ((seen += 1) === 5) break;
    assert.equal(await hangUps(before), 1);
  });
}

for (const model of COUNTING) {
  test(`${model} counts tokens`, async () => {
    const counted = await client.messages.countTokens({ model, messages: user('one two three') });
    assert.equal(counted.input_tokens, 3);
  });
}

for (const model of THINKERS) {
  for (const run of [ask, streamed]) {
    test(`${model} keeps its thinking, ${run === ask ? 'whole' : 'streamed'}`, async () => {
      const more = { tools, thinking: { type: 'enabled', budget_tokens: 2048, display: 'summarized' } };
      const question = user('The weather? [sim:thoughts]');
      const called = await run(model, question, more);
      assert.ok(called.content.some((block) => block.type === 'thinking' && block.thinking));
      const answer = await run(model, then(question, called), more);
      assert.equal(text(answer), 'The tool says: result-0\nthoughts: 1');
    });
  }
}

test('models are listed', async () => {
  const ids = [];
  for await (const model of client.models.list()) ids.push(model.id);
  assert.ok(ids.includes('claude-sonnet-4-5'));
});
