"""Badges: who may charge on which terms, what we said when they were shown, and where they charge now?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Index,
    Integer,
    Row,
    Table,
    Text,
    func,
    select,
    text,
)

from domain.badge import Badge, Terms, fold
from domain.station import Station
from domain.transaction import Transaction
from projections.change import Changes
from projections.page import Page, key, page
from projections.projection import Projection
from projections.table import METADATA, UtcTime

Charge = tuple[str, str | None, str, str | None]
"""(transaction id, the badge that pays if any does yet, station id, our verdict on it)."""

OPEN = "ended_at IS NULL"
BADGE = Table(
    "badge",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("badge", Text),
    Column("kind", Text),
    Column("group", Text),
    Column("expires_at", UtcTime),
    Column("concurrent", Integer),
    Column("stations", JSON),
    Column("sites", JSON),
    Column("evses", JSON),
    Column("cache_s", BigInteger),
    Column("language", Text),
    Column("message", Text),
    Column("priority", Integer),
    Column("blocked", Boolean),
    Column("blocked_reason", Text),
    Column("registered_at", UtcTime),
    Column("removed_at", UtcTime),
    Column("position", BigInteger),
    Index("badge_by_group", "group", "id"),
)
CHECK = Table(
    "badge_check",
    METADATA,
    Column("position", BigInteger, primary_key=True),
    Column("badge_id", Text),
    Column("badge", Text),
    Column("station_id", Text),
    Column("at", UtcTime),
    Column("occasion", Text),
    Column("verdict", Text),
    Column("reason", Text),
    Column("kind", Text),
    Column("transaction_id", Text),
    Column("started_at", UtcTime),
    Column("verdict_then", Text),
    Index("badge_check_by_badge", "badge_id", "position"),
    Index("badge_check_by_station", "station_id", "position"),
)
USE = Table(
    "badge_use",
    METADATA,
    Column("transaction_id", Text, primary_key=True),
    Column("badge", Text),
    Column("badge_id", Text),
    Column("station_id", Text),
    Column("verdict", Text),
    Column("ended_at", UtcTime),
    Index("badge_use_by_badge", "badge_id", "ended_at"),
    Index("badge_use_open", "transaction_id", postgresql_where=text(OPEN), sqlite_where=text(OPEN)),
)


def registered(changes: Changes, event: Badge.Registered, position: int) -> None:
    terms = {name: getattr(event, name) for name in Terms.__struct_fields__}
    put(
        changes,
        event,
        position,
        badge=event.badge,
        registered_at=event.recorded_at,
        removed_at=None,
        **terms
        | {
            "stations": list(event.stations),
            "sites": list(event.sites),
            "evses": [msgspec.structs.asdict(place) for place in event.evses],
        },
    )
    changes.first("badge", identity(event), "blocked", False)


def blocked(changes: Changes, event: Badge.Blocked, position: int) -> None:
    put(changes, event, position, blocked=True, blocked_reason=event.reason)


def unblocked(changes: Changes, event: Badge.Unblocked, position: int) -> None:
    put(changes, event, position, blocked=False, blocked_reason=None)


def expired(changes: Changes, event: Badge.Expired, position: int) -> None:
    put(changes, event, position, expires_at=event.recorded_at)


def removed(changes: Changes, event: Badge.Removed, position: int) -> None:
    put(changes, event, position, removed_at=event.recorded_at)


def checked(changes: Changes, event: Station.BadgeChecked, position: int) -> None:
    seen(
        changes, position, event.originator_id.removeprefix("station/"), event.badge, "AUTHORIZE", event.verdict,
        at=event.recorded_at, reason=event.reason, kind=event.kind,
    )  # fmt: skip


def doubted(changes: Changes, event: Station.BadgeDoubted, position: int) -> None:
    seen(
        changes, position, event.originator_id.removeprefix("station/"), event.badge, "LATE_START", event.verdict,
        at=event.recorded_at, reason=event.reason, transaction_id=event.transaction_id, started_at=event.occurred_at,
        verdict_then=event.verdict_then,
    )  # fmt: skip


def started(changes: Changes, event: Transaction.Started, position: int) -> None:
    transaction_id = event.originator_id.removeprefix("transaction/")
    changes.put("badge_use", (transaction_id,), station_id=event.station_id)
    if event.badge is not None and event.verdict is not None:
        pay(changes, transaction_id, event.badge, event.verdict)
        seen(
            changes, position, event.station_id, event.badge, "START", event.verdict,
            at=event.recorded_at, transaction_id=transaction_id, started_at=event.occurred_at,
        )  # fmt: skip


def presented(changes: Changes, event: Transaction.BadgePresented | Transaction.StartConfirmed, position: int) -> None:
    pay(changes, event.originator_id.removeprefix("transaction/"), event.badge, event.verdict)


def ended(
    changes: Changes, event: Transaction.Ended | Transaction.Superseded | Transaction.Closed, position: int
) -> None:
    changes.first("badge_use", (event.originator_id.removeprefix("transaction/"),), "ended_at", event.occurred_at)


def pay(changes: Changes, transaction_id: str, badge: str | None, verdict: str | None) -> None:
    """The first accepted badge pays for a charge."""
    if badge and verdict == "Accepted":
        for name, value in (("badge", badge), ("badge_id", fold(badge)), ("verdict", verdict)):
            changes.first("badge_use", (transaction_id,), name, value)


def seen(
    changes: Changes, position: int, station_id: str, badge: str, occasion: str, verdict: str, **more: Any
) -> None:
    changes.add(
        "badge_check", (position,),
        station_id=station_id, badge=badge, badge_id=fold(badge), occasion=occasion, verdict=verdict, **more,
    )  # fmt: skip


def put(changes: Changes, event: Any, position: int, **values: Any) -> None:
    changes.put("badge", identity(event), position=position, **values)


def identity(event: Any) -> tuple[str]:
    return (event.originator_id.removeprefix("badge/"),)


PROJECTION = Projection(
    name="badge",
    tables={"badge": BADGE, "badge_check": CHECK, "badge_use": USE},
    handlers={
        Badge.Registered: registered,
        Badge.Blocked: blocked,
        Badge.Unblocked: unblocked,
        Badge.Expired: expired,
        Badge.Removed: removed,
        Station.BadgeChecked: checked,
        Station.BadgeDoubted: doubted,
        Transaction.Started: started,
        Transaction.StartConfirmed: presented,
        Transaction.BadgePresented: presented,
        Transaction.Ended: ended,
        Transaction.Superseded: ended,
        Transaction.Closed: ended,
    },
)


def badges(
    connection: Connection,
    first: int,
    after: str | None = None,
    search: str | None = None,
    group: str | None = None,
    blocked: bool | None = None,
) -> Page:
    """Registered badges by their id, without case; those removed are not shown."""
    query = select(BADGE).where(*conditions(search, group, blocked))
    if after is not None:
        (id_,) = key(after, tuple[str])
        query = query.where(BADGE.c.id > id_)
    return page(list(connection.execute(query.order_by(BADGE.c.id).limit(first + 1))), first)


def count(
    connection: Connection, search: str | None = None, group: str | None = None, blocked: bool | None = None
) -> int:
    query = select(func.count()).select_from(BADGE).where(*conditions(search, group, blocked))
    return int(connection.execute(query).scalar() or 0)


def conditions(search: str | None, group: str | None, blocked: bool | None) -> list[Any]:
    wanted: list[Any] = [BADGE.c.removed_at.is_(None), BADGE.c.registered_at.is_not(None)]
    if search:
        wanted.append(BADGE.c.id.contains(fold(search), autoescape=True))
    if group is not None:
        wanted.append(BADGE.c.group == group)
    if blocked is not None:
        wanted.append(BADGE.c.blocked.is_(blocked))
    return wanted


def by_id(connection: Connection, ids: Sequence[str]) -> dict[str, Row[Any]]:
    """Badges by their id in upper case, removed ones too."""
    return {row.id: row for row in connection.execute(select(BADGE).where(BADGE.c.id.in_(ids)))}


def checks(
    connection: Connection,
    first: int,
    after: str | None = None,
    badge: str | None = None,
    station_id: str | None = None,
) -> Page:
    """What we said of badges, the latest first."""
    query = select(CHECK).where(*of_checks(badge, station_id))
    if after is not None:
        (position,) = key(after, tuple[int])
        query = query.where(CHECK.c.position < position)
    return page(list(connection.execute(query.order_by(CHECK.c.position.desc()).limit(first + 1))), first)


def count_checks(connection: Connection, badge: str | None = None, station_id: str | None = None) -> int:
    query = select(func.count()).select_from(CHECK).where(*of_checks(badge, station_id))
    return int(connection.execute(query).scalar() or 0)


def of_checks(badge: str | None, station_id: str | None) -> list[Any]:
    wanted: list[Any] = []
    if badge is not None:
        wanted.append(CHECK.c.badge_id == fold(badge))
    if station_id is not None:
        wanted.append(CHECK.c.station_id == station_id)
    return wanted


def open_charges(connection: Connection) -> list[Charge]:
    """Every charge that has not ended."""
    query = select(USE.c.transaction_id, USE.c.badge, USE.c.station_id, USE.c.verdict)
    rows = connection.execute(query.where(USE.c.ended_at.is_(None), USE.c.station_id.is_not(None)))
    return [(row.transaction_id, row.badge, row.station_id, row.verdict) for row in rows]


def charging(connection: Connection, badge: str) -> list[str]:
    """The open charges a badge pays for."""
    query = select(USE.c.transaction_id).where(USE.c.badge_id == fold(badge), USE.c.ended_at.is_(None))
    return [row.transaction_id for row in connection.execute(query.order_by(USE.c.transaction_id))]
