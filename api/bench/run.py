"""The published benchmark: what Bornier does for a call, against the naive way, on this machine, in one run."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime

from rich.console import Console

from api.bench import database, decade, fleet, idle, machine, outage, replay, start, storm, throughput
from api.bench.option import Options
from api.bench.report import Report, Result

WIDTH = 120


def run(options: Options) -> Report:
    """Measure, print a table, write JSON if asked. Raises ValueError on options that make no sense."""
    options.check()
    progress = Console(stderr=True)

    def tell(line: str) -> None:
        if progress.is_terminal:
            progress.print(f"[dim]{line}[/dim]")

    with database.places(options.databases, options.postgres) as places:
        report = Report(
            at=datetime.now(UTC).isoformat(timespec="seconds"),
            machine=machine.describe(places),
            options={
                **asdict(options),
                "json_path": None,
                "postgres": None,
                "databases": [database.kind(place) for place in places],
            },
            results=[
                *(result for place in places for result in measure(place, options, tell)),
                *([outage.measure(options, tell)] if options.wants("outage") else []),
            ],
        )
    if options.json_path is not None:
        report.write(options.json_path)
    if options.markdown:
        print(report.markdown())
    else:
        report.show(Console(file=sys.stdout, width=None if sys.stdout.isatty() else WIDTH))
    return report


def measure(place: str, options: Options, tell: Callable[[str], None]) -> list[Result]:
    """Everything that is wanted, on one database."""
    results = [throughput.measure(name, place, options, tell) for name in throughput.SCRIPTS if options.wants(name)]
    if options.wants("memory"):
        results.append(idle.measure(place, options, tell))
    if options.wants("start"):
        results.append(start.measure(place, options, tell))
    if options.wants("fleet"):
        results.append(fleet.measure(place, options, tell))
    if options.wants("storm"):
        results.append(storm.measure(place, options, tell))
    if options.wants("projection") or options.wants("replay"):
        results += replay.measure(place, options, tell)
    return results + decade.measure(place, options, tell)
