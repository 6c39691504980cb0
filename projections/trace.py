"""Traces: in which streams of the history is what a station said, and what it was told?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Table, Text, select

from domain.catalog import CATALOG
from domain.event import Event
from domain.transaction import Transaction
from projections.change import Changes
from projections.projection import Projection
from projections.table import METADATA

TRACE = Table(
    "trace",
    METADATA,
    Column("station_id", Text, primary_key=True),
    Column("stream", Text, primary_key=True),
    Column("position", BigInteger),
)
NOUNS = frozenset(name.split(".", 1)[0] for name in CATALOG.events)


def named(changes: Changes, event: Any, position: int) -> None:
    """An event that names its station: so its whole stream belongs to it."""
    key = (event.station_id, event.originator_id)
    if event.station_id is not None and key not in changes.adds["trace"]:
        changes.add("trace", key, position=position)


PROJECTION = Projection(
    name="trace",
    tables={"trace": TRACE},
    handlers={
        kind: named
        for kind in CATALOG.events.values()
        if "station_id" in kind.__struct_fields__ and kind is not Transaction.Metered  # a start has named it before
    },
)


def streams(connection: Connection, station_id: str, before: int) -> Sequence[str]:
    """The streams of a station that began before a position: those that name it, and those named after it."""
    query = select(TRACE.c.stream).where(TRACE.c.station_id == station_id, TRACE.c.position < before)
    return [*connection.execute(query.order_by(TRACE.c.position)).scalars(), *own(station_id)]


def own(station_id: str) -> list[str]:
    """`station/CP001`, `device/CP001`, …: whether there is something in them or not."""
    return [f"{noun}/{station_id}" for noun in sorted(NOUNS)]


def names(event: Event, station_id: str) -> bool:
    """For events that the read model has not seen yet."""
    return getattr(event, "station_id", None) == station_id


def begun(connection: Connection, station_id: str) -> list[tuple[str, int]]:
    """The streams that name a station, and where they first do."""
    query = select(TRACE.c.stream, TRACE.c.position).where(TRACE.c.station_id == station_id)
    return [(stream, position) for stream, position in connection.execute(query)]


def named_in(connection: Connection, station_id: str, stream: str) -> bool:
    """Does a stream name a station?"""
    query = select(TRACE.c.position).where(TRACE.c.station_id == station_id, TRACE.c.stream == stream)
    return connection.execute(query).first() is not None
