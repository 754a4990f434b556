"""The simulated providers, asked from outside what they saw."""

import asyncio
import json
import os
import time
import urllib.request


def stats() -> dict:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{os.environ['SIM_URL']}/sim/stats", timeout=5) as answer:
        return json.load(answer)


async def cancelled_since(before: dict, limit: float = 5) -> int:
    """Waits until a request was cancelled at the provider; returns how many were since `before`."""
    deadline = time.monotonic() + limit
    while True:
        count = (await asyncio.to_thread(stats))["cancelled"] - before["cancelled"]
        if count > 0 or time.monotonic() > deadline:
            return count
        await asyncio.sleep(0.02)
