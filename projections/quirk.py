"""Quirks: which rules of OCPP does each station not keep to?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Row, Table, Text, select

from domain.station import Station
from projections.change import Changes
from projections.projection import Projection
from projections.table import METADATA, UtcTime

QUIRK = Table(
    "quirk",
    METADATA,
    Column("station_id", Text, primary_key=True),
    Column("rule", Text, primary_key=True),
    Column("first_seen_at", UtcTime),
    Column("position", BigInteger),
)


def noticed(changes: Changes, event: Station.QuirkNoticed, position: int) -> None:
    key = event.originator_id.removeprefix("station/"), event.rule
    changes.put("quirk", key, first_seen_at=event.recorded_at, position=position)


PROJECTION = Projection(name="quirk", tables={"quirk": QUIRK}, handlers={Station.QuirkNoticed: noticed})


def quirks(connection: Connection, station_ids: Sequence[str]) -> dict[str, list[Row[Any]]]:
    """The quirks of several stations, the oldest first."""
    query = select(QUIRK).where(QUIRK.c.station_id.in_(station_ids)).order_by(QUIRK.c.position)
    found: dict[str, list[Row[Any]]] = {station_id: [] for station_id in station_ids}
    for row in connection.execute(query):
        found[row.station_id].append(row)
    return found
