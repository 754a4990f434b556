"""Starts the servers under test and reads what the kernel counted for them."""

import functools
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time

LISTENING = re.compile(rb"listening on http://([0-9.]+):(\d+)")
START_LIMIT_S = 20
running = []


def built(name: str, profile: str = "release") -> pathlib.Path:
    """A program of the release or debug build, wherever this machine has cargo put what it builds."""
    return pathlib.Path(cargo_target()) / profile / name


@functools.cache
def cargo_target() -> str:
    command = ["cargo", "metadata", "--no-deps", "--offline", "--format-version", "1"]
    folder = pathlib.Path(__file__).resolve().parent
    found = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, check=True)
    return json.loads(found.stdout)["target_directory"]


class Failed(Exception):
    """Something that the measurement cannot go on without."""


class Server:
    """A child process that serves on a free port of the loopback interface."""

    def __init__(self, name: str, command: list, folder: pathlib.Path, env: dict | None = None):
        self.name = name
        # A file, not a pipe: to drain a pipe would take time from the servers under test.
        self.log = folder / f"{name}.log"
        with open(self.log, "wb") as log:
            self.started = time.perf_counter()
            self.process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={"PATH": os.environ["PATH"], **(env or {})},
            )
        running.append(self)
        self.host, self.port = self._address()

    def _address(self) -> tuple[str, int]:
        with open(self.log, "rb") as log:
            seen = b""
            while time.perf_counter() - self.started < START_LIMIT_S:
                seen += log.read()
                if found := LISTENING.search(seen):
                    return found[1].decode(), int(found[2])
                if self.process.poll() is not None:
                    break
                time.sleep(0.0002)
        raise Failed(f"{self.name} does not listen:\n{seen.decode(errors='replace')}")

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def cpu_ns(self) -> int:
        """CPU time of all threads, ended ones included, to the nanosecond, from the scheduler's own count."""
        # The clock of another process: see CPUCLOCK_SCHED in the kernel's posix-timers.
        return time.clock_gettime_ns((~self.process.pid << 3) | 2)

    def memory_kib(self, field: str) -> int:
        """`VmRSS` now or `VmHWM`, the highest since the start."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(field):
                return int(line.split()[1])
        raise Failed(f"{self.name} is gone: {self.tail()}")

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-2000:]

    def stop(self) -> None:
        if self in running:
            running.remove(self)
        self.process.kill()
        self.process.wait()


class Redis:
    """A Redis server on a free port, that keeps nothing on disk."""

    def __init__(self, root: pathlib.Path, folder: pathlib.Path):
        own = root / ".setup" / "redis" / "bin" / "redis-server"
        program = next(filter(None, map(shutil.which, ["redis-server", "valkey-server", str(own)])), None)
        if program is None:
            raise Failed("there is no redis-server: scripts/setup.sh redis")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        command = [program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        with open(folder / "redis.log", "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder)
        running.append(self)
        started = time.perf_counter()
        while True:
            try:
                self._ping(1)
                return
            except OSError as error:
                if time.perf_counter() - started > START_LIMIT_S or self.process.poll() is not None:
                    raise Failed(f"redis does not start: {error}") from error
                time.sleep(0.01)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def ping_us(self) -> float:
        """A round trip in the median, of many one after the other on one connection."""
        return statistics.median(self._ping(5000))

    def _ping(self, times: int) -> list[float]:
        found = []
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for _ in range(times):
                began = time.perf_counter()
                connection.sendall(b"PING\r\n")
                connection.recv(64)
                found.append((time.perf_counter() - began) * 1e6)
        return found

    def stop(self) -> None:
        if self in running:
            running.remove(self)
        self.process.kill()
        self.process.wait()


def stop_all() -> None:
    for server in list(running):
        server.stop()


def stop_all_on_signals() -> None:
    """Turns every polite end into an exit, so that `finally` stops the children."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))


def send(server: Server, path: str, body: bytes, headers: dict) -> tuple[int, bytes]:
    """Sends one request on a connection of its own; returns the status and the whole answer."""
    connection = http.client.HTTPConnection(server.host, server.port, timeout=20)
    try:
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()
