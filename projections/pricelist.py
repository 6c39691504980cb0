"""Pricelists: which tariffs has a station installed?"""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Connection, Integer, Row, Table, Text, select

from domain.pricelist import Pricelist
from projections.change import Changes
from projections.projection import Projection
from projections.table import METADATA, UtcTime

PRICELIST = Table(
    "pricelist",
    METADATA,
    Column("station_id", Text, primary_key=True),
    Column("evse_id", Integer, primary_key=True),
    Column("tariff_id", Text, primary_key=True),
    Column("kind", Text),
    Column("tariff", JSON(none_as_null=True)),
    Column("since", UtcTime),
    Column("until", UtcTime),
    Column("position", BigInteger),
)


def installed(changes: Changes, event: Pricelist.Installed, position: int) -> None:
    put(changes, event, position, kind="DEFAULT", tariff=event.tariff, since=event.recorded_at, until=None)


def found(changes: Changes, event: Pricelist.Found, position: int) -> None:
    put(changes, event, position, kind=event.kind, since=event.recorded_at, until=None)


def withdrawn(changes: Changes, event: Pricelist.Withdrawn, position: int) -> None:
    put(changes, event, position, until=event.recorded_at)


def put(changes: Changes, event: Any, position: int, **values: Any) -> None:
    changes.put("pricelist", (event.station_id, event.evse_id, event.tariff_id), position=position, **values)


PROJECTION = Projection(
    name="pricelist",
    tables={"pricelist": PRICELIST},
    handlers={Pricelist.Installed: installed, Pricelist.Found: found, Pricelist.Withdrawn: withdrawn},
)


def tariffs(connection: Connection, station_id: str) -> list[Row[Any]]:
    """What is in force on a station now, by EVSE."""
    mine = (PRICELIST.c.station_id == station_id, PRICELIST.c.until.is_(None))
    query = select(PRICELIST).where(*mine).order_by(PRICELIST.c.evse_id, PRICELIST.c.tariff_id)
    return list(connection.execute(query))
