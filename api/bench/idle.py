"""What one idle connection weighs."""

from __future__ import annotations

from collections.abc import Callable

from api.bench import database
from api.bench.load import Plan
from api.bench.option import Options
from api.bench.report import Result, figure
from api.bench.server import GATEWAY, bornier, drive

WARM = 200


def measure(place: str, options: Options, tell: Callable[[str], None]) -> Result:
    """Connect and boot many stations, let them fall silent, and compare the memory of the server."""
    tell(f"memory on {database.kind(place)}: {options.idle} idle connections")
    weights: list[int] = []
    with database.fresh(place) as url, bornier(url, GATEWAY) as server:
        plan = Plan(url=server.ocpp, script="idle", stations=options.idle + WARM, warm=WARM)
        outcome = drive(plan, lambda mark: weights.append(server.memory_bytes()))
    before, after = weights
    return Result(
        measurement="memory",
        database=database.kind(place),
        figures=[
            figure("idle connection", "kB", [(after - before) / options.idle / 1000]),
            figure("connecting and booting", "stations/s", [options.idle / max(outcome.window_s - 2.0, 0.001)]),
        ],
        checks={"every station stayed connected": outcome.lost_connections == 0},
    )
