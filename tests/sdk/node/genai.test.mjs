// Google's SDK against every format.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError, FunctionCallingConfigMode, GoogleGenAI } from '@google/genai';
import { COUNTING, EMBEDDING, FORMATS, ROOT, THINKERS } from './upstreams.mjs';

const { models, chats } = new GoogleGenAI({
  apiKey: 'any',
  httpOptions: { baseUrl: ROOT, timeout: 20_000, retryOptions: { attempts: 1 } },
});
const object = (name) => ({ type: 'object', properties: { [name]: { type: 'string' } }, required: [name] });
const tools = [
  {
    functionDeclarations: [
      { name: 'get_weather', description: 'The weather.', parametersJsonSchema: object('city') },
      { name: 'get_time', parametersJsonSchema: object('zone') },
    ],
  },
];

const ask = async (body) => (await models.generateContent(body)).candidates[0].content;
const streamed = async (body) => {
  const parts = [];
  for await (const chunk of await models.generateContentStream(body)) {
    parts.push(...(chunk.candidates[0].content?.parts ?? []));
  }
  return { role: 'model', parts };
};
const text = ({ parts }) => parts.filter((part) => part.text && !part.thought).map((part) => part.text).join('');
const calls = ({ parts }) => parts.filter((part) => part.functionCall).map((part) => part.functionCall);
const user = (text) => [{ role: 'user', parts: [{ text }] }];
const then = (contents, called) => [
  ...contents,
  called,
  {
    role: 'user',
    parts: calls(called).map(({ id, name }, i) => ({
      functionResponse: { ...(id ? { id } : {}), name, response: { result: `result-${i}` } },
    })),
  },
];

// Results are objects at Gemini, which are their JSON where results are text.
const told = (answer, results, more = '') => {
  const said = [results, results.map((result) => JSON.stringify({ result }))];
  assert.ok(said.some((said) => text(answer) === `The tool says: ${said.join('; ')}${more}`), text(answer));
};

for (const model of FORMATS) {
  test(`${model} generates`, async () => {
    const answer = await models.generateContent({ model, contents: 'Why is the sky blue?' });
    assert.equal(answer.text, 'Why is the sky blue?');
    assert.equal(answer.candidates[0].finishReason, 'STOP');
    assert.equal(answer.usageMetadata.promptTokenCount, 5);
  });

  test(`${model} streams what it generates`, async () => {
    const contents = 'one [sim:split_unicode]';
    assert.equal(text(await streamed({ model, contents })), 'one naïve 日本語 🚀🇨🇭 né');
  });

  test(`${model} chats`, async () => {
    const chat = chats.create({ model, config: { systemInstruction: 'Be brief.' } });
    assert.equal((await chat.sendMessage({ message: 'Hello' })).text, 'Hello');
    const told = await chat.sendMessage({ message: 'and now? [sim:system,turns]' });
    assert.equal(told.text, 'system: Be brief.\nturns: user: Hello | assistant: Hello | user: and now?');
  });

  for (const run of [ask, streamed]) {
    test(`${model} calls functions, ${run === ask ? 'whole' : 'streamed'}`, async () => {
      const contents = user('The weather and the time? [parallel]');
      const called = await run({ model, contents, config: { tools } });
      assert.deepEqual(calls(called).map(({ name }) => name), ['get_weather', 'get_time']);
      const answer = await run({ model, contents: then(contents, called), config: { tools } });
      told(answer, ['result-0', 'result-1']);
    });
  }

  test(`${model} calls the function it must`, async () => {
    const functionCallingConfig = { mode: FunctionCallingConfigMode.ANY, allowedFunctionNames: ['get_time'] };
    const config = { tools, toolConfig: { functionCallingConfig } };
    assert.equal(calls(await ask({ model, contents: user('go'), config }))[0].name, 'get_time');
  });

  test(`${model} generates what a schema asks`, async () => {
    const config = { responseMimeType: 'application/json', responseJsonSchema: object('name') };
    const answer = await models.generateContent({ model, contents: 'Alice', config });
    assert.equal(typeof JSON.parse(answer.text).name, 'string');
  });

  for (const status of [400, 401, 404, 429, 500]) {
    test(`${model} fails to generate with ${status}`, async () => {
      await assert.rejects(models.generateContent({ model, contents: `hello [sim:status=${status}]` }), (error) => {
        assert.ok(error instanceof ApiError, `${error.constructor.name}: ${error.message}`);
        assert.equal(error.status, status);
        return true;
      });
    });
  }

  test(`${model}: generation that breaks never looks complete`, async () => {
    const finishes = [];
    await assert.rejects(async () => {
      const contents = 'hello [sim:tokens=50,error_event]';
      for await (const chunk of await models.generateContentStream({ model, contents })) {
        finishes.push(chunk.candidates?.[0].finishReason);
      }
    });
    assert.ok(finishes.length > 0 && !finishes.some(Boolean));
  });
}

for (const model of COUNTING) {
  test(`${model} counts the tokens of contents`, async () => {
    assert.equal((await models.countTokens({ model, contents: 'one two three' })).totalTokens, 3);
  });
}

for (const model of THINKERS) {
  for (const run of [ask, streamed]) {
    test(`${model} keeps its thoughts, ${run === ask ? 'whole' : 'streamed'}`, async () => {
      const config = { tools, thinkingConfig: { includeThoughts: true, thinkingLevel: 'LOW' } };
      const contents = user('The weather? [sim:thoughts]');
      const called = await run({ model, contents, config });
      assert.ok(called.parts.some((part) => part.thought && part.text));
      const answer = await run({ model, contents: then(contents, called), config });
      told(answer, ['result-0'], '\nthoughts: 1');
    });
  }
}

for (const model of EMBEDDING) {
  test(`${model} embeds`, async () => {
    const { embeddings } = await models.embedContent({ model, contents: ['hello', 'there'] });
    assert.equal(embeddings.length, 2);
    assert.notDeepEqual(embeddings[0].values, embeddings[1].values);
  });
}
