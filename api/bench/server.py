"""The servers under load: Bornier as everybody runs it, and the naive one; each a process of its own."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import msgspec
import psutil  # type: ignore[import-untyped]

from api.bench.database import SQLITE, kind
from api.bench.load import Outcome, Plan

ROOT = Path(__file__).parents[2]
READY_S = 60.0
STOP_S = 30.0
SPLIT = ("gateway", "projector")
GATEWAY = ("gateway",)


class ServerFailed(Exception):
    """A server under measurement did not do its part; the text ends with what it logged."""


class Server:
    """A server in its own process, and where stations find it; it comes back at the same place after a kill."""

    def __init__(self, command: list[str], log: IO[str]) -> None:
        self.command = command
        self.log = log
        self.others: list[Server] = []
        self.process: subprocess.Popen[str]
        self.ocpp = ""

    def start(self) -> None:
        """Start it and wait for its one ready line."""
        self.process = subprocess.Popen(
            [sys.executable, *self.command], env=environment(), stdout=subprocess.PIPE, stderr=self.log, text=True
        )
        self.ocpp = ready(self.process)

    def kill(self) -> None:
        """As if the power went."""
        self.process.kill()
        stop(self.process)

    def again(self) -> None:
        """Start it again where it was."""
        self.command = [*self.command, "--ocpp-port", str(urlsplit(self.ocpp).port)]
        self.start()

    def cpu_s(self) -> float:
        """CPU time of all its processes."""
        return cpu_s(self.process.pid) + sum(other.cpu_s() for other in self.others)

    def memory_bytes(self) -> int:
        """What the process holds in memory, all its children included."""
        return sum(each.memory_info().rss for each in tree(self.process.pid))


def tree(pid: int) -> list[psutil.Process]:
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


def cpu_s(pid: int) -> float:
    """CPU time of a process and all its descendants, those that have ended included."""
    total = 0.0
    for process in tree(pid):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def environment() -> dict[str, str]:
    """Ours, with this source tree importable and every stranger admitted."""
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))),
        "BORNIER_UNKNOWN_STATIONS": "accept",
        "BORNIER_UNKNOWN_BADGES": "accept",
        "BORNIER_ADMIN_TOKEN": "bench",
    }


@contextmanager
def bornier(database: str, roles: tuple[str, ...] = SPLIT) -> Iterator[Server]:
    """`bornier run`: on SQLite everything in one process, on PostgreSQL one process for each of these roles."""
    run = ["-m", "api.cli", "run", "--database", database, "--ocpp-port", "0", "--http-port", "0"]
    if kind(database) == SQLITE:
        with serving(run) as server:
            yield server
        return
    migrate = [sys.executable, "-m", "api.cli", "migrate", "--database", database]
    subprocess.run(migrate, env=environment(), check=True, capture_output=True, timeout=READY_S)
    with ExitStack() as stack:
        first, *others = [stack.enter_context(serving([*run, "--role", role])) for role in roles]
        first.others = others
        yield first


@contextmanager
def naive(database: str) -> Iterator[Server]:
    with serving(["-m", "api.bench.naive", database]) as server:
        yield server


@contextmanager
def serving(command: list[str]) -> Iterator[Server]:
    """Start a server, and stop it in the end; if something fails, say what it logged."""
    with tempfile.TemporaryFile("w+") as log:
        server = Server(command, log)
        try:
            server.start()
            yield server
        except Exception as error:
            log.seek(0)
            raise ServerFailed(f"{error}\n{log.read()[-4000:]}") from error
        finally:
            if hasattr(server, "process"):
                stop(server.process)


def ready(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    readable, _, _ = select.select([process.stdout], [], [], READY_S)
    line = process.stdout.readline() if readable else ""
    if " ready" not in line:
        raise ServerFailed(f"the server did not get ready: {line!r}, exit code {process.poll()}")
    found = re.search(r" ocpp=(\S+)", line)
    return found[1] if found else ""


def stop(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def drive(plan: Plan, at: Callable[[str], None] = lambda mark: None) -> Outcome:
    """Let the load run in its own process; `at` is called with `begin` and `end` of the measured window."""
    command = [sys.executable, "-m", "api.bench.load"]
    with (
        tempfile.TemporaryFile("w+") as log,
        subprocess.Popen(
            command, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        watchdog = threading.Timer(plan.longest_s, process.kill)
        watchdog.start()
        try:
            process.stdin.write(msgspec.json.encode(plan).decode())
            process.stdin.close()
            for line in process.stdout:
                message = msgspec.json.decode(line)
                if "mark" not in message:
                    return msgspec.convert(message, Outcome)
                at(message["mark"])
        finally:
            watchdog.cancel()
        log.seek(0)
        raise ServerFailed(f"the load ended early: {log.read()[-2000:]}")
