// The simulated providers, asked from outside what they saw.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

// Far more than a hang-up takes; a hang-up that is not passed on fails the test after it.
const LIMIT_MS = 5_000;
// Answers on their way when nobody asks for any.
const IDLE = 0;

/** Waits until no provider has work left from an earlier test; returns what they counted. */
export const idle = () => until((found) => found.in_flight === IDLE);

/** Waits until a request since `before` has reached its provider. */
export const atWork = (before) => until((found) => found.requests > before.requests);

/** Waits until the providers are idle; returns how many answers were given up since `before`. */
export async function hangUps(before) {
  return (await idle()).client_went_away - before.client_went_away;
}

async function until(holds) {
  const deadline = performance.now() + LIMIT_MS;
  for (;;) {
    const found = await (await fetch(`${process.env.SIM_URL}/sim/stats`)).json();
    if (holds(found)) return found;
    assert.ok(performance.now() < deadline, `still waiting: ${JSON.stringify(found)}`);
    await sleep(20);
  }
}
