"""A long history: how fast it is read and decoded, and how fast the projections are built from it.

Run as `python -m api.bench.replay DATABASE`: reads the whole history once and prints events and seconds.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

from api.bench import database
from api.bench.load import Plan
from api.bench.option import Options
from api.bench.report import Result, figure
from api.bench.server import GATEWAY, ServerFailed, bornier, drive, environment
from application.history import History
from application.recorder import Recorder
from application.store import Store
from domain.catalog import CATALOG

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
        if options.wants("replay"):
            tell(f"replay on {kind}")
            rates = [read(url, events) for _ in range(options.rounds)]
            results.append(result("replay", kind, "events read and decoded", rates))
        if options.wants("projection"):
            tell(f"projection on {kind}")
            rates = [events / project(url) for _ in range(options.rounds)]
            results.append(result("projection", kind, "events projected", rates))
    return results


def result(name: str, kind: str, label: str, rates: list[float]) -> Result:
    return Result(measurement=name, database=kind, figures=[figure(label, "events/s", rates)], checks={})


def fill(url: str, options: Options) -> None:
    """Record about as many events, as stations of the mixed load cause them."""
    with bornier(url, GATEWAY) as server:
        plan = Plan(url=server.ocpp, script="mixed", stations=options.stations, seconds=FILLING_S, calls=options.events)
        drive(plan)


def read(url: str, events: int) -> float:
    """Events per second, start of the process not counted. Raises ServerFailed if one is missing."""
    done = command("-m", "api.bench.replay", url)
    count, seconds = done.stdout.split()
    if int(count) != events:
        raise ServerFailed(f"{count} of {events} events were read")
    return events / float(seconds)


def project(url: str) -> float:
    """Seconds that `bornier rebuild` takes for every projection, start of the process included."""
    began = time.perf_counter()
    command("-m", "api.cli", "rebuild", "--database", url)
    return time.perf_counter() - began


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, *arguments], env=environment(), capture_output=True, text=True, timeout=LONGEST_S
    )
    if done.returncode:
        raise ServerFailed(done.stderr[-4000:])
    return done


def replay(url: str) -> tuple[int, float]:
    """Read and decode everything: number of events and seconds."""
    store = Store(url)
    recorder = store.recorder
    assert isinstance(recorder, Recorder)
    history = History(recorder)
    began, after, count = time.perf_counter(), 0, 0
    while page := history.read(after, PAGE):
        for row in page:
            CATALOG.decode(row.topic, row.state)
        after = page[-1].position
        count += len(page)
    took = time.perf_counter() - began
    store.close()
    return count, took


if __name__ == "__main__":
    print(*replay(sys.argv[1]))
