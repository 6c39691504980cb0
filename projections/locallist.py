"""Local lists: which version has each station, and how far is its synchronisation?"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Connection, Integer, Table, Text, func, select

from domain.locallist import LocalList
from projections.change import Changes
from projections.page import Page, key, page
from projections.projection import Projection
from projections.table import METADATA, UtcTime

LIST = Table(
    "locallist",
    METADATA,
    Column("station_id", Text, primary_key=True),
    Column("version", Integer),
    Column("status", Text),
    Column("error", Text),
    Column("automatic", Boolean),
    Column("command_id", Text),
    Column("job_id", Text),
    Column("left", Integer),
    Column("entries", Integer),
    Column("requested_at", UtcTime),
    Column("changed_at", UtcTime),
    Column("position", BigInteger),
)


def requested(changes: Changes, event: LocalList.Requested, position: int) -> None:
    put(
        changes,
        event,
        position,
        status="REQUESTED",
        error=None,
        left=None,
        job_id=event.job_id,
        requested_at=event.recorded_at,
    )


def sent(changes: Changes, event: LocalList.Sent, position: int) -> None:
    put(changes, event, position, status="SENDING", error=None, left=event.left, command_id=event.command_id)


def installed(changes: Changes, event: LocalList.Installed, position: int) -> None:
    put(changes, event, position, status="INSTALLED", version=event.version)


def refused(changes: Changes, event: LocalList.Refused, position: int) -> None:
    put(changes, event, position, status="REFUSED", error=event.reason)


def synchronised(changes: Changes, event: LocalList.Synchronised, position: int) -> None:
    put(changes, event, position, status="SYNCHRONISED", error=None, left=0, entries=event.entries)


def abandoned(changes: Changes, event: LocalList.Abandoned, position: int) -> None:
    put(changes, event, position, status="ABANDONED", error=event.reason)


def reported(changes: Changes, event: LocalList.VersionReported, position: int) -> None:
    put(changes, event, position, version=event.version)


def automated(changes: Changes, event: LocalList.Automated, position: int) -> None:
    put(changes, event, position, automatic=event.automatic)


def put(changes: Changes, event: Any, position: int, **values: Any) -> None:
    station_id = event.originator_id.removeprefix("locallist/")
    changes.put("locallist", (station_id,), position=position, changed_at=event.recorded_at, **values)


PROJECTION = Projection(
    name="locallist",
    tables={"locallist": LIST},
    handlers={
        LocalList.Requested: requested,
        LocalList.Sent: sent,
        LocalList.Installed: installed,
        LocalList.Refused: refused,
        LocalList.Synchronised: synchronised,
        LocalList.Abandoned: abandoned,
        LocalList.VersionReported: reported,
        LocalList.Automated: automated,
    },
)


def lists(connection: Connection, first: int, after: str | None = None, station_id: str | None = None) -> Page:
    """Local lists by station."""
    query = select(LIST).where(*conditions(station_id))
    if after is not None:
        (station,) = key(after, tuple[str])
        query = query.where(LIST.c.station_id > station)
    return page(list(connection.execute(query.order_by(LIST.c.station_id).limit(first + 1))), first)


def count(connection: Connection, station_id: str | None = None) -> int:
    return int(connection.execute(select(func.count()).select_from(LIST).where(*conditions(station_id))).scalar() or 0)


def conditions(station_id: str | None) -> list[Any]:
    return [] if station_id is None else [LIST.c.station_id == station_id]
