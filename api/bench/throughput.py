"""Calls per second of stations that wait for their answers: Bornier and the naive way in turns, in the same minutes."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from api.bench import database
from api.bench.load import Outcome, Plan
from api.bench.option import Options
from api.bench.report import Figure, Result, figure
from api.bench.server import GATEWAY, SPLIT, Server, bornier, cpu_s, drive, naive

SCRIPTS = {"durable": "meter", "mixed": "mixed"}
PUBLISHED = {"durable": 226.0, "mixed": 143.0}
"""Calls per second that CitrineOS 1.8.3 answers from 200 stations on the same kind of machine, for scale."""
CAUGHT_UP_S = 120.0
OPEN_LOOP = 0.5
"""Share of the saturation rate at which latency is measured."""


class Sample(msgspec.Struct, kw_only=True):
    """One server under load once."""

    closed: Outcome
    paced: Outcome | None
    server_us: float
    database_us: float | None
    lag_s: float | None
    answered: int
    recorded: int

    @property
    def per_s(self) -> float:
        return self.closed.window / self.closed.window_s


class Watch:
    """What the server does in the measured window: CPU time, its own and PostgreSQL's, and how far projections lag."""

    def __init__(self, server: Server, url: str, projects: bool) -> None:
        self.server = server
        self.url = url
        self.projects = projects
        self.postmaster = database.postmaster(url)
        self.server_s = self.database_s = 0.0
        self.lag_s: float | None = None

    def at(self, mark: str) -> None:
        sign = -1 if mark == "begin" else 1
        self.server_s += sign * self.server.cpu_s()
        if self.postmaster is not None:
            self.database_s += sign * cpu_s(self.postmaster)
        if self.projects and mark == "end":
            self.lag_s = catch_up(self.url)


def measure(name: str, place: str, options: Options, tell: Callable[[str], None]) -> Result:
    """All rounds of one measurement on one database."""
    ours, alone, theirs = [], [], []
    for turn in range(options.rounds):
        tell(f"{name} on {database.kind(place)}, round {turn + 1} of {options.rounds}: naive")
        theirs.append(sample_naive(name, place, options))
        tell(f"{name} on {database.kind(place)}, round {turn + 1} of {options.rounds}: bornier")
        ours.append(sample_bornier(name, place, options))
        if name == "durable" and database.kind(place) != database.SQLITE:
            alone.append(sample_bornier(name, place, options, GATEWAY))
    samples = [*ours, *alone, *theirs]
    return Result(
        measurement=name,
        database=database.kind(place),
        figures=figures(name, ours, alone, theirs),
        checks={
            "every call was answered": all(each.closed.sent == each.closed.answered for each in samples),
            "every answered call is recorded, and nothing else": all(s.answered == s.recorded for s in samples),
            "the load was not the bottleneck": all(each.closed.cpu_share < 0.7 for each in samples),
        },
    )


def sample_bornier(name: str, place: str, options: Options, roles: tuple[str, ...] = SPLIT) -> Sample:
    with database.fresh(place) as url, bornier(url, roles) as server:
        watch = Watch(server, url, projects=roles == SPLIT)
        closed = drive(plan(name, server, options), watch.at)
        rate = OPEN_LOOP * closed.window / closed.window_s
        paced = drive(plan(name, server, options, rate=max(rate, 1.0), first=options.stations))
        return Sample(
            closed=closed,
            paced=paced,
            server_us=per_call(watch.server_s, closed),
            database_us=per_call(watch.database_s, closed) if watch.postmaster else None,
            lag_s=watch.lag_s,
            answered=closed.answered + paced.answered,
            recorded=database.ask(url, database.MESSAGES[database.kind(url)]),
        )


def sample_naive(name: str, place: str, options: Options) -> Sample:
    with database.fresh(place) as url, naive(url) as server:
        watch = Watch(server, url, projects=False)
        closed = drive(plan(name, server, options), watch.at)
        return Sample(
            closed=closed,
            paced=None,
            server_us=per_call(watch.server_s, closed),
            database_us=per_call(watch.database_s, closed) if watch.postmaster else None,
            lag_s=None,
            answered=closed.answered,
            recorded=database.ask(url, database.NAIVE[database.kind(url)]),
        )


def plan(name: str, server: Server, options: Options, rate: float | None = None, first: int = 0) -> Plan:
    return Plan(
        url=server.ocpp,
        script=SCRIPTS[name],
        stations=options.stations,
        seconds=options.seconds,
        rate=rate,
        first=first,
    )


def per_call(cpu_time_s: float, outcome: Outcome) -> float:
    return cpu_time_s / max(outcome.window, 1) * 1_000_000


def catch_up(url: str) -> float:
    """Seconds until every projection has read what the history holds now."""
    began = time.perf_counter()
    head = database.ask(url, database.HEAD[database.kind(url)])
    while time.perf_counter() - began < CAUGHT_UP_S:
        if database.ask(url, database.PROJECTED) >= head:
            break
        time.sleep(0.005)
    return time.perf_counter() - began


def figures(name: str, ours: list[Sample], alone: list[Sample], theirs: list[Sample]) -> list[Figure]:
    """What is worth showing, the ratio first."""
    rate = figure("bornier", "calls/s", [each.per_s for each in ours])
    paced = [each.paced for each in ours if each.paced is not None]
    found = [
        figure("bornier / naive", "x", [us.per_s / them.per_s for us, them in zip(ours, theirs, strict=True)]),
        rate,
        figure("naive", "calls/s", [each.per_s for each in theirs]),
        figure("bornier / CitrineOS 1.8.3*", "x", [r / PUBLISHED[name] for r in rate.rounds]),
        figure("bornier p50, closed loop", "ms", [each.closed.p50_ms for each in ours]),
        figure("bornier p99, closed loop", "ms", [each.closed.p99_ms for each in ours]),
        figure("naive p50, closed loop", "ms", [each.closed.p50_ms for each in theirs]),
        figure("naive p99, closed loop", "ms", [each.closed.p99_ms for each in theirs]),
        figure("bornier p50, half the rate", "ms", [each.p50_ms for each in paced]),
        figure("bornier p99, half the rate", "ms", [each.p99_ms for each in paced]),
        figure("bornier CPU", "µs/call", [each.server_us for each in ours]),
        figure("naive CPU", "µs/call", [each.server_us for each in theirs]),
        figure("load generator CPU", "% of a core", [each.closed.cpu_share * 100 for each in ours]),
        figure("projection lag at full load", "s", [each.lag_s for each in ours if each.lag_s is not None]),
    ]
    if alone:
        found[1:1] = [
            figure(
                "gateway alone / naive", "x", [us.per_s / them.per_s for us, them in zip(alone, theirs, strict=True)]
            ),
            figure("gateway alone", "calls/s", [each.per_s for each in alone]),
            figure("gateway alone CPU", "µs/call", [each.server_us for each in alone]),
        ]
    for side, samples in (("bornier", ours), ("naive", theirs)):
        used = [each.database_us for each in samples if each.database_us is not None]
        if used:
            found.append(figure(f"PostgreSQL CPU under {side}", "µs/call", used))
    return found
