"""Tariffs: what does each say in which version, and which holds where, for whom and from when?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    Row,
    Select,
    Table,
    Text,
    func,
    select,
)

from domain.assignment import Assignment
from domain.tariff import Tariff
from projections.change import Changes
from projections.projection import Projection, owner
from projections.table import METADATA, UtcTime

TARIFF = Table(
    "tariff",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("version", Integer),
    Column("currency", Text),
    Column("type", Text),
    Column("terms", JSON),
    Column("published_at", UtcTime),
    Column("withdrawn_at", UtcTime),
    Column("withdrawn_reason", Text),
    Column("position", BigInteger),
)
VERSION = Table(
    "tariff_version",
    METADATA,
    Column("tariff_id", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("terms", JSON),
    Column("published_at", UtcTime),
    Column("position", BigInteger),
)
ASSIGNMENT = Table(
    "assignment",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("tariff_id", Text),
    Column("site", Text),
    Column("station_id", Text),
    Column("evse_id", Integer),
    Column("group", Text),
    Column("starts_at", UtcTime),
    Column("ends_at", UtcTime),
    Column("assigned_at", UtcTime),
    Column("revoked_at", UtcTime),
    Column("position", BigInteger),
    Index("assignment_by_tariff", "tariff_id", "id"),
)


def published(changes: Changes, event: Tariff.Published, position: int) -> None:
    said: dict[str, Any] = {
        "terms": msgspec.json.decode(msgspec.json.encode(event.terms)),
        "published_at": event.recorded_at,
        "position": position,
    }
    changes.put("tariff_version", (event.tariff_id, event.version), **said)
    changes.put(
        "tariff",
        (event.tariff_id,),
        version=event.version,
        currency=event.terms.currency,
        type=event.terms.type,
        withdrawn_at=None,
        withdrawn_reason=None,
        **said,
    )


def withdrawn(changes: Changes, event: Tariff.Withdrawn, position: int) -> None:
    at, reason = event.recorded_at, event.reason
    changes.put("tariff", (event.tariff_id,), withdrawn_at=at, withdrawn_reason=reason, position=position)


def assigned(changes: Changes, event: Assignment.Assigned, position: int) -> None:
    scope = {name: getattr(event.scope, name) for name in ("site", "station_id", "evse_id", "group")}
    times = {"starts_at": event.starts_at, "ends_at": event.ends_at, "assigned_at": event.recorded_at}
    changes.put("assignment", (owner(event),), tariff_id=event.tariff_id, position=position, **scope, **times)


def revoked(changes: Changes, event: Assignment.Revoked, position: int) -> None:
    changes.put("assignment", (owner(event),), revoked_at=event.recorded_at, position=position)


PROJECTION = Projection(
    name="tariff",
    tables={"tariff": TARIFF, "tariff_version": VERSION, "assignment": ASSIGNMENT},
    handlers={
        Tariff.Published: published,
        Tariff.Withdrawn: withdrawn,
        Assignment.Assigned: assigned,
        Assignment.Revoked: revoked,
    },
)


def by_id(connection: Connection, ids: Sequence[str]) -> dict[str, Row[Any]]:
    return {row.id: row for row in connection.execute(select(TARIFF).where(TARIFF.c.id.in_(ids)))}


def tariffs(search: str | None = None, withdrawn: bool | None = None) -> Select[Any]:
    """Tariffs in the order of their ids."""
    query = select(TARIFF)
    if search:
        query = query.where(func.lower(TARIFF.c.id).contains(search.lower(), autoescape=True))
    if withdrawn is not None:
        query = query.where(TARIFF.c.withdrawn_at.is_not(None) if withdrawn else TARIFF.c.withdrawn_at.is_(None))
    return query


def versions(tariff_id: str) -> Select[Any]:
    """The versions of a tariff, the first one first."""
    return select(VERSION).where(VERSION.c.tariff_id == tariff_id)


def assignments(
    tariff_id: str | None = None,
    site: str | None = None,
    station_id: str | None = None,
    group: str | None = None,
    revoked: bool | None = False,
) -> Select[Any]:
    """Assignments in the order of their ids; `station_id`: those of its EVSEs, too."""
    query = select(ASSIGNMENT)
    wanted = {"tariff_id": tariff_id, "site": site, "station_id": station_id, "group": group}
    for name, value in wanted.items():
        if value is not None:
            query = query.where(ASSIGNMENT.c[name] == value)
    if revoked is not None:
        condition = ASSIGNMENT.c.revoked_at
        query = query.where(condition.is_not(None) if revoked else condition.is_(None))
    return query
