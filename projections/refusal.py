"""Refusals: which messages of stations could we not accept, and why?"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Table, Text

from domain.event import Message
from domain.station import Station
from projections.change import Changes
from projections.projection import Projection
from projections.table import METADATA, UtcTime

REFUSAL = Table(
    "refusal",
    METADATA,
    Column("position", BigInteger, primary_key=True),
    Column("station_id", Text),
    Column("action", Text),
    Column("code", Text),
    Column("reason", Text),
    Column("raw", Text),
    Column("received_at", UtcTime),
    Index("refusal_by_station", "station_id", "position"),
)


def refused(changes: Changes, event: Station.MessageRefused, position: int) -> None:
    changes.add(
        "refusal",
        (position,),
        station_id=event.originator_id.removeprefix("station/"),
        action=event.cause.action if isinstance(event.cause, Message) else "",
        code=event.code,
        reason=event.reason,
        raw=event.raw,
        received_at=event.recorded_at,
    )


PROJECTION = Projection(name="refusal", tables={"refusal": REFUSAL}, handlers={Station.MessageRefused: refused})
