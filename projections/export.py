"""Exports on a schedule: what is wanted, what arrived last, and what does not arrive?"""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, Integer, Table, Text

from domain.export import Export
from projections.change import Changes
from projections.projection import Projection, owner
from projections.table import METADATA, UtcTime

EXPORT = Table(
    "export",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("dataset", Text),
    Column("format", Text),
    Column("period", Text),
    Column("at", Text),
    Column("timezone", Text),
    Column("place", Text),
    Column("options", JSON),
    Column("site", Text),
    Column("scheduled_at", UtcTime),
    Column("stopped_at", UtcTime),
    Column("delivered_until", UtcTime),
    Column("file", Text),
    Column("rows", Integer),
    Column("size_bytes", BigInteger),
    Column("sha256", Text),
    Column("reflects", BigInteger),
    Column("failure", Text),
    Column("attempt", Integer),
    Column("position", BigInteger),
)


def scheduled(changes: Changes, event: Export.Scheduled, position: int) -> None:
    names = ("dataset", "format", "period", "at", "timezone", "place", "options", "site")
    wish = {name: getattr(event, name) for name in names}
    changes.put("export", (owner(event),), scheduled_at=event.recorded_at, attempt=0, position=position, **wish)


def delivered(changes: Changes, event: Export.Delivered, position: int) -> None:
    facts = {name: getattr(event, name) for name in ("file", "rows", "size_bytes", "sha256")}
    changes.put(
        "export", (owner(event),), delivered_until=event.until, reflects=event.position, failure=None, attempt=0,
        position=position, **facts,
    )  # fmt: skip


def failed(changes: Changes, event: Export.Failed, position: int) -> None:
    changes.put("export", (owner(event),), failure=event.reason, attempt=event.attempt, position=position)


def stopped(changes: Changes, event: Export.Stopped, position: int) -> None:
    changes.put("export", (owner(event),), stopped_at=event.recorded_at, position=position)


PROJECTION = Projection(
    name="export",
    tables={"export": EXPORT},
    handlers={
        Export.Scheduled: scheduled,
        Export.Delivered: delivered,
        Export.Failed: failed,
        Export.Stopped: stopped,
    },
)
