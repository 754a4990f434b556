// Time-outs and hang-ups: the client stops waiting, and the provider stops working.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import { atWork, hangUps, idle } from './simulator.mjs';
import { CHAT, client, user } from './upstreams.mjs';

const slow = (model) => ({ model, messages: user('take your time [sim:latency_ms=10000]') });
const long = (model) => ({ model, messages: user('go on [sim:tokens=2000] [sim:gap_ms=20]'), stream: true });

for (const model of CHAT) {
  test(`${model}: a time-out`, async () => {
    const before = await idle();
    const request = client.chat.completions.create(slow(model), { timeout: 500 });
    await assert.rejects(request, OpenAI.APIConnectionTimeoutError);
    assert.equal(await hangUps(before), 1);
  });

  test(`${model}: an abort before the answer`, async () => {
    const before = await idle();
    const controller = new AbortController();
    const request = client.chat.completions.create(slow(model), { signal: controller.signal });
    const failed = assert.rejects(request, OpenAI.APIUserAbortError);
    await atWork(before);
    controller.abort();
    await failed;
    assert.equal(await hangUps(before), 1);
  });

  test(`${model}: a stream that is left`, async () => {
    const before = await idle();
    let seen = 0;
    for await (const _ of await client.chat.completions.create(long(model))) {
      seen += 1;
      if (seen === 5) break;
    }
    assert.equal(await hangUps(before), 1);
  });
}
