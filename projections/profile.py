"""Smart charging: which profiles are installed where, who else limits, what cars need, and what it all amounts to?"""

from __future__ import annotations

from datetime import datetime
from itertools import chain
from typing import Any

import msgspec
from sqlalchemy import JSON, BigInteger, Boolean, Column, Connection, Index, Integer, Select, Table, Text, select

from domain.profile import Profile, Running, expected, imposed
from domain.schedule import ChargingProfile, Period, Schedule
from domain.stack import Placed
from projections.change import Changes
from projections.projection import Projection
from projections.table import METADATA, UtcTime
from projections.transaction import TRANSACTION

PROFILE = Table(
    "profile",
    METADATA,
    Column("station_id", Text, primary_key=True),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("evse_id", Integer),
    Column("purpose", Text),
    Column("stack_level", Integer),
    Column("kind", Text),
    Column("source", Text),
    Column("transaction_id", Text),
    Column("profile", JSON),
    Column("offered", Boolean),
    Column("status", Text),
    Column("since", UtcTime),
    Column("position", BigInteger),
    Index("profile_by_transaction", "transaction_id"),
)
LIMIT = Table(
    "charging_limit",
    METADATA,
    Column("station_id", Text, primary_key=True),
    Column("evse_id", Integer, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("schedules", JSON),
    Column("grid_critical", Boolean),
    Column("local_generation", Boolean),
    Column("since", UtcTime),
    Column("released_at", UtcTime),
    Column("position", BigInteger),
)
NEED = Table(
    "charging_need",
    METADATA,
    Column("station_id", Text, primary_key=True),
    Column("evse_id", Integer, primary_key=True),
    Column("needs", JSON),
    Column("status", Text),
    Column("transaction_id", Text),
    Column("max_periods", Integer),
    Column("occurred_at", UtcTime),
    Column("plan", JSON(none_as_null=True)),
    Column("plan_starts_at", UtcTime),
    Column("plan_accepted", Boolean),
    Column("plan_reason", Text),
    Column("position", BigInteger),
)
COMPOSITE = Table(
    "composite_schedule",
    METADATA,
    Column("station_id", Text, primary_key=True),
    Column("evse_id", Integer, primary_key=True),
    Column("starts_at", UtcTime),
    Column("duration_seconds", BigInteger),
    Column("unit", Text),
    Column("periods", JSON),
    Column("expected", JSON),
    Column("reported_at", UtcTime),
    Column("position", BigInteger),
)
PRIORITY = Table(
    "charging_priority",
    METADATA,
    Column("station_id", Text, primary_key=True),
    Column("transaction_id", Text, primary_key=True),
    Column("active", Boolean),
    Column("active_since", UtcTime),
    Column("transfers", JSON(none_as_null=True)),
    Column("position", BigInteger),
)


def installed(changes: Changes, event: Profile.Installed, position: int) -> None:
    gone(changes, event, event.replaced_ids, "REPLACED", position)
    put(changes, event, event.profile, position, evse_id=event.evse_id, source="CSO", offered=event.offered)


def reported(changes: Changes, event: Profile.Reported, position: int) -> None:
    for profile in event.profiles:
        put(changes, event, profile, position, evse_id=event.evse_id, source=event.source)


def adjusted(changes: Changes, event: Profile.Adjusted, position: int) -> None:
    put(changes, event, event.profile, position)


def cleared(changes: Changes, event: Profile.Cleared, position: int) -> None:
    gone(changes, event, event.profile_ids, "CLEARED", position)


def lost(changes: Changes, event: Profile.Lost, position: int) -> None:
    gone(changes, event, event.profile_ids, "LOST", position)


def put(changes: Changes, event: Any, profile: ChargingProfile, position: int, **more: Any) -> None:
    names = ("purpose", "stack_level", "kind", "transaction_id")
    facts = {name: getattr(profile, name) for name in names}
    body = plain(profile)
    changes.put(
        "profile", (station(event), profile.id), profile=body, status="INSTALLED", since=event.recorded_at,
        position=position, **facts, **more,
    )  # fmt: skip


def gone(changes: Changes, event: Any, ids: tuple[int, ...], status: str, position: int) -> None:
    for id_ in ids:
        changes.put("profile", (station(event), id_), status=status, since=event.recorded_at, position=position)


def limited(changes: Changes, event: Profile.Limited, position: int) -> None:
    changes.put(
        "charging_limit",
        (station(event), event.evse_id, event.source),
        schedules=plain(event.schedules),
        grid_critical=event.grid_critical,
        local_generation=event.local_generation,
        since=event.recorded_at,
        released_at=None,
        position=position,
    )


def released(changes: Changes, event: Profile.LimitReleased, position: int) -> None:
    where = (station(event), event.evse_id, event.source)
    changes.put("charging_limit", where, released_at=event.recorded_at, position=position)


def needed(changes: Changes, event: Profile.NeedsReported, position: int) -> None:
    changes.put(
        "charging_need",
        (station(event), event.evse_id),
        needs=plain(event.needs),
        status=event.status,
        transaction_id=event.transaction_id,
        max_periods=event.max_periods,
        occurred_at=event.occurred_at,
        plan=None,
        plan_starts_at=None,
        plan_accepted=None,
        plan_reason=None,
        position=position,
    )


def planned(changes: Changes, event: Profile.PlanReported, position: int) -> None:
    changes.put(
        "charging_need",
        (station(event), event.evse_id),
        plan=plain(event.schedule),
        plan_starts_at=event.starts_at,
        plan_accepted=event.accepted,
        plan_reason=event.reason,
        position=position,
    )


def summed(changes: Changes, event: Profile.CompositeReported, position: int) -> None:
    changes.put(
        "composite_schedule",
        (station(event), event.evse_id),
        starts_at=event.starts_at,
        duration_seconds=event.duration_seconds,
        unit=event.unit,
        periods=plain(event.periods),
        expected=plain(event.expected),
        reported_at=event.recorded_at,
        position=position,
    )


def preferred(changes: Changes, event: Profile.PriorityStarted | Profile.PriorityStopped, position: int) -> None:
    active = isinstance(event, Profile.PriorityStarted)
    since = event.recorded_at if active else None
    where = (station(event), event.transaction_id)
    changes.put("charging_priority", where, active=active, active_since=since, position=position)


def allowed(changes: Changes, event: Profile.TransferAllowed, position: int) -> None:
    where = (station(event), event.transaction_id)
    changes.put("charging_priority", where, transfers=list(event.transfers), position=position)


def plain(told: Any) -> Any:
    """A shape of the domain as the JSON it will be read back as."""
    return msgspec.json.decode(msgspec.json.encode(told))


def station(event: Any) -> str:
    name: str = event.originator_id
    return name.removeprefix("profile/")


PROJECTION = Projection(
    name="profile",
    tables={
        "profile": PROFILE,
        "charging_limit": LIMIT,
        "charging_need": NEED,
        "composite_schedule": COMPOSITE,
        "charging_priority": PRIORITY,
    },
    handlers={
        Profile.Installed: installed,
        Profile.Reported: reported,
        Profile.Adjusted: adjusted,
        Profile.Cleared: cleared,
        Profile.Lost: lost,
        Profile.Limited: limited,
        Profile.LimitReleased: released,
        Profile.NeedsReported: needed,
        Profile.PlanReported: planned,
        Profile.CompositeReported: summed,
        Profile.PriorityStarted: preferred,
        Profile.PriorityStopped: preferred,
        Profile.TransferAllowed: allowed,
    },
)


def profiles(
    station_id: str | None = None,
    evse_id: int | None = None,
    purpose: str | None = None,
    transaction_id: str | None = None,
    source: str | None = None,
    installed: bool | None = None,
) -> Select[Any]:
    """Profiles; a TxProfile is gone when its transaction is (K02.FR.05)."""
    ended = select(TRANSACTION.c.ended_at).where(TRANSACTION.c.id == PROFILE.c.transaction_id).scalar_subquery()
    over = ended.is_not(None) & (PROFILE.c.purpose == "TxProfile")
    there = (PROFILE.c.status == "INSTALLED") & ~over
    query = select(PROFILE, there.label("installed")).where(*equal(PROFILE, station_id=station_id, evse_id=evse_id))
    query = query.where(*equal(PROFILE, purpose=purpose, transaction_id=transaction_id, source=source))
    return query if installed is None else query.where(there if installed else ~there)


def limits(station_id: str | None = None, evse_id: int | None = None) -> Select[Any]:
    """Limits of others that are in force."""
    return select(LIMIT).where(LIMIT.c.released_at.is_(None), *equal(LIMIT, station_id=station_id, evse_id=evse_id))


def needs(station_id: str | None = None, evse_id: int | None = None) -> Select[Any]:
    return select(NEED).where(*equal(NEED, station_id=station_id, evse_id=evse_id))


def composites(station_id: str | None = None, evse_id: int | None = None) -> Select[Any]:
    return select(COMPOSITE).where(*equal(COMPOSITE, station_id=station_id, evse_id=evse_id))


def priorities(station_id: str | None = None, active: bool | None = None) -> Select[Any]:
    return select(PRIORITY).where(*equal(PRIORITY, station_id=station_id, active=active))


def expectation(
    connection: Connection, station_id: str, evse_id: int, unit: str, starts_at: datetime, duration_seconds: int
) -> tuple[Period, ...]:
    """What we compute that a station, or one of its EVSEs, may draw, from what is installed and in force now."""
    there = [
        Placed(evse_id=row.evse_id, profile=msgspec.convert(row.profile, ChargingProfile), source=row.source)
        for row in connection.execute(profiles(station_id, installed=True))
    ]
    others = [
        imposed(row.evse_id, row.source, msgspec.convert(row.schedules, tuple[Schedule, ...]), row.local_generation,
                row.since)
        for row in connection.execute(limits(station_id))
    ]  # fmt: skip
    first = {row.transaction_id for row in connection.execute(priorities(station_id, True))}
    charges = select(TRANSACTION.c.id, TRANSACTION.c.evse_id, TRANSACTION.c.started_at).where(
        TRANSACTION.c.station_id == station_id, TRANSACTION.c.ended_at.is_(None), TRANSACTION.c.started_at.is_not(None)
    )
    running = {row.evse_id: Running(row.id, row.started_at) for row in connection.execute(charges)}
    everything = [*there, *chain.from_iterable(others)]
    return expected(everything, first, evse_id, running, "W" if unit == "W" else "A", starts_at, duration_seconds)


def equal(table: Table, **wanted: Any) -> list[Any]:
    return [table.c[name] == value for name, value in wanted.items() if value is not None]
