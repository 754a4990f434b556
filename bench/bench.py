#!/usr/bin/env python3
"""Measures the gateway against a bare pass-through, in one go and interleaved, and prints a table.

Every round starts all servers anew and runs each case against each of them in turn, so that what else
the machine does meanwhile falls on all alike. Ratios are taken within a round, to the pass-through of
the same runtime layout. All traffic stays on the loopback interface.
"""

import argparse
import dataclasses
import json
import pathlib
import statistics
import sys
import time

from cases import CASES, SIZES, TOKEN, Case, named
from load import measure, say
from report import report
from servers import Failed, Redis, Server, built, send, stop_all, stop_all_on_signals

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUT = ROOT / ".setup" / "bench"
LAYOUTS = ["shared", "per-core"]


def main() -> int:
    options = parse()
    stop_all_on_signals()
    OUT.mkdir(parents=True, exist_ok=True)
    known = SIZES if options.sizes else CASES
    wanted = {case.name for part in options.case or [""] for case in named(known, part)}
    cases = [case for case in known if case.name in wanted]
    if not cases:
        say(f"no such case; there are: {', '.join(case.name for case in known)}")
        return 2
    try:
        rounds = []
        for number in range(options.rounds):
            say(f"round {number + 1} of {options.rounds}")
            rounds.append(run_round(options, cases, number))
        result = {"options": vars(options) | {"cases": len(cases)}, "rounds": rounds}
        result["start_ms"] = start_up(options)
    except Failed as failure:
        say(f"bench: {failure}")
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        stop_all()
    path = OUT / f"{time.strftime('%Y%m%d-%H%M%S')}.json"
    path.write_text(json.dumps(result, indent=1, default=str))
    print(report(result))
    say(f"all figures: {path.relative_to(ROOT)}")
    return 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, help="rounds (default 3)")
    parser.add_argument("--seconds", type=float, help="measured time of each run (default 3)")
    parser.add_argument("--starts", type=int, help="starts for the start-up time (default 20)")
    parser.add_argument("--case", action="append", help="only the case of this name, or those whose names hold it; may be repeated")
    parser.add_argument("--sizes", action="store_true", help="requests of 10 KB to 10 MB in place of the usual ones")
    parser.add_argument("--quick", action="store_true", help="one short round, to see that it works")
    parser.add_argument("--tollway", default=built("tollway"), help="the gateway's binary")
    parser.add_argument("--passthrough", default=built("tollway-passthrough"))
    parser.add_argument("--oha", default=ROOT / ".setup/bin/oha")
    options = parser.parse_args()
    defaults = {"rounds": 1, "seconds": 0.5, "starts": 3} if options.quick else {"rounds": 3, "seconds": 3, "starts": 20}
    for name, value in defaults.items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    return options


def run_round(options, cases: list[Case], number: int) -> dict:
    simulator = Server("simulator", [options.tollway, "simulate", "--port", "0"], OUT)
    redis = Redis(ROOT, OUT) if any(case.guard in BY_REDIS for case in cases) else None
    kinds = [kind for kind in KINDS if redis or kind not in BY_REDIS]
    behind = Behind(simulator, redis)
    servers = {(kind, layout): start(options, kind, layout, behind) for layout in LAYOUTS for kind in kinds}
    time.sleep(0.3)
    memory = {key: {"idle": server.memory_kib("VmRSS")} for key, server in servers.items()}

    figures = []
    warm = min(1, options.seconds / 3)
    # Turned around every other round, so that nobody always runs on a machine that another has warmed.
    order = list(servers.items())[:: -1 if number % 2 else 1]
    for case in cases:
        for (kind, layout), server in order:
            if (kind == "pass-through" and case.like) or (kind if kind in GUARDS else "") != case.guard:
                continue
            found = measure(options.oha, server, case, warm, options.seconds)
            figures.append({"case": case.name, "kind": kind, "layout": layout, **found})
            say(f"  {case.name:40} {server.name:24} {found['cpu_us']:8.1f} µs  {found['per_second']:8.0f}/s")
    for case in cases:
        if not case.like and not case.http2_streams:
            found = measure(options.oha, simulator, direct(case), warm, options.seconds / 3)
            figures.append({"case": case.name, "kind": "simulator", "layout": "direct", **found})

    for key, server in servers.items():
        memory[key] |= {"peak": server.memory_kib("VmHWM")}
    ping_us = redis.ping_us() if redis else None
    for server in [*servers.values(), simulator, *([redis] if redis else [])]:
        server.stop()
    # The guarded ones are there for their own cases.
    memory = {key: found for key, found in memory.items() if key[0] not in GUARDS}
    return {
        "figures": figures,
        "ping_us": ping_us,
        "memory": [{"kind": kind, "layout": layout, **found} for (kind, layout), found in memory.items()],
    }


