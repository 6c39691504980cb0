"""Everybody at once: OCPP 2.0.1 stations that start a transaction in the same instant."""

from __future__ import annotations

from collections.abc import Callable

from api.bench import database
from api.bench.load import Plan
from api.bench.option import Options
from api.bench.report import Result, figure
from api.bench.server import bornier, drive


def measure(place: str, options: Options, tell: Callable[[str], None]) -> Result:
    """Each station says Occupied, Started and Updated; no call may stay without an answer."""
    outcomes, recorded = [], []
    for turn in range(options.rounds):
        tell(f"start on {database.kind(place)}, round {turn + 1} of {options.rounds}")
        with database.fresh(place) as url, bornier(url) as server:
            plan = Plan(url=server.ocpp, script="start", stations=options.stations, protocol="ocpp2.0.1", seconds=30)
            outcomes.append(drive(plan))
            recorded.append(database.ask(url, database.MESSAGES[database.kind(url)]))
    return Result(
        measurement="start",
        database=database.kind(place),
        figures=[
            figure("calls sent", "calls", [each.sent for each in outcomes]),
            figure("calls answered", "calls", [each.answered for each in outcomes]),
            figure("all answered after", "s", [each.all_answered_s for each in outcomes]),
        ],
        checks={
            "every call was answered": all(each.sent == each.answered for each in outcomes),
            "every answered call is recorded, and nothing else": recorded == [each.answered for each in outcomes],
        },
    )
