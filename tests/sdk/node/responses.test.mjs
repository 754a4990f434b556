// OpenAI's SDK with Responses, against every format.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import { zodTextFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import { hangUps, idle } from './simulator.mjs';
import { client, FORMATS, THINKERS, user } from './upstreams.mjs';

const object = (name) => ({
  type: 'object', properties: { [name]: { type: 'string' } }, required: [name], additionalProperties: false,
});
const tools = [
  { type: 'function', name: 'get_weather', description: 'The weather.', strict: true, parameters: object('city') },
  { type: 'function', name: 'get_time', strict: true, parameters: object('zone') },
];
const Person = z.object({ name: z.string(), age: z.number().int() });

const ask = (body) => client.responses.create(body);
const streamed = (body) => client.responses.stream(body).finalResponse();
const calls = (answer) => answer.output.filter((item) => item.type === 'function_call');
const then = (input, called) => [
  ...input,
  // What the SDK has read of a call is no part of what the API takes.
  ...called.output.map(({ parsed_arguments, ...item }) => item),
  ...calls(called).map(({ call_id }, i) => ({ type: 'function_call_output', call_id, output: `result-${i}` })),
];

for (const model of FORMATS) {
  test(`${model} responds`, async () => {
    const answer = await ask({ model, input: 'Why is the sky blue?' });
    assert.deepEqual([answer.object, answer.status, answer.output_text], ['response', 'completed', 'Why is the sky blue?']);
    assert.match(answer.id, /^resp_/);
    assert.equal(answer.usage.input_tokens, 5);
  });

  test(`${model} streams a response`, async () => {
    let deltas = '';
    let number = 0;
    const stream = client.responses.stream({ model, input: 'one [sim:split_unicode]' });
    for await (const event of stream) {
      assert.equal(event.sequence_number, number++);
      if (event.type === 'response.output_text.delta') deltas += event.delta;
    }
    assert.equal(deltas, 'one naïve 日本語 🚀🇨🇭 né');
    assert.equal((await stream.finalResponse()).output_text, deltas);
  });

  for (const run of [ask, streamed]) {
    test(`${model} calls tools in a response, ${run === ask ? 'whole' : 'streamed'}`, async () => {
      const input = user('The weather and the time? [parallel]');
      const called = await run({ model, input, tools, store: false });
      assert.deepEqual(calls(called).map(({ name }) => name), ['get_weather', 'get_time']);
      const answer = await run({ model, input: then(input, called), tools, store: false });
      assert.equal(answer.output_text, 'The tool says: result-0; result-1');
    });
  }

  test(`${model} gives what a Zod schema asks in a response`, async () => {
    const answer = await client.responses.parse({
      model, input: 'Alice', text: { format: zodTextFormat(Person, 'person') },
    });
    Person.parse(answer.output_parsed);
  });

  for (const [status, expected] of [
    [401, OpenAI.AuthenticationError],
    [404, OpenAI.NotFoundError],
    [429, OpenAI.RateLimitError],
    [529, OpenAI.InternalServerError],
  ]) {
    test(`${model} fails a response with ${status}`, async () => {
      await assert.rejects(ask({ model, input: `hello [sim:status=${status}]` }), expected);
    });
  }

  for (const kind of ['cut', 'error_event']) {
    test(`${model}: a response that breaks (${kind}) never looks complete`, async () => {
      const seen = [];
      await assert.rejects(async () => {
        for await (const event of await ask({ model, input: `hello [sim:tokens=50,${kind}]`, stream: true })) {
          seen.push(event.type);
          if (event.type === 'error' || event.type === 'response.failed') throw new Error(event.type);
        }
      });
      assert.ok(seen.includes('response.output_text.delta') && !seen.includes('response.completed'));
    });
  }

  test(`${model}: a response that is left`, async () => {
    const before = await idle();
    let seen = 0;
    const stream = await ask({ model, input: 'go on [sim:tokens=900,gap_ms=20]', stream: true });
    for await (const _ of stream) if ((seen += 1) === 8) break;
    assert.equal(await hangUps(before), 1);
  });
}

for (const model of THINKERS) {
  for (const run of [ask, streamed]) {
    test(`${model} keeps its thinking in responses, ${run === ask ? 'whole' : 'streamed'}`, async () => {
      const more = {
        model, tools, store: false, include: ['reasoning.encrypted_content'],
        reasoning: { effort: 'low', summary: 'auto' },
      };
      const input = user('The weather? [sim:thoughts]');
      const called = await run({ input, ...more });
      assert.ok(called.output.some((item) => item.type === 'reasoning'));
      const answer = await run({ input: then(input, called), ...more });
      assert.equal(answer.output_text, 'The tool says: result-0\nthoughts: 1');
    });
  }
}
