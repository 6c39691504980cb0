"""Uptime: how available was every EVSE in every month, by which rule, and by which rules before?"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Float, Integer, Select, Table, Text, select

from domain.uptime import Uptime
from projections.change import Changes
from projections.projection import Projection
from projections.station import STATION
from projections.table import METADATA, UtcTime

UPTIME = Table(
    "uptime",
    METADATA,
    Column("station_id", Text, primary_key=True),
    Column("evse_id", Integer, primary_key=True),
    Column("month", Text, primary_key=True),
    Column("rule", Integer, primary_key=True),
    Column("began_at", UtcTime),
    Column("up_s", Integer),
    Column("down_s", Integer),
    Column("excluded_s", Integer),
    Column("unknown_s", Integer),
    Column("percent", Float),
    Column("measured_at", UtcTime),
    Column("superseded_at", UtcTime),
    Column("position", BigInteger),
)


def measured(changes: Changes, event: Uptime.Measured, position: int) -> None:
    said, key = event.figures, (event.station_id, event.evse_id, event.month)
    changes.put(
        "uptime",
        (*key, event.rule),
        began_at=event.began_at,
        up_s=said.up_s,
        down_s=said.down_s,
        excluded_s=said.excluded_s,
        unknown_s=said.unknown_s,
        percent=None if said.percent is None else float(said.percent),
        measured_at=event.recorded_at,
        superseded_at=None,
        position=position,
    )
    if event.instead_of is not None:
        changes.put("uptime", (*key, event.instead_of), superseded_at=event.recorded_at)


PROJECTION = Projection(name="uptime", tables={"uptime": UPTIME}, handlers={Uptime.Measured: measured})


def uptimes(
    site: str | None = None,
    station_id: str | None = None,
    evse_id: int | None = None,
    from_month: str | None = None,
    to_month: str | None = None,
    superseded: bool = False,
) -> Select[Any]:
    """In the order of station, EVSE, month and rule."""
    query = select(UPTIME)
    if not superseded:
        query = query.where(UPTIME.c.superseded_at.is_(None))
    if site is not None:
        query = query.where(UPTIME.c.station_id.in_(select(STATION.c.id).where(STATION.c.site == site)))
    for column, wanted in ((UPTIME.c.station_id, station_id), (UPTIME.c.evse_id, evse_id)):
        query = query if wanted is None else query.where(column == wanted)
    query = query if from_month is None else query.where(UPTIME.c.month >= from_month)
    return query if to_month is None else query.where(UPTIME.c.month <= to_month)
