#!/usr/bin/env python3
"""Runs many translated streams through the gateway and prints what memory it holds as they go by."""

import argparse
import asyncio
import sys

from bench import OUT, Behind, gateway
from cases import CASES
from load import say
from servers import Server, built, stop_all, stop_all_on_signals

AT_ONCE = 64
STEPS = 10


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=10_000)
    parser.add_argument("--tollway", default=built("tollway"))
    options = parser.parse_args()
    stop_all_on_signals()
    OUT.mkdir(parents=True, exist_ok=True)
    try:
        simulator = Server("simulator", [options.tollway, "simulate", "--port", "0"], OUT)
        server = Server("gateway-per-core", gateway(options, "per-core", Behind(simulator)), OUT)
        names = ["stream → Anthropic", "stream, messages → OpenAI", "stream, responses → Gemini"]
        cases = [case for case in CASES if case.name in names]
        say(f"idle: {server.memory_kib('VmRSS') / 1024:.1f} MiB")
        held = []
        for step in range(1, STEPS + 1):
            asyncio.run(run(server, cases, options.streams // STEPS))
            held.append(server.memory_kib("VmRSS") / 1024)
            print(f"after {step * options.streams // STEPS:>6} streams: {held[-1]:.1f} MiB", flush=True)
        # The first tenth fills pools and buffers; what grows after it would grow for ever.
        growth = held[-1] - held[0]
        print(f"growth after the first tenth: {growth:+.1f} MiB")
        return 0 if growth < 8 else 1
    finally:
        stop_all()


async def run(server: Server, cases: list, count: int) -> None:
    turns = iter(range(count))

    async def client() -> None:
        for turn in turns:
            await stream(server, cases[turn % len(cases)])

    await asyncio.gather(*(client() for _ in range(AT_ONCE)))


async def stream(server: Server, case) -> None:
    reader, writer = await asyncio.open_connection(server.host, server.port)
    body = case.body()
    head = "".join(f"{name}: {value}\r\n" for name, value in case.headers.items())
    writer.write(
        f"POST {case.path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{head}content-length: {len(body)}\r\n\r\n".encode()
        + body
    )
    answer = await reader.read()
    writer.close()
    if not answer.startswith(b"HTTP/1.1 200") or case.last not in answer:
        raise SystemExit(f"{case.name}: {answer[:300]!r} … {answer[-300:]!r}")


if __name__ == "__main__":
    sys.exit(main())
