"""Long histories: rebuilding from a million events, opening a station of ten years, and what a station weighs a year.

Run as `python -m api.bench.decade rebuild DATABASE`: rebuilds every read model in this process and prints what it took.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable

import msgspec

from api.bench import database
from api.bench.option import Options
from api.bench.replay import opened
from api.bench.report import Figure, Result, figure
from api.bench.server import ServerFailed, environment
from api.bench.year import days
from application.snapshot import Snapshots, restore
from application.store import Store
from domain.event import Event
from domain.station import Station
from migrations.migrate import upgrade
from projections.catalog import PROJECTIONS
from projections.engine import engine
from projections.rebuild import rebuild

Tell = Callable[[str], None]
LONGEST_S = 3_600.0
STATIONS, A_YEAR = 20, 365
YEARS = 10
WEIGHED_DAYS = 30
OPENINGS = 20
KINDS = {
    "sqlite": "SELECT topic, count(*), avg(length(state)) FROM stored_events GROUP BY topic ORDER BY 2 DESC",
    "postgresql": "SELECT topic, count(*), avg(length(state))::float FROM stored_events GROUP BY topic ORDER BY 2 DESC",
}
SIZE = {
    "sqlite": "SELECT (SELECT page_count FROM pragma_page_count) * (SELECT page_size FROM pragma_page_size)",
    "postgresql": "SELECT pg_database_size(current_database())",
}
PARTS = {
    "table": "SELECT pg_table_size('stored_events')",
    "indexes": "SELECT pg_indexes_size('stored_events')",
}


class Cost(msgspec.Struct, kw_only=True):
    """What it took to rebuild one read model after the other."""

    rebuild_s: float
    diff_s: float
    differing: int
    peak_mb: float


def measure(place: str, options: Options, tell: Tell) -> list[Result]:
    measured = {"rebuild": measure_rebuild, "open": measure_open, "storage": measure_storage}
    return [each(place, options, tell) for name, each in measured.items() if options.wants(name)]


def fill(url: str, told: Iterable[list[Event]], at_least: int = 0) -> int:
    """Record what stations told; returns how many events."""
    upgrade(url)
    store, count = Store(url), 0
    try:
        for events in told:
            store.recorder.insert_events([store.mapper.to_stored_event(event) for event in events])
            count += len(events)
            if at_least and count >= at_least:
                break
    finally:
        store.close()
    return count


def measure_rebuild(place: str, options: Options, tell: Tell) -> Result:
    """All read models, each from the first event, in a fresh process; then what a rebuild would change."""
    kind, wanted = database.kind(place), 10 * options.events
    with database.fresh(place) as url:
        tell(f"rebuild on {kind}: recording {wanted:,} events")
        count = fill(url, days(STATIONS, 10_000), wanted)
        tell(f"rebuild on {kind}: {count:,} events into {len(PROJECTIONS)} read models")
        cost = asked(url)
    passes = count * len(PROJECTIONS)
    return Result(
        measurement="rebuild",
        database=kind,
        figures=[
            figure("events of the history", "events", [count]),
            figure("all read models, one after the other", "s", [cost.rebuild_s]),
            figure("history read for each read model", "events/s", [passes / cost.rebuild_s]),
            figure("history into every read model", "events/s", [count / cost.rebuild_s]),
            figure("the same with --diff", "s", [cost.diff_s]),
            figure("peak memory of the process", "MB", [cost.peak_mb]),
        ],
        checks={"a second rebuild would change nothing": cost.differing == 0},
    )


def asked(url: str) -> Cost:
    done = subprocess.run(
        [sys.executable, "-m", "api.bench.decade", "rebuild", url],
        env=environment(), capture_output=True, text=True, timeout=LONGEST_S,
    )  # fmt: skip
    if done.returncode:
        raise ServerFailed(done.stderr[-4000:])
    return msgspec.json.decode(done.stdout, type=Cost)


def rebuild_all(url: str) -> Cost:
    """In this process, which does nothing else."""
    here = engine(url)
    with opened(url) as history:
        began = time.perf_counter()
        for projection in PROJECTIONS.values():
            rebuild(here, history, projection)
        rebuilt = time.perf_counter()
        differing = sum(rebuild(here, history, each, swap=False).total for each in PROJECTIONS.values())
        ended = time.perf_counter()
    here.dispose()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Cost(rebuild_s=rebuilt - began, diff_s=ended - rebuilt, differing=differing, peak_mb=peak)


def measure_open(place: str, options: Options, tell: Tell) -> Result:
    """The stream of a station of ten years, opened with its snapshot and without."""
    kind = database.kind(place)
    with database.fresh(place) as url:
        tell(f"open on {kind}: recording {YEARS} years of a station")
        count = fill(url, days(1, YEARS * A_YEAR, readings=False))
        with opened(url) as history:
            station, snapshots = f"station/Y{1:05d}", Snapshots(history)
            without = []
            for _ in range(options.rounds):
                snapshots.drop()
                without.append(timed(lambda: restore(history, Station(station))))
            whole = restore(history, Station(station)).aggregate
            quick = [timed(lambda: restore(history, Station(station))) for _ in range(OPENINGS)]
            _, size = snapshots.count()
            same = vars(restore(history, Station(station)).aggregate) == vars(whole)
    return Result(
        measurement="open",
        database=kind,
        figures=[
            figure("events of ten years", "events", [count]),
            figure("opened without a snapshot", "ms", without),
            figure("opened with its snapshot", "ms", quick),
            figure("the snapshot", "bytes", [size]),
        ],
        checks={"both are the same": same},
    )


def timed(work: Callable[[], object]) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def measure_storage(place: str, options: Options, tell: Tell) -> Result:
    """What a station weighs a year: its events by kind, and the read models made from them."""
    kind = database.kind(place)
    with database.fresh(place) as url:
        upgrade(url)
        Store(url).close()
        empty = size(url)
        tell(f"storage on {kind}: recording {WEIGHED_DAYS} days of {STATIONS} stations")
        count = fill(url, days(STATIONS, WEIGHED_DAYS, aligned=True))
        history = size(url) - empty
        tell(f"storage on {kind}: {count:,} events into {len(PROJECTIONS)} read models")
        asked(url)
        models = size(url) - empty - history
        figures = weights(url, count, history, models)
    return Result(measurement="storage", database=kind, figures=figures, checks={})


def weights(url: str, count: int, history: int, models: int) -> list[Figure]:
    kind, lived = database.kind(url), STATIONS * WEIGHED_DAYS / A_YEAR
    found = [
        figure("history, an event with its indexes", "bytes", [history / count]),
        figure("history, a station a year", "MB", [history / lived / 1e6]),
        figure("read models, a station a year", "MB", [models / lived / 1e6]),
        figure("events, a station a year", "events", [count / lived]),
    ]
    if kind != database.SQLITE:
        found += [figure(f"history, {part}", "MB", [database.ask(url, sql) / 1e6]) for part, sql in PARTS.items()]
    for topic, number, length in database.rows(url, KINDS[kind]):
        found.append(figure(f"{topic}, {number / (STATIONS * WEIGHED_DAYS):.1f} a day", "bytes", [float(length)]))
    return found


def size(url: str) -> int:
    if database.kind(url) == database.SQLITE:
        database.rows(url, "VACUUM")
    return database.ask(url, SIZE[database.kind(url)])


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(rebuild_all(sys.argv[2])))
