"""What a run of the benchmark found: figures as median and range, to be read as a table or as JSON."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

SCALE = "* for scale: its published figure on the same kind of machine, not measured in this run"


class Figure(msgspec.Struct, kw_only=True):
    """One figure: the median of its rounds and their range."""

    name: str
    unit: str
    median: float
    low: float
    high: float
    rounds: list[float]


class Grid(msgspec.Struct, kw_only=True):
    """Figures of many things of one kind, one thing a line."""

    title: str
    headings: list[str]
    rows: list[list[str | int | float]]


class Result(msgspec.Struct, kw_only=True):
    """One measurement on one database. A check that is False makes the figures worthless."""

    measurement: str
    database: str
    figures: list[Figure]
    checks: dict[str, bool]
    grids: list[Grid] = []

    def figure(self, name: str) -> Figure:
        return next(figure for figure in self.figures if figure.name == name)


class Report(msgspec.Struct, kw_only=True):
    """A whole run."""

    at: str
    machine: dict[str, Any]
    options: dict[str, Any]
    results: list[Result]

    @property
    def sound(self) -> bool:
        """True if every check of every measurement held."""
        return all(all(result.checks.values()) for result in self.results)

    def write(self, path: Path) -> None:
        path.write_bytes(msgspec.json.format(msgspec.json.encode(self)) + b"\n")

    def show(self, console: Console) -> None:
        """Print it for a person."""
        console.print(table(self.results))
        for grid in (grid for result in self.results for grid in result.grids):
            console.print(detail(grid))
        console.print(self.place)
        for result in self.results:
            for check, held in result.checks.items():
                if not held:
                    console.print(f"[red]{result.measurement} on {result.database}: not true that {check}[/red]")

    def markdown(self) -> str:
        """The same for a page: a table for each measurement, and whatever did not hold."""
        return "\n\n".join([*(block for result in self.results for block in blocks(result)), self.place])

    @property
    def place(self) -> str:
        """Where and when it was measured."""
        machine = self.machine
        return (
            f"{machine['cpu']}, {machine['cores']} cores, Python {machine['python']}, "
            f"fdatasync {machine['fdatasync_ms']} ms, load average {machine['load_average'][0]:.2f}, {self.at}"
        )


def blocks(result: Result) -> Iterator[str]:
    shown = [[each.name, amount(each)] for each in result.figures]
    yield ruled([f"{result.measurement}, {result.database}", "figure"], shown)
    for grid in result.grids:
        yield ruled(grid.headings, [[cell(value) for value in row] for row in grid.rows])
    for check, held in result.checks.items():
        if not held:
            yield f"**Not true that {check}.**"


def amount(each: Figure) -> str:
    return f"{short(each.median)} {each.unit}" if each.unit else f"{each.median:,.0f}"


def ruled(headings: list[str], rows: list[list[str]]) -> str:
    lines = [headings, ["---", *["---:"] * (len(headings) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cell(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:,}" if isinstance(value, int) else short(value)


def detail(grid: Grid) -> Table:
    shown = Table(grid.headings[0], title=grid.title)
    for heading in grid.headings[1:]:
        shown.add_column(heading, justify="right", no_wrap=True)
    for row in grid.rows:
        shown.add_row(*(cell(value) for value in row))
    return shown


def figure(name: str, unit: str, rounds: Sequence[float]) -> Figure:
    digits = [round(value, 3) for value in rounds]
    return Figure(
        name=name,
        unit=unit,
        median=round(statistics.median(digits), 3),
        low=min(digits),
        high=max(digits),
        rounds=digits,
    )


def table(results: Sequence[Result]) -> Table:
    shown = Table("measurement", "database", "figure", title="bornier bench", caption=SCALE)
    for heading in ("median", "range", "unit"):
        shown.add_column(heading, justify="left" if heading == "unit" else "right", no_wrap=True)
    for result in results:
        for at, each in enumerate(result.figures):
            where = (result.measurement, result.database) if at == 0 else ("", "")
            spread = f"{short(each.low)} to {short(each.high)}" if len(each.rounds) > 1 else ""
            shown.add_row(*where, each.name, short(each.median), spread, each.unit)
        shown.add_section()
    return shown


def short(value: float) -> str:
    """Three digits that matter."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
