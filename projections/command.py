"""Commands: what was asked of stations, and what became of it?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import JSON, BigInteger, Column, Connection, Index, Row, Table, Text, and_, func, or_, select

from domain.command import Command
from projections.change import Changes
from projections.page import Page, key, page
from projections.projection import Projection
from projections.table import METADATA, UtcTime

COMMAND = Table(
    "command",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("station_id", Text),
    Column("action", Text),
    Column("parameters", JSON),
    Column("status", Text),
    Column("requested_by", Text),
    Column("requested_at", UtcTime),
    Column("deadline", UtcTime),
    Column("sent_at", UtcTime),
    Column("answered_at", UtcTime),
    Column("answer", JSON(none_as_null=True)),
    Column("error", Text),
    Column("transaction_id", Text),
    Column("given_up_at", UtcTime),
    Column("position", BigInteger),
    Index("command_by_time", "requested_at", "id"),
    Index("command_by_station", "station_id", "requested_at", "id"),
    Index("command_by_status", "status", "requested_at", "id"),
)


def requested(changes: Changes, event: Command.Requested, position: int) -> None:
    put(
        changes,
        event,
        position,
        station_id=event.station_id,
        action=event.action,
        parameters=shown(event.parameters),
        status="REQUESTED",
        requested_by=event.requested_by,
        requested_at=event.recorded_at,
        deadline=event.deadline,
    )


def shown(parameters: dict[str, Any]) -> dict[str, Any]:
    """Without the one-time address: it is for the station it was made for, not for all who may read commands."""
    return {name: value for name, value in parameters.items() if name != "address"}


def sent(changes: Changes, event: Command.Sent, position: int) -> None:
    put(changes, event, position, status="SENT", sent_at=event.recorded_at)


def answered(changes: Changes, event: Command.Answered, position: int) -> None:
    put(
        changes,
        event,
        position,
        status="ACCEPTED" if event.accepted else "REJECTED",
        answer=msgspec.json.decode(event.answer),
        error=event.reason,
        answered_at=event.recorded_at,
    )


def refused(changes: Changes, event: Command.Refused, position: int) -> None:
    put(changes, event, position, status="REJECTED", error=event.reason)


def failed(changes: Changes, event: Command.Failed, position: int) -> None:
    put(changes, event, position, status="FAILED", error=event.reason)


def timed_out(changes: Changes, event: Command.TimedOut, position: int) -> None:
    put(changes, event, position, status="TIMED_OUT", error=event.reason)


def expired(changes: Changes, event: Command.Expired, position: int) -> None:
    put(changes, event, position, status="EXPIRED", error=event.reason)


def fulfilled(changes: Changes, event: Command.Fulfilled, position: int) -> None:
    put(changes, event, position, transaction_id=event.transaction_id, given_up_at=None)


def given_up(changes: Changes, event: Command.GivenUp, position: int) -> None:
    put(changes, event, position, given_up_at=event.recorded_at)


def put(changes: Changes, event: Any, position: int, **values: Any) -> None:
    changes.put("command", (event.originator_id.removeprefix("command/"),), position=position, **values)


PROJECTION = Projection(
    name="command",
    tables={"command": COMMAND},
    handlers={
        Command.Requested: requested,
        Command.Sent: sent,
        Command.Answered: answered,
        Command.Refused: refused,
        Command.Failed: failed,
        Command.TimedOut: timed_out,
        Command.Expired: expired,
        Command.Fulfilled: fulfilled,
        Command.GivenUp: given_up,
    },
)


def commands(
    connection: Connection,
    first: int,
    after: str | None = None,
    station_id: str | None = None,
    status: str | None = None,
) -> Page:
    """Commands, the newest first."""
    query = select(COMMAND).where(*conditions(station_id, status))
    if after is not None:
        at, id_ = key(after, tuple[datetime, str])
        same = and_(COMMAND.c.requested_at == at, COMMAND.c.id < id_)
        query = query.where(COMMAND.c.requested_at <= at, or_(COMMAND.c.requested_at < at, same))
    query = query.order_by(COMMAND.c.requested_at.desc(), COMMAND.c.id.desc()).limit(first + 1)
    return page(list(connection.execute(query)), first)


def count(connection: Connection, station_id: str | None = None, status: str | None = None) -> int:
    query = select(func.count()).select_from(COMMAND).where(*conditions(station_id, status))
    return int(connection.execute(query).scalar() or 0)


def conditions(station_id: str | None, status: str | None) -> list[Any]:
    wanted: list[Any] = []
    if station_id is not None:
        wanted.append(COMMAND.c.station_id == station_id)
    if status is not None:
        wanted.append(COMMAND.c.status == status)
    return wanted


def by_id(connection: Connection, ids: Sequence[str]) -> dict[str, Row[Any]]:
    return {row.id: row for row in connection.execute(select(COMMAND).where(COMMAND.c.id.in_(ids)))}
