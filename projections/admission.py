"""Admissions: who tried to connect and was not let in?"""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Connection, Index, Integer, Table, Text, func, select

from domain.admission import Admission
from projections.change import Changes
from projections.page import Page, key, page
from projections.projection import Projection
from projections.table import METADATA, UtcTime

ATTEMPT = Table(
    "attempt",
    METADATA,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("at", UtcTime),
    Column("station_id", Text),
    Column("host", Text),
    Column("address", Text),
    Column("path", Text),
    Column("offered", JSON),
    Column("reason", Text),
    Column("status", Integer),
    Column("unrecorded", Integer),
    Index("attempt_by_station", "station_id", "position"),
    Index("attempt_by_host", "host", "position"),
)


def refused(changes: Changes, event: Admission.Refused, position: int) -> None:
    changes.add(
        "attempt",
        (position,),
        at=event.recorded_at,
        station_id=event.claimed_id,
        host=(event.address or "").rpartition(":")[0] or None,
        address=event.address,
        path=event.path,
        offered=list(event.offered),
        reason=event.reason,
        status=event.status,
        unrecorded=event.unrecorded,
    )


PROJECTION = Projection(
    name="admission",
    tables={"attempt": ATTEMPT},
    handlers={Admission.Refused: refused},
)


def attempts(
    connection: Connection, first: int, after: str | None = None, station_id: str | None = None, host: str | None = None
) -> Page:
    """Attempts, the newest first."""
    query = select(ATTEMPT).where(*conditions(station_id, host))
    if after is not None:
        query = query.where(ATTEMPT.c.position < key(after, tuple[int])[0])
    return page(list(connection.execute(query.order_by(ATTEMPT.c.position.desc()).limit(first + 1))), first)


def count(connection: Connection, station_id: str | None = None, host: str | None = None) -> int:
    query = select(func.count()).select_from(ATTEMPT).where(*conditions(station_id, host))
    return int(connection.execute(query).scalar() or 0)


def conditions(station_id: str | None, host: str | None) -> list[Any]:
    wanted: list[Any] = []
    if station_id is not None:
        wanted.append(ATTEMPT.c.station_id == station_id)
    if host is not None:
        wanted.append(ATTEMPT.c.host == host)
    return wanted
