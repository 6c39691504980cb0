"""Reports: which answers in several parts did stations promise, and are all parts there?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Index,
    Integer,
    Row,
    Table,
    Text,
    func,
    literal,
    select,
    tuple_,
)

from domain.customer import Customer
from domain.device import Device
from domain.display import Display
from projections.change import Changes
from projections.page import Page, key, page
from projections.projection import Projection, owner
from projections.table import METADATA, UtcTime

REPORT = Table(
    "report",
    METADATA,
    Column("station_id", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("request_id", Integer, primary_key=True),
    Column("subject", Text),
    Column("status", Text),
    Column("began_at", UtcTime),
    Column("position", BigInteger),
    Index("report_by_station", "station_id", "began_at", "kind", "request_id"),
)
PART = Table(
    "report_part",
    METADATA,
    Column("station_id", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("request_id", Integer, primary_key=True),
    Column("seq_no", Integer, primary_key=True),
    Column("final", Boolean),
    Column("line_count", Integer),
    Column("received_at", UtcTime),
)


def ordered(changes: Changes, event: Device.ReportOrdered, position: int) -> None:
    promised(changes, event, position, event.kind, event.subject, event.status)


def display_ordered(changes: Changes, event: Display.ReportOrdered, position: int) -> None:
    promised(changes, event, position, "DISPLAY", event.subject, event.status)


def customer_ordered(changes: Changes, event: Customer.InformationOrdered, position: int) -> None:
    subject = " and ".join(word for word, asked in (("report", event.report), ("clear", event.clear)) if asked)
    promised(changes, event, position, "CUSTOMER", subject or "nothing", event.status)


def promised(changes: Changes, event: Any, position: int, kind: str, subject: str, status: str) -> None:
    at = (owner(event), kind, event.request_id)
    changes.put("report", at, subject=subject, status=status, position=position)
    changes.first("report", at, "began_at", event.recorded_at)


def variables(changes: Changes, event: Device.VariablesReported, position: int) -> None:
    part(changes, event, position, "VARIABLES", len(event.variables))


def monitors(changes: Changes, event: Device.MonitorsReported, position: int) -> None:
    part(changes, event, position, "MONITORS", len(event.monitors))


def customer(changes: Changes, event: Customer.InformationTold, position: int) -> None:
    part(changes, event, position, "CUSTOMER", 1)


def messages(changes: Changes, event: Display.MessagesReported, position: int) -> None:
    part(changes, event, position, "DISPLAY", len(event.messages))


def part(changes: Changes, event: Any, position: int, kind: str, lines: int) -> None:
    at = (owner(event), kind, event.request_id)
    changes.put("report", at, position=position)
    changes.first("report", at, "began_at", event.recorded_at)
    final, now = not event.to_be_continued, event.recorded_at
    changes.put("report_part", (*at, event.seq_no), final=final, line_count=lines, received_at=now)


PROJECTION = Projection(
    name="report",
    tables={"report": REPORT, "report_part": PART},
    handlers={
        Device.ReportOrdered: ordered,
        Device.VariablesReported: variables,
        Device.MonitorsReported: monitors,
        Customer.InformationOrdered: customer_ordered,
        Customer.InformationTold: customer,
        Display.ReportOrdered: display_ordered,
        Display.MessagesReported: messages,
    },
)
KEY = (REPORT.c.began_at, REPORT.c.kind, REPORT.c.request_id)


def reports(connection: Connection, first: int, after: str | None = None, **wanted: Any) -> Page:
    """Reports of a station, the newest first; `wanted`: station_id, and perhaps kind and request_id."""
    query = select(REPORT).where(*conditions(wanted))
    if after is not None:
        began_at, kind, request_id = key(after, tuple[datetime, str, int])
        last = tuple_(literal(began_at, UtcTime), literal(kind), literal(request_id))
        query = query.where(tuple_(*KEY) < last)
    query = query.order_by(*(column.desc() for column in KEY)).limit(first + 1)
    return page(list(connection.execute(query)), first)


def count(connection: Connection, **wanted: Any) -> int:
    query = select(func.count()).select_from(REPORT).where(*conditions(wanted))
    return int(connection.execute(query).scalar() or 0)


def conditions(wanted: dict[str, Any]) -> list[Any]:
    return [REPORT.c[name] == value for name, value in wanted.items() if value is not None]


def parts(connection: Connection, keys: Sequence[tuple[str, str, int]]) -> dict[tuple[str, str, int], list[Row[Any]]]:
    """The parts that have come of some reports, by number."""
    found: dict[tuple[str, str, int], list[Row[Any]]] = {key: [] for key in keys}
    whose = tuple_(PART.c.station_id, PART.c.kind, PART.c.request_id)
    for row in connection.execute(select(PART).where(whose.in_(keys)).order_by(PART.c.seq_no)) if keys else ():
        found[row.station_id, row.kind, row.request_id].append(row)
    return found
