"""Points: what was declared of every charge point, and which maintenance was planned?"""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import JSON, BigInteger, Column, Index, Integer, Select, Table, Text, select

from domain.point import Point
from projections.change import Changes
from projections.projection import Projection
from projections.table import METADATA, UtcTime

POINT = Table(
    "point",
    METADATA,
    Column("station_id", Text, primary_key=True),
    Column("evse_id", Integer, primary_key=True),
    Column("site", Text),
    Column("evse_uid", Text),
    Column("equipment", JSON(none_as_null=True)),
    Column("described_at", UtcTime),
    Column("withdrawn_at", UtcTime),
    Column("withdrawn_reason", Text),
    Column("position", BigInteger),
    Index("point_by_evse_uid", "evse_uid"),
)
PLAN = Table(
    "maintenance",
    METADATA,
    Column("station_id", Text, primary_key=True),
    Column("evse_id", Integer, primary_key=True),
    Column("plan", Integer, primary_key=True),
    Column("starts_at", UtcTime),
    Column("ends_at", UtcTime),
    Column("reason", Text),
    Column("announced_at", UtcTime),
    Column("cancelled_at", UtcTime),
)


def described(changes: Changes, event: Point.Described, position: int) -> None:
    changes.put(
        "point",
        (event.station_id, event.evse_id),
        site=event.equipment.site,
        evse_uid=event.equipment.evse_uid,
        equipment=msgspec.json.decode(msgspec.json.encode(event.equipment)),
        described_at=event.recorded_at,
        withdrawn_at=None,
        withdrawn_reason=None,
        position=position,
    )


def withdrawn(changes: Changes, event: Point.Withdrawn, position: int) -> None:
    key = event.station_id, event.evse_id
    changes.put("point", key, withdrawn_at=event.recorded_at, withdrawn_reason=event.reason, position=position)


def planned(changes: Changes, event: Point.MaintenancePlanned, position: int) -> None:
    changes.put(
        "maintenance",
        (event.station_id, event.evse_id, event.originator_version),
        starts_at=event.starts_at,
        ends_at=event.ends_at,
        reason=event.reason,
        announced_at=event.recorded_at,
    )


def cancelled(changes: Changes, event: Point.MaintenanceCancelled, position: int) -> None:
    changes.put("maintenance", (event.station_id, event.evse_id, event.plan), cancelled_at=event.recorded_at)


PROJECTION = Projection(
    name="point",
    tables={"point": POINT, "maintenance": PLAN},
    handlers={
        Point.Described: described,
        Point.Withdrawn: withdrawn,
        Point.MaintenancePlanned: planned,
        Point.MaintenanceCancelled: cancelled,
    },
)


def maintenances(station_id: str | None = None) -> Select[Any]:
    """Planned maintenance, in the order of station, EVSE and announcement."""
    query = select(PLAN)
    return query if station_id is None else query.where(PLAN.c.station_id == station_id)
