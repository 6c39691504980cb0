"""Incidents: what touching security happened on stations (SecurityEventNotification)?"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Table, Text

from domain.station import Station
from projections.change import Changes
from projections.projection import Projection
from projections.table import METADATA, UtcTime

INCIDENT = Table(
    "incident",
    METADATA,
    Column("position", BigInteger, primary_key=True),
    Column("station_id", Text),
    Column("kind", Text),
    Column("detail", Text),
    Column("occurred_at", UtcTime),
    Column("received_at", UtcTime),
    Index("incident_by_station", "station_id", "position"),
)


def reported(changes: Changes, event: Station.SecurityEventReported, position: int) -> None:
    changes.add(
        "incident",
        (position,),
        station_id=event.originator_id.removeprefix("station/"),
        kind=event.kind,
        detail=event.detail,
        occurred_at=event.occurred_at,
        received_at=event.recorded_at,
    )


PROJECTION = Projection(
    name="incident", tables={"incident": INCIDENT}, handlers={Station.SecurityEventReported: reported}
)
