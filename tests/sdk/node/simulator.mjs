// The simulated providers, asked from outside what they saw.
import { setTimeout as sleep } from 'node:timers/promises';

export async function stats() {
  const answer = await fetch(`${process.env.SIM_URL}/sim/stats`);
  return answer.json();
}

/** Waits until a request was cancelled at the provider; returns how many were since `before`. */
export async function cancelledSince(before, limit = 5_000) {
  const deadline = performance.now() + limit;
  for (;;) {
    const count = (await stats()).cancelled - before.cancelled;
    if (count > 0 || performance.now() > deadline) return count;
    await sleep(20);
  }
}
