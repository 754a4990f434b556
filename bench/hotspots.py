#!/usr/bin/env python3
"""Shows in which functions the gateway's time goes under the load of one case of the bench.

Samples with perf where the machine lets it; else counts instructions of a few requests by callgrind.
"""

import argparse
import shutil
import subprocess
import sys

import bench
from cases import CASES, named
from load import count_chunks, run, say
from servers import Failed, Redis, Server, built, stop_all, stop_all_on_signals

CALLGRIND_REQUESTS = 200


def main() -> int:
    options = parse()
    stop_all_on_signals()
    bench.OUT.mkdir(parents=True, exist_ok=True)
    found = named(CASES, options.case)
    if not found:
        say(f"no such case; there are: {', '.join(case.name for case in CASES)}")
        return 2
    case = found[0]
    say(f"case: {case.name}; layout: {options.layout}")
    try:
        simulator = Server("simulator", [options.tollway, "simulate", "--port", "0"], bench.OUT)
        redis = Redis(bench.ROOT, bench.OUT) if case.guard in bench.BY_REDIS else None
        command = bench.KINDS[case.guard or "gateway"](options, options.layout, bench.Behind(simulator, redis))
        event = sampling_event()
        if event:
            by_perf(options, case, command, event)
        else:
            by_callgrind(case, command)
    except Failed as failure:
        say(f"profile: {failure}")
        return 1
    finally:
        stop_all()
    return 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", default="chat", help="a case of the bench, or a part of its name")
    parser.add_argument("--layout", choices=bench.LAYOUTS, default="per-core")
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--top", type=int, default=40, help="functions to show")
    parser.add_argument("--tollway", default=built("tollway"), help="the gateway's binary")
    parser.add_argument("--oha", default=bench.ROOT / ".setup/bin/oha")
    return parser.parse_args()


def sampling_event() -> str | None:
    """The best event that perf can sample here: virtual machines often have no cycle counter."""
    if not shutil.which("perf"):
        say("perf is missing")
        return None
    for event in ("cycles", "cpu-clock"):
        trial = ["perf", "record", "-q", "-e", event, "-o", "/dev/null", "--", "true"]
        if subprocess.run(trial, capture_output=True).returncode == 0:
            return event
    say("perf may not sample here; see /proc/sys/kernel/perf_event_paranoid")
    return None


def by_perf(options, case, command: list, event: str) -> None:
    server = Server("profiled", command, bench.OUT)
    count_chunks(server, case)
    run(options.oha, server, case, 1)
    data = bench.OUT / "perf.data"
    record = ["perf", "record", "-q", "-e", event, "-F", "1999", "-g", "-o", data, "-p", server.process.pid]
    perf = subprocess.Popen([str(part) for part in record], stderr=subprocess.DEVNULL)
    try:
        result = run(options.oha, server, case, options.seconds)
    finally:
        perf.send_signal(2)
        perf.wait(timeout=30)
    say(f"{result['summary']['requestsPerSec']:.0f} requests/s; event: {event}")
    for title, keys in [("by object", "dso"), ("by function", "dso,symbol")]:
        shown = ["perf", "report", "-i", str(data), "--stdio", "--no-children", "-g", "none", "-s", keys]
        lines = subprocess.run(shown, capture_output=True, text=True, check=True).stdout.splitlines()
        lines = [line.rstrip(" -") for line in lines if line.strip() and not line.startswith("#")]
        print(f"\n{title}\n" + "\n".join(lines[: options.top]))
    say(f"\nwith callers: perf report -i {data.relative_to(bench.ROOT)}")


def by_callgrind(case, command: list) -> None:
    if not shutil.which("valgrind"):
        raise Failed("neither perf nor valgrind can be used here\nhint: apt-get install valgrind")
    out = bench.OUT / "callgrind.out"
    out.unlink(missing_ok=True)
    server = Server("profiled", ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", *command], bench.OUT)
    for _ in range(CALLGRIND_REQUESTS):
        count_chunks(server, case)
    server.process.terminate()
    server.process.wait(timeout=60)
    say(f"instructions of {CALLGRIND_REQUESTS} requests, each on a new connection")
    shown = subprocess.run(["callgrind_annotate", str(out)], capture_output=True, text=True, check=True).stdout
    print("\n".join(shown.splitlines()[:60]))


if __name__ == "__main__":
    sys.exit(main())
