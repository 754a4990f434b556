#!/usr/bin/env python3
"""Asks the gateway for up to three times what its provider can do, with `adaptive` and without, and prints
as CSV what its clients see; shed_graph.py draws it.

The provider is the simulator, which works at so many streams at once and keeps the others in line. Clients
come at random (Poisson) and do not wait for each other; 10 % have a key of high priority, 30 % of normal
and 60 % of low. Who sees no byte for as long as its patience lasts goes away, and does not come back. The
load rises step by step, with no pause between the steps; the first seconds of each are not counted. After the
last it goes on for a while, so that nobody is served because nobody else comes any more.
"""

import argparse
import asyncio
import csv
import dataclasses
import gc
import json
import random
import statistics
import sys

from bench import OUT, Behind, gateway
from load import say
from servers import Failed, Server, built, stop_all, stop_all_on_signals

SHARES = {"high": 0.1, "normal": 0.3, "low": 0.6}
LAYERS = {"without": False, "with": True}
COLUMNS = (
    "layer offered_per_s priority asked served refused gave_up goodput_per_s first_byte_p50_s first_byte_p99_s"
).split()
# Longer than any answer that has begun.
BROKEN_S = 30
# Beyond this a step is done again: the machine was too slow to ask at the times that were meant.
LATE_S = 0.05
ATTEMPTS = 3


def main() -> int:
    options = parse()
    stop_all_on_signals()
    OUT.mkdir(parents=True, exist_ok=True)
    table = csv.DictWriter(sys.stdout, COLUMNS)
    table.writeheader()
    capacity = None
    try:
        for layer, adaptive in LAYERS.items():
            simulator = Server("shed-simulator", simulate(options), OUT)
            server = Server(f"shed-{layer}", serve(options, simulator, layer, adaptive), OUT)
            if capacity is None:
                capacity = options.slots / asyncio.run(usual_time(server, options))
                say(f"{options.slots} slots are {capacity:.1f} answers a second")
            for row in asyncio.run(ramp(options, layer, capacity, server, simulator)):
                table.writerow(row)
            sys.stdout.flush()
            stop_all()
        return 0
    except Failed as failure:
        say(f"shed: {failure}")
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        stop_all()


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slots", type=int, default=40, help="streams that the provider works at (default 40)")
    parser.add_argument("--patience", type=float, default=3, help="seconds a client waits for a byte (default 3)")
    parser.add_argument("--settle", type=float, default=6, help="seconds of a step before it counts (default 6)")
    parser.add_argument("--seconds", type=float, default=10, help="seconds of a step that count (default 10)")
    loads = [0.25, 0.5, 0.75, 1, 1.25, 1.5, 2, 3]
    parser.add_argument("--loads", type=float, nargs="+", default=loads, help="parts of what the provider can do")
    parser.add_argument("--tollway", default=built("tollway", "debug"), help="the gateway's binary")
    return parser.parse_args()


def simulate(options) -> list:
    return [options.tollway, "simulate", "--port", "0", "--slots", options.slots, "--keep", "0"]


def serve(options, simulator: Server, layer: str, adaptive: bool) -> list:
    provider = {"api_key": "sk-shed", "base_url": f"{simulator.url}/v1", "adaptive": adaptive}
    keys = {priority: {"token": token(priority), "priority": priority} for priority in SHARES}
    return gateway(options, "per-core", Behind(simulator), f"shed-{layer}", providers={"openai": provider}, keys=keys)


def token(priority: str) -> str:
    """A key that looks as those look that are made."""
    return "tw-" + priority.ljust(43, "x")


@dataclasses.dataclass
class Fate:
    """What became of a request."""

    priority: str
    asked_at: float
    # `served`, `refused` or `gave_up`, once it is known.
    outcome: str = ""
    first_byte_s: float = 0
    ended_at: float = 0


