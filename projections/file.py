"""Files: which firmware images and which logs do we have?"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Index, Table, Text, and_, func, or_, select

from domain.event import Event
from domain.file import File
from projections.change import Changes
from projections.page import Page, key, page
from projections.projection import Projection
from projections.table import METADATA, UtcTime

FILE = Table(
    "file",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("name", Text),
    Column("purpose", Text),
    Column("size_bytes", BigInteger),
    Column("sha256", Text),
    Column("md5", Text),
    Column("content_type", Text),
    Column("station_id", Text),
    Column("job_id", Text),
    Column("stored_by", Text),
    Column("stored_at", UtcTime),
    Column("deleted_at", UtcTime),
    Column("position", BigInteger),
    Index("file_by_time", "stored_at", "id"),
    Index("file_by_station", "station_id", "stored_at", "id"),
)
FACTS = ("name", "purpose", "size_bytes", "sha256", "md5", "content_type", "station_id", "job_id", "stored_by")


def stored(changes: Changes, event: File.Stored, position: int) -> None:
    facts = {name: getattr(event, name) for name in FACTS}
    put(changes, event, position, stored_at=event.recorded_at, **facts)


def deleted(changes: Changes, event: File.Deleted, position: int) -> None:
    put(changes, event, position, deleted_at=event.recorded_at)


def put(changes: Changes, event: Event, position: int, **values: Any) -> None:
    changes.put("file", (event.originator_id.removeprefix("file/"),), position=position, **values)


PROJECTION = Projection(name="file", tables={"file": FILE}, handlers={File.Stored: stored, File.Deleted: deleted})


def files(
    connection: Connection,
    first: int,
    after: str | None = None,
    purpose: str | None = None,
    station_id: str | None = None,
) -> Page:
    """Files that are still there, the newest first."""
    query = select(FILE).where(*conditions(purpose, station_id))
    if after is not None:
        at, id_ = key(after, tuple[datetime, str])
        same = and_(FILE.c.stored_at == at, FILE.c.id < id_)
        query = query.where(FILE.c.stored_at <= at, or_(FILE.c.stored_at < at, same))
    query = query.order_by(FILE.c.stored_at.desc(), FILE.c.id.desc()).limit(first + 1)
    return page(list(connection.execute(query)), first)


def count(connection: Connection, purpose: str | None = None, station_id: str | None = None) -> int:
    query = select(func.count()).select_from(FILE).where(*conditions(purpose, station_id))
    return int(connection.execute(query).scalar() or 0)


def conditions(purpose: str | None, station_id: str | None) -> list[Any]:
    wanted: list[Any] = [FILE.c.deleted_at.is_(None)]
    if purpose is not None:
        wanted.append(FILE.c.purpose == purpose)
    if station_id is not None:
        wanted.append(FILE.c.station_id == station_id)
    return wanted
