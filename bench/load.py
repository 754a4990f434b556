"""Puts load on one server, in a closed loop of bounded time, and says what it cost and how it went."""

import json
import subprocess
import sys
import tempfile

from cases import Case
from servers import Failed, Server, send


def measure(oha: str, server: Server, case: Case, warm_s: float, seconds: float) -> dict:
    chunks = count_chunks(server, case)
    run(oha, server, case, warm_s)
    before = server.cpu_ns()
    result = run(oha, server, case, seconds)
    cpu_us = (server.cpu_ns() - before) / 1000

    statuses = result["statusCodeDistribution"]
    answered = statuses.get("200", 0)
    if set(statuses) != {"200"} or result["errorDistribution"]:
        raise Failed(f"{server.name}, {case.name}: {statuses} {result['errorDistribution']}\n{server.tail()}")
    figures = {
        "cpu_us": cpu_us / answered,
        "per_second": result["summary"]["requestsPerSec"],
        "p50_ms": result["latencyPercentiles"]["p50"] * 1000,
        "p99_ms": result["latencyPercentiles"]["p99"] * 1000,
    }
    if case.stream:
        figures |= {
            "chunk_us": cpu_us / answered / chunks,
            "first_chunk_ms": result["firstBytePercentiles"]["p50"] * 1000,
            "chunks": chunks,
        }
    return figures


def count_chunks(server: Server, case: Case) -> int:
    """Sends one request, which must succeed; returns the number of events in a streamed answer."""
    status, answer = send(server, case.path, case.body(), case.headers)
    if status != 200:
        raise Failed(f"{server.name}, {case.name}: {status} {answer[:500]!r}\n{server.tail()}")
    if not case.stream:
        return 0
    if case.last not in answer[-8192:]:
        raise Failed(f"{server.name}, {case.name}: the stream is not complete: {answer[-500:]!r}")
    return answer.count(b"data:")


def run(oha: str, server: Server, case: Case, seconds: float) -> dict:
    command = [oha, "--no-tui", "--output-format", "json", "-m", "POST", "-z", f"{seconds * 1000:.0f}ms", "-w"]
    command += ["-c", str(case.connections), "-t", "30s"]
    for name, value in case.headers.items():
        command += ["-H", f"{name}: {value}"]
    if case.http2_streams:
        command += ["--http2", "-p", str(case.http2_streams)]
    # Too long for an argument, where it is ten megabytes.
    with tempfile.NamedTemporaryFile() as body:
        body.write(case.body())
        body.flush()
        command += ["-D", body.name, server.url + case.path]
        done = subprocess.run(command, capture_output=True, timeout=seconds + 60)
    if done.returncode != 0:
        raise Failed(f"oha: {done.stderr.decode(errors='replace')}")
    result = json.loads(done.stdout)
    # What was under way at the end of an HTTP/2 run is no failure.
    result["errorDistribution"].pop("aborted due to deadline", None)
    return result


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
