// Tool calls: offered, called, streamed, in parallel, and answered.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { zodFunction } from 'openai/helpers/zod';
import { z } from 'zod';
import { read } from './reading.mjs';
import { CHAT, client, user } from './upstreams.mjs';

const Weather = z.object({ city: z.string(), unit: z.enum(['celsius', 'fahrenheit']) });
const WEATHER = zodFunction({ name: 'get_weather', description: 'The weather in a city.', parameters: Weather });
const TIME = {
  type: 'function',
  function: {
    name: 'get_time',
    parameters: { type: 'object', properties: { zone: { type: 'string' } }, required: ['zone'] },
  },
};
const QUESTION = user('What is the weather in Paris?');
const BOTH = user('The weather and the time in Paris? [parallel]');

for (const model of CHAT) {
  test(`${model} calls a tool`, async () => {
    const options = { model, messages: QUESTION, tools: [WEATHER] };
    const { finish_reason, message } = (await client.chat.completions.create(options)).choices[0];
    assert.equal(finish_reason, 'tool_calls');
    assert.equal(message.tool_calls.length, 1);
    const [call] = message.tool_calls;
    assert.ok(call.id);
    assert.equal(call.type, 'function');
    assert.equal(call.function.name, 'get_weather');
    const given = Weather.parse(JSON.parse(call.function.arguments));

    const streamed = await read(await client.chat.completions.create({ ...options, stream: true }));
    assert.equal(streamed.finish, 'tool_calls');
    assert.equal(streamed.calls.length, 1);
    assert.equal(streamed.calls[0].name, 'get_weather');
    assert.deepEqual(JSON.parse(streamed.calls[0].arguments), given);
  });

  test(`${model} calls in parallel and answers with the results`, async () => {
    const tools = [WEATHER, TIME];
    const options = { model, messages: BOTH, tools };
    const { message } = (await client.chat.completions.create(options)).choices[0];
    assert.equal(new Set(message.tool_calls.map((call) => call.id)).size, 2);

    const streamed = await read(await client.chat.completions.create({ ...options, stream: true }));
    assert.deepEqual(
      streamed.calls.map((call) => [call.name, JSON.parse(call.arguments)]),
      message.tool_calls.map((call) => [call.function.name, JSON.parse(call.function.arguments)]),
    );

    const results = message.tool_calls.map((call, number) => ({
      role: 'tool',
      tool_call_id: call.id,
      content: `result-${number}: 21 degrees`,
    }));
    const messages = [...BOTH, message, ...results];
    const final = (await client.chat.completions.create({ model, messages, tools })).choices[0];
    assert.equal(final.finish_reason, 'stop');
    assert.match(final.message.content, /result-0/);
    assert.match(final.message.content, /result-1/);
  });

  test(`${model} runs tools by the SDK's own loop`, async () => {
    const asked = [];
    const runner = client.chat.completions.runTools({
      model,
      messages: QUESTION,
      tools: [
        {
          type: 'function',
          function: {
            name: 'get_weather',
            parse: JSON.parse,
            parameters: WEATHER.function.parameters,
            function: (given) => {
              asked.push(Weather.parse(given));
              return '21 degrees';
            },
          },
        },
      ],
    });
    assert.match(await runner.finalContent(), /21 degrees/);
    assert.equal(asked.length, 1);
  });

  test(`${model} follows tool_choice`, async () => {
    const options = { model, messages: QUESTION, tools: [WEATHER, TIME] };
    const none = await client.chat.completions.create({ ...options, tool_choice: 'none' });
    assert.equal(none.choices[0].finish_reason, 'stop');
    assert.ok(!none.choices[0].message.tool_calls?.length);
    const named = { type: 'function', function: { name: 'get_time' } };
    const chosen = await client.chat.completions.create({ ...options, tool_choice: named });
    assert.equal(chosen.choices[0].message.tool_calls[0].function.name, 'get_time');
  });
}