def start_up(options) -> list[dict]:
    """Time from the fork to the first successful answer, of many starts."""
    simulator = Server("simulator", [options.tollway, "simulate", "--port", "0"], OUT)
    case = CASES[0]
    found = []
    for layout in LAYOUTS:
        for kind in ("pass-through", "gateway"):
            times = []
            for _ in range(options.starts):
                server = start(options, kind, layout, Behind(simulator))
                status, answer = send(server, case.path, case.body(), case.headers)
                times.append((time.perf_counter() - server.started) * 1000)
                server.stop()
                if status != 200:
                    raise Failed(f"{server.name}: {status} {answer[:500]!r}")
            found.append(
                {"kind": kind, "layout": layout, "median": statistics.median(times), "max": max(times)}
            )
    simulator.stop()
    return found


@dataclasses.dataclass(frozen=True)
class Behind:
    """What stands behind the servers under test."""

    simulator: Server
    redis: Redis | None = None


def start(options, kind: str, layout: str, behind: Behind) -> Server:
    return Server(f"{kind}-{layout}", KINDS[kind](options, layout, behind), OUT)


def passthrough(options, layout: str, behind: Behind) -> list:
    upstream = f"{behind.simulator.host}:{behind.simulator.port}"
    return [options.passthrough, "--upstream", upstream, "--workers", layout]


def gateway(options, layout: str, behind: Behind, name: str = "gateway", **more) -> list:
    # What is recorded is measured where it is said to be.
    more = {"usage": {"enabled": False}, **more}
    provider = lambda path: {"api_key": "sk-bench", "base_url": behind.simulator.url + path}
    # JSON is YAML too.
    config = OUT / f"{name}-{layout}.yaml"
    config.write_text(
        json.dumps(
            {
                "server": {"listen": "127.0.0.1:0", "workers": layout.replace("-", "_")},
                "providers": {"openai": provider("/v1"), "anthropic": provider(""), "gemini": provider("/v1beta")},
                **more,
            }
        )
    )
    return [options.tollway, "serve", "--config", config]


def guarded(options, layout: str, behind: Behind, name: str = "guarded", shared: dict | None = None, **sections) -> list:
    """A gateway that asks for a key and keeps ten limits, none of which is reached."""
    much = 10**12
    limits = {
        "requests": {"requests": much, "per": "key"},
        "burst": {"requests": 10**6, "window": "1s", "burst": 10**8, "per": "key"},
        "tokens": {"tokens": much, "per": "key"},
        "day": {"tokens": much, "window": "24h", "per": "team"},
        "input": {"input_tokens": much, "per": ["key", "model"]},
        "output": {"output_tokens": much, "per": ["key", "model"]},
        "at-once": {"concurrent_requests": 10**6, "per": "key"},
        "streams": {"concurrent_streams": 10**6, "per": "team"},
        "address": {"requests": much, "per": "address"},
        "all": {"requests": much},
    }
    keys = {"bench": {"token": TOKEN, "team": "bench", "user": "bench"}}
    more = {"keys": keys, "limits": limits, **sections}
    if shared is not None:
        # Each layout counts for itself.
        more["state"] = {"redis": f"{behind.redis.url}/{LAYOUTS.index(layout)}", "redis_timeout": "1s"}
        more["limits"] = {name: {**limit, "shared": shared} for name, limit in limits.items()}
    return gateway(options, layout, behind, name, **more)


def paid(options, layout: str, behind: Behind) -> list:
    """The same, and all of it is priced, paid from budgets that are never spent, and recorded in SQLite."""
    much = 10**6
    budgets = {
        "all": {"dollars": much},
        "team": {"dollars": much, "every": "day", "zone": "Europe/Berlin", "per": "team"},
        "key": {"dollars": much, "every": "30d", "per": "key"},
    }
    database = OUT / f"usage-{layout}.db"
    for file in OUT.glob(f"{database.name}*"):
        file.unlink()
    return guarded(options, layout, behind, "paid", budgets=budgets, usage={"database": str(database)})


def leased(options, layout: str, behind: Behind) -> list:
    return guarded(options, layout, behind, "leased", {"lease": 10**5})


def asking(options, layout: str, behind: Behind) -> list:
    return guarded(options, layout, behind, "asking", {})


KINDS = {
    "pass-through": passthrough,
    "gateway": gateway,
    "guarded": guarded,
    "paid": paid,
    "leased": leased,
    "asking": asking,
}
GUARDS = ["guarded", "paid", "leased", "asking"]
BY_REDIS = ["leased", "asking"]


def direct(case: Case) -> Case:
    """The same request without anybody between: the upstream knows no `provider/` in a model's name."""
    return Case(**{**vars(case), "model": case.model.split("/", 1)[1]})


if __name__ == "__main__":
    sys.exit(main())
