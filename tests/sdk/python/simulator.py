"""The simulated providers, asked from outside what they saw."""

import asyncio
import json
import os
import urllib.request

# Far more than a hang-up takes; a hang-up that is not passed on fails the test after it.
LIMIT_S = 5
# Answers on their way when nobody asks for any.
IDLE = 0


def stats() -> dict:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{os.environ['SIM_URL']}/sim/stats", timeout=5) as answer:
        return json.load(answer)


async def idle() -> dict:
    """Waits until no provider has work left from an earlier test; returns what they counted."""
    return await until(lambda found: found["in_flight"] == IDLE)


async def at_work(before: dict) -> None:
    """Waits until a request since `before` has reached its provider."""
    await until(lambda found: found["requests"] > before["requests"])


async def hang_ups(before: dict) -> int:
    """Waits until the providers are idle; returns how many answers were given up since `before`."""
    after = await until(lambda found: found["in_flight"] == IDLE)
    return after["client_went_away"] - before["client_went_away"]


async def until(holds) -> dict:
    async with asyncio.timeout(LIMIT_S):
        while not holds(found := await asyncio.to_thread(stats)):
            await asyncio.sleep(0.02)
    return found
