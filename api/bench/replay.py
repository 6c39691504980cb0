"""A long history: how fast it is read and decoded, and how fast the read models are built from it.

Run as `python -m api.bench.replay read|project DATABASE`: reads, or projects, the whole history once in this process
and prints the number of events and the seconds, the start of the process not counted.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import delete

from api.bench import database
from api.bench.load import Plan
from api.bench.option import Options
from api.bench.report import Result, figure
from api.bench.server import GATEWAY, ServerFailed, bornier, drive, environment
from application.history import History
from application.store import Store
from domain.catalog import CATALOG
from projections.catalog import PROJECTIONS
from projections.checkpoint import CHECKPOINT
from projections.engine import engine
from projections.runner import Runner

MEASURED = {
    "replay": ("read", "events read and decoded"),
    "projection": ("project", "events projected into every read model"),
}
PAGE = 2_000
LONGEST_S = 600.0
FILLING_S = 600.0


def measure(place: str, options: Options, tell: Callable[[str], None]) -> list[Result]:
    """Fill a store through the real gateway, then read it and project it in fresh processes."""
    kind, results = database.kind(place), []
    with database.fresh(place) as url:
        tell(f"history on {kind}: recording {options.events} events")
        fill(url, options)
        events = database.ask(url, database.EVENTS)
        for measurement, (verb, label) in MEASURED.items():
            if options.wants(measurement):
                tell(f"{measurement} on {kind}")
                rates = [rate(verb, url, events) for _ in range(options.rounds)]
                results.append(
                    Result(
                        measurement=measurement, database=kind, figures=[figure(label, "events/s", rates)], checks={}
                    )
                )
    return results


def fill(url: str, options: Options) -> None:
    """Record about as many events, as stations of the mixed load cause them."""
    with bornier(url, GATEWAY) as server:
        plan = Plan(url=server.ocpp, script="mixed", stations=options.stations, seconds=FILLING_S, calls=options.events)
        drive(plan)


def rate(verb: str, url: str, events: int) -> float:
    """Events per second in a fresh process. Raises ServerFailed if one is missing."""
    done = subprocess.run(
        [sys.executable, "-m", "api.bench.replay", verb, url],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
    )
    if done.returncode:
        raise ServerFailed(done.stderr[-4000:])
    count, seconds = done.stdout.split()
    if int(count) != events:
        raise ServerFailed(f"{verb}: {count} of {events} events")
    return events / float(seconds)


def read(url: str) -> tuple[int, float]:
    """Read and decode everything."""
    with opened(url) as history:
        began, after, count = time.perf_counter(), 0, 0
        while page := history.read(after, PAGE):
            for row in page:
                CATALOG.decode(row.topic, row.state)
            after = page[-1].position
            count += len(page)
        return count, time.perf_counter() - began


def project(url: str) -> tuple[int, float]:
    """Empty every read model, and let the runner catch up."""
    with opened(url) as history:
        here = engine(url)
        with here.begin() as connection:
            for each in PROJECTIONS.values():
                for table in each.tables.values():
                    connection.execute(delete(table))
            connection.execute(delete(CHECKPOINT))
        runner = Runner(here, history, list(PROJECTIONS.values()))
        began = time.perf_counter()
        while runner.step():
            pass
        took = time.perf_counter() - began
        here.dispose()
        head = history.head()
        if behind := [progress for progress in runner.progress.values() if progress.position != head]:
            raise ServerFailed(f"not everything was projected: {behind}")
        return database.ask(url, database.EVENTS), took


@contextmanager
def opened(url: str) -> Iterator[History]:
    store = Store(url)
    try:
        yield History(store.recorder)
    finally:
        store.close()


VERBS = {"read": read, "project": project}

if __name__ == "__main__":
    print(*VERBS[sys.argv[1]](sys.argv[2]))
