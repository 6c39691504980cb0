"""Reservations: who is promised which EVSE until when, and what came of it?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Index, Integer, Row, Table, Text, select

from domain.reservation import Reservation
from projections.change import Changes
from projections.projection import Projection
from projections.table import METADATA, UtcTime

RESERVATION = Table(
    "reservation",
    METADATA,
    Column("id", BigInteger, primary_key=True),
    Column("station_id", Text),
    Column("evse_id", Integer),
    Column("connector_type", Text),
    Column("badge", Text),
    Column("group_badge", Text),
    Column("status", Text),
    Column("reason", Text),
    Column("requested_by", Text),
    Column("requested_at", UtcTime),
    Column("expires_at", UtcTime),
    Column("ended_at", UtcTime),
    Column("transaction_id", Text),
    Column("position", BigInteger),
    Index("reservation_by_station", "station_id", "id"),
    Index("reservation_by_badge", "badge", "id"),
)


def requested(changes: Changes, event: Reservation.Requested, position: int) -> None:
    names = ("station_id", "evse_id", "connector_type", "badge", "group_badge", "requested_by", "expires_at")
    facts = {name: getattr(event, name) for name in names}
    put(changes, event, position, status="REQUESTED", requested_at=event.recorded_at, **facts)


def placed(changes: Changes, event: Reservation.Placed, position: int) -> None:
    put(changes, event, position, status="ACTIVE")


def refused(changes: Changes, event: Reservation.Refused, position: int) -> None:
    end(changes, event, position, status="REFUSED", reason=event.reason)


def used(changes: Changes, event: Reservation.Used, position: int) -> None:
    end(changes, event, position, status="USED", reason=None, transaction_id=event.transaction_id)


def cancelled(changes: Changes, event: Reservation.Cancelled, position: int) -> None:
    end(changes, event, position, status="CANCELLED")


def expired(changes: Changes, event: Reservation.Expired, position: int) -> None:
    end(changes, event, position, status="EXPIRED")


def removed(changes: Changes, event: Reservation.Removed, position: int) -> None:
    end(changes, event, position, status="REMOVED", reason=event.reason)


def end(changes: Changes, event: Any, position: int, **values: Any) -> None:
    put(changes, event, position, ended_at=event.recorded_at, **values)


def put(changes: Changes, event: Any, position: int, **values: Any) -> None:
    changes.put("reservation", (int(event.originator_id.removeprefix("reservation/")),), position=position, **values)


PROJECTION = Projection(
    name="reservation",
    tables={"reservation": RESERVATION},
    handlers={
        Reservation.Requested: requested,
        Reservation.Placed: placed,
        Reservation.Refused: refused,
        Reservation.Used: used,
        Reservation.Cancelled: cancelled,
        Reservation.Expired: expired,
        Reservation.Removed: removed,
    },
)


def by_id(connection: Connection, ids: Sequence[int]) -> dict[int, Row[Any]]:
    return {row.id: row for row in connection.execute(select(RESERVATION).where(RESERVATION.c.id.in_(ids)))}
