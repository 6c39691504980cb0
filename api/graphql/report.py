"""Reports: answers of stations that come in several parts, whole when all parts are there (OCPP 2.x)."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any

import strawberry

from api.graphql.context import asker
from api.graphql.page import Connection, bounded, connection
from api.graphql.scalar import DateTime, Position
from projections import report as view
from projections.page import cursor

NOTHING = ("EmptyResultSet", "Unknown")
GAPS = 100


@strawberry.enum(description="What a report tells.")
class ReportKind(Enum):
    VARIABLES = strawberry.enum_value("VARIABLES", description="Of the device model (getBaseReport, getReport).")
    MONITORS = strawberry.enum_value("MONITORS", description="Of monitors (getMonitoringReport).")
    CUSTOMER = strawberry.enum_value("CUSTOMER", description="Of a person (customerInformation).")
    DISPLAY = strawberry.enum_value("DISPLAY", description="Of messages on the screen (getDisplayMessages).")


@strawberry.type(description="One part of a report.")
class ReportPart:
    seq_no: int = strawberry.field(description="Its number, from 0.")
    final: bool = strawberry.field(description="It is the last one.")
    line_count: int = strawberry.field(description="How many variables, monitors, texts or messages it has.")
    received_at: DateTime = strawberry.field(description="When it came.")


@strawberry.type(description="An answer of a station in several parts.")
class Report:
    station_id: strawberry.ID = strawberry.field(description="The station.")
    kind: ReportKind = strawberry.field(description="What it tells.")
    request_id: int = strawberry.field(description="The number of our request; another, if the station began it.")
    subject: str | None = strawberry.field(description="What we asked for; null if we did not ask.")
    status: str | None = strawberry.field(description="What the station answered: Accepted, EmptyResultSet, …")
    began_at: DateTime = strawberry.field(description="When we first knew of it.")
    complete: bool = strawberry.field(description="All parts have come, or the station said that there is nothing.")
    missing: list[int] = strawberry.field(description="Numbers of the first parts that others have overtaken.")
    line_count: int = strawberry.field(description="How many variables, monitors, texts or messages have come.")
    parts: list[ReportPart] = strawberry.field(description="The parts that have come.")
    position: Position = strawberry.field(description="The latest event that changed it.")


def report(row: Any, parts: Sequence[Any]) -> Report:
    missing = gaps([part.seq_no for part in parts])
    whole = any(part.final for part in parts) and parts[-1].final and not missing
    return Report(
        station_id=row.station_id,
        kind=ReportKind(row.kind),
        request_id=row.request_id,
        subject=row.subject,
        status=row.status,
        began_at=row.began_at,
        complete=whole or (not parts and row.status in NOTHING),
        missing=missing,
        line_count=sum(part.line_count for part in parts),
        parts=[part_of(part) for part in parts],
        position=Position(row.position),
    )


def part_of(row: Any) -> ReportPart:
    return ReportPart(seq_no=row.seq_no, final=row.final, line_count=row.line_count, received_at=row.received_at)


def gaps(numbers: Sequence[int]) -> list[int]:
    """Which numbers from 0 are not among these (in order); only the first few, for a station may count strangely."""
    missing: list[int] = []
    expected = 0
    for number in numbers:
        missing += range(expected, min(number, expected + GAPS))
        expected = number + 1
    return missing[:GAPS]


@strawberry.type
class ReportQuery:
    @strawberry.field(description="Reports of a station, the newest first.")
    async def reports(
        self,
        info: strawberry.Info,
        station_id: strawberry.ID,
        kind: ReportKind | None = None,
        request_id: int | None = None,
        first: int | None = 50,
        after: str | None = None,
    ) -> Connection[Report]:
        reads, limit = asker(info).reads, bounded(first)
        wanted: dict[str, Any] = {"station_id": station_id, "kind": kind.value if kind else None}
        wanted["request_id"] = request_id
        position = await reads.position("report")
        found = await reads.run(lambda c: view.reports(c, limit, after, **wanted))
        keys = [(row.station_id, row.kind, row.request_id) for row in found.rows]
        parts = await reads.run(lambda c: view.parts(c, keys))
        nodes = [
            (cursor(row.began_at, row.kind, row.request_id), report(row, parts[key]))
            for row, key in zip(found.rows, keys, strict=True)
        ]
        return connection(nodes, found.more, position, lambda: reads.run(lambda c: view.count(c, **wanted)))
