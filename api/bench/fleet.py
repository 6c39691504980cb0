"""A fleet at work: thousands of stations of three versions, at the pace of real ones, for minutes."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import msgspec

from api.bench import database
from api.bench.crowd import Account, Plan, Report, Wish
from api.bench.life import METER_S
from api.bench.option import Options
from api.bench.report import Figure, Grid, Result, figure
from api.bench.server import Server, ServerFailed, bornier, cpu_s, environment
from api.bench.throughput import catch_up
from api.limit import open_enough

ROLES = ("gateway", "projector", "api")
COMING_PER_S = 100
"""So many stations connect a second in the beginning."""
SETTLING_S = METER_S + 30
"""Until whoever charges has begun to."""
SPARE_FILES = 200
LONGEST_S = 300.0
SAMPLE_S = 1.0
PASSWORD = "correct horse battery"
MEGA = 1_000_000

T = TypeVar("T", Report, Account)


def measure(place: str, options: Options, tell: Callable[[str], None]) -> Result:
    """Watch a fleet for a while."""
    with at_work(place, options, tell) as site:
        tell(f"fleet on {database.kind(place)}: watching for {options.minutes:g} minutes")
        with Gauge(site.server, site.url) as gauge:
            seen = site.fleet.wish("live", options.minutes * 60)
        lag_s = catch_up(site.url)
        size = database.ask(site.url, database.SIZE[database.kind(site.url)])
        truth = reckon(site)
        calls = seen.all.calls
        return Result(
            measurement="fleet",
            database=database.kind(place),
            figures=[
                figure("stations connected", "", [seen.connected]),
                figure("watched for", "min", [seen.seconds / 60]),
                figure("calls answered", "calls/s", [calls / seen.seconds]),
                figure("answer p50", "ms", [seen.all.p50_ms]),
                figure("answer p99", "ms", [seen.all.p99_ms]),
                figure("answer p99.9", "ms", [seen.all.p999_ms]),
                figure("slowest answer", "ms", [seen.all.max_ms]),
                figure("calls refused", "", [sum(seen.refusals.values())]),
                figure("calls unanswered", "", [seen.unanswered]),
                figure("connections lost", "", [seen.lost]),
                *gauge.figures(seen.seconds),
                figure("load generator CPU", "% of a core", [seen.cpu_share * 100]),
                figure("projection lag at the end", "s", [lag_s]),
                figure("database at the end", "MB", [size / MEGA]),
            ],
            grids=[grid("Answers of the fleet", seen), gauge.grid()],
            checks={
                "every station stayed connected": seen.connected == options.fleet and seen.lost == 0,
                "every call was answered": seen.unanswered == 0 and not seen.refusals,
                **truth,
                "the load was not the bottleneck": seen.cpu_share < 0.7,
            },
        )


class Fleet:
    """The crowd in its own process, seen from outside."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.log = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, "-m", "api.bench.crowd"],
            env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True,
        )  # fmt: skip
        self.say(plan)

    def wish(self, do: str, seconds: float = 0.0) -> Report:
        """Let something happen, and hear what came of it."""
        return self.ask(do, seconds, Report)

    def end(self) -> Account:
        return self.ask("end", 0.0, Account)

    def ask(self, do: str, seconds: float, kind: type[T]) -> T:
        self.say(msgspec.convert({"do": do, "seconds": seconds}, Wish))
        watchdog = threading.Timer(LONGEST_S + 3 * self.plan.patience_s + 2 * seconds, self.process.kill)
        watchdog.start()
        assert self.process.stdout is not None
        try:
            line = self.process.stdout.readline()
        finally:
            watchdog.cancel()
        if not line:
            self.log.seek(0)
            raise ServerFailed(f"the load ended early: {self.log.read()[-2000:]}")
        return msgspec.json.decode(line, type=kind)

    def say(self, what: Plan | Wish) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(msgspec.json.encode(what).decode() + "\n")
        self.process.stdin.flush()

    def close(self) -> None:
        with self.log, self.process:
            self.process.kill()


class Site(msgspec.Struct):
    """A server with its database and its fleet."""

    url: str
    server: Server
    fleet: Fleet