async def usual_time(server: Server, options) -> float:
    """How long an answer takes on average while there is room for all."""
    loop = asyncio.get_running_loop()
    bodies, times = requests(), {}

    async def client(turns) -> None:
        for turn in turns:
            fate = Fate("normal", loop.time())
            await ask(server, bodies[turn % len(bodies)], fate, BROKEN_S)
            if fate.outcome != "served":
                raise Failed(f"a first request was {fate.outcome}")
            times[turn] = fate.ended_at - fate.asked_at

    turns = iter(range(2 * len(bodies)))
    await asyncio.gather(*(client(turns) for _ in range(max(1, options.slots // 2))))
    # Of the second time each was asked: by then all is warm.
    return statistics.mean(time for turn, time in times.items() if turn >= len(bodies))


async def ramp(options, layer: str, capacity: float, server: Server, simulator: Server) -> list[dict]:
    crowd, spans = Crowd(server, options.patience), {}
    # A collection in the midst of it would make all clients late; there is memory enough for some minutes.
    gc.collect()
    gc.disable()
    for load in options.loads:
        seconds = options.settle + options.seconds + (options.patience if load == options.loads[-1] else 0)
        for attempt in range(1, ATTEMPTS + 1):
            before = [process.cpu_ns() for process in (server, simulator)]
            began, late = await crowd.come(load, load * capacity, seconds)
            used = [process.cpu_ns() - cpu for process, cpu in zip((server, simulator), before)]
            gateway_cores, simulator_cores = (cpu / seconds / 1e9 for cpu in used)
            say(
                f"  {layer:8} {load:.2f}× {load * capacity:6.1f}/s  cores: gateway {gateway_cores:.2f}, "
                f"simulator {simulator_cores:.2f}; asked late by {late * 1000:.0f} ms (p99)"
            )
            if late <= LATE_S:
                break
            say("  the machine was too slow" + (": once more" if attempt < ATTEMPTS else ""))
        spans[load] = (began + options.settle, began + options.settle + options.seconds)
    fates = await crowd.gone()
    return [
        {
            "layer": layer,
            "offered_per_s": f"{load * capacity:.2f}",
            "priority": priority,
            **report([fate for fate in fates if fate.priority == priority], span),
        }
        for load, span in spans.items()
        for priority in SHARES
    ]


class Crowd:
    """Clients that come whether or not those before them were served."""

    def __init__(self, server: Server, patience_s: float):
        self.server, self.patience_s = server, patience_s
        self.bodies = requests()
        self.fates, self.asking, self.broken = [], set(), []

    async def come(self, load: float, offered_per_s: float, seconds: float) -> tuple[float, float]:
        """Says when it began, and by how much some came later than they were meant to (p99)."""
        # The same requests at the same times for each layer.
        chance = random.Random(load)
        loop = asyncio.get_running_loop()
        began = at = loop.time()
        lateness = []
        while at < began + seconds:
            await asyncio.sleep(at - loop.time())
            if self.broken:
                raise self.broken[0]
            lateness.append(loop.time() - at)
            priority = chance.choices(list(SHARES), list(SHARES.values()))[0]
            fate = Fate(priority, asked_at=at)
            self.fates.append(fate)
            task = asyncio.create_task(ask(self.server, chance.choice(self.bodies), fate, self.patience_s))
            self.asking.add(task)
            task.add_done_callback(self._went)
            at += chance.expovariate(offered_per_s)
        return began, quantile(lateness, 99)

    async def gone(self) -> list[Fate]:
        """Waits until the last is served or has given up."""
        await asyncio.gather(*self.asking)
        return self.fates

    def _went(self, task: asyncio.Task) -> None:
        self.asking.discard(task)
        if not task.cancelled() and task.exception():
            self.broken.append(task.exception())


def requests() -> list[bytes]:
    """Answers of 0.4 to 0.8 s, of which the first byte comes after 0.07 to 0.13 s: some of each length."""
    shapes = [(first_ms, tokens) for first_ms in (67, 83, 100, 117, 133) for tokens in range(4, 13)]
    return [
        json.dumps(
            {
                "model": "openai/gpt-4.1",
                "messages": [
                    {
                        "role": "user",
                        "content": f"How are you? [sim:first_ms={first_ms},gap_ms=40,tokens={tokens}]",
                    }
                ],
                "stream": True,
            }
        ).encode()
        for first_ms, tokens in shapes
    ]


async def ask(server: Server, body: bytes, fate: Fate, patience_s: float) -> None:
    """Asks on a connection of its own, as a client does that has only so much patience."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    writer = None

    async def first() -> tuple[int, bytes, asyncio.StreamReader]:
        nonlocal writer
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n"
            f"authorization: Bearer {token(fate.priority)}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body
        )
        head = await reader.readuntil(b"\r\n\r\n")
        return int(head.split(b" ", 2)[1]), await reader.read(65536), reader

    try:
        status, start, reader = await asyncio.wait_for(first(), patience_s)
        fate.first_byte_s = loop.time() - began
        answer = start + await asyncio.wait_for(reader.read(), BROKEN_S)
        fate.ended_at = loop.time()
    except asyncio.TimeoutError:
        if fate.first_byte_s:
            raise Failed("a stream does not end") from None
        fate.outcome = "gave_up"
        return
    finally:
        if writer:
            writer.transport.abort()
    if status == 200 and b"data: [DONE]" in answer:
        fate.outcome = "served"
    elif status in (429, 503):
        fate.outcome = "refused"
    else:
        raise Failed(f"an answer is neither whole nor a refusal: {status} {answer[-500:]!r}\n{server.tail()}")


def report(fates: list[Fate], span: tuple[float, float]) -> dict:
    """Counts those who asked within the span, and as goodput the answers that ended within it."""
    within = lambda at: span[0] <= at < span[1]
    asked = [fate for fate in fates if within(fate.asked_at)]
    count = {name: sum(fate.outcome == name for fate in asked) for name in ("served", "refused", "gave_up")}
    ended = sum(fate.outcome == "served" and within(fate.ended_at) for fate in fates)
    times = [fate.first_byte_s for fate in asked if fate.outcome == "served"]
    return {
        "asked": len(asked),
        **count,
        "goodput_per_s": f"{ended / (span[1] - span[0]):.2f}",
        **{f"first_byte_p{percent}_s": f"{quantile(times, percent):.3f}" if times else "" for percent in (50, 99)},
    }


def quantile(values: list[float], percent: int) -> float:
    return sorted(values)[(len(values) - 1) * percent // 100]


if __name__ == "__main__":
    sys.exit(main())