@contextmanager
def at_work(
    place: str, options: Options, tell: Callable[[str], None], settling_s: float = SETTLING_S
) -> Iterator[Site]:
    """A server and everybody connected, charging or not, for the length of a block."""
    open_enough(options.fleet + SPARE_FILES)
    with database.fresh(place) as url, bornier(url, ROLES) as server:
        if options.passwords:
            protect(url, options.fleet)
        password = PASSWORD if options.passwords else None
        fleet = Fleet(Plan(url=server.ocpp, stations=options.fleet, tempo=options.tempo, password=password))
        try:
            tell(f"{options.fleet} stations connect")
            came = fleet.wish("arrive", options.fleet / COMING_PER_S)
            if came.connected < options.fleet:
                raise ServerFailed(f"only {came.connected} of {options.fleet} stations got in: {came.denials}")
            fleet.wish("live", settling_s / options.tempo)
            yield Site(url, server, fleet)
        finally:
            fleet.close()


def protect(url: str, stations: int) -> None:
    """Give every station the same password, without hashing it five thousand times."""
    from sqlalchemy import insert

    from adapters.credential.vault import CREDENTIAL, HASHER
    from projections.engine import engine

    secret = HASHER.hash(PASSWORD)
    made = engine(url)
    with made.begin() as connection:
        rows = [{"station_id": f"F{index:05d}", "password_hash": secret} for index in range(stations)]
        connection.execute(insert(CREDENTIAL), rows)
    made.dispose()


def reckon(site: Site) -> dict[str, bool]:
    """End the fleet's day and hold what it says against the history."""
    account = site.fleet.end()
    catch_up(site.url)
    said = {f"F{index:05d}-{number}" for index, count in enumerate(account.said) for number in range(1, count + 1)}
    recorded = database.messages(site.url)
    missing = said - set(account.unanswered) - recorded
    starts, single = (database.ask(site.url, statement) for statement in database.STARTS[database.kind(site.url)])
    return {
        "every answered call is recorded, and nothing else": not missing and recorded <= said,
        "no transaction was started twice": starts == single,
    }


def grid(title: str, seen: Report) -> Grid:
    """How long the answers took, for each action."""
    return Grid(
        title=title,
        headings=["action", "calls", "p50 ms", "p99 ms", "p99.9 ms", "max ms"],
        rows=[[each.action, each.calls, each.p50_ms, each.p99_ms, each.p999_ms, each.max_ms] for each in seen.spells],
    )


class Gauge:
    """Memory of the server's processes over time, and the CPU time they use."""

    def __init__(self, server: Server, url: str) -> None:
        self.processes = {"gateway": server, **dict(zip(ROLES[1:], server.others, strict=False))}
        self.postmaster = database.postmaster(url)
        self.memory: dict[str, list[int]] = {name: [] for name in self.processes}
        self.cpu: dict[str, float] = {}
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.watch, name="gauge")

    def __enter__(self) -> Gauge:
        self.cpu = self.used()
        self.thread.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self.done.set()
        self.thread.join()
        before = self.cpu
        self.cpu = {name: now - before[name] for name, now in self.used().items()}

    def watch(self) -> None:
        while True:
            for name, server in self.processes.items():
                self.memory[name].append(server.memory_bytes())
            if self.done.wait(SAMPLE_S):
                return

    def used(self) -> dict[str, float]:
        used = {name: cpu_s(server.process.pid) for name, server in self.processes.items()}
        return used if self.postmaster is None else {**used, "PostgreSQL": cpu_s(self.postmaster)}

    def figures(self, seconds: float) -> Iterator[Figure]:
        for name, used_s in self.cpu.items():
            yield figure(f"{name} CPU", "% of a core", [used_s / seconds * 100])
        for name, held in self.memory.items():
            yield figure(f"{name} memory, most", "MB", [max(held) / MEGA])

    def grid(self) -> Grid:
        """Memory at every full minute and at the end: what leaks grows here."""
        names = list(self.memory)
        last = min(map(len, self.memory.values())) - 1
        looks = [*range(0, last, int(60 / SAMPLE_S)), last]
        return Grid(
            title="Memory over time",
            headings=["after", *(f"{name} MB" for name in names)],
            rows=[
                [f"{look * SAMPLE_S / 60:.1f} min", *(self.memory[name][look] / MEGA for name in names)]
                for look in looks
            ],
        )
