"""Signatures: what have meters signed, with which key was it examined, and what is the verdict?"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

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
    and_,
    or_,
    select,
    text,
)

from domain.signature import MEANS_MISSING, WORST, Key, MeterKey, Signature, SignedReading, digest, readable_key
from domain.transaction import Transaction
from projections.change import Changes
from projections.device import VARIABLE
from projections.projection import Projection, owner
from projections.table import METADATA, UtcTime

SIGNED_VALUE = Table(
    "signed_value",
    METADATA,
    Column("transaction_id", Text, primary_key=True),
    Column("digest", Text, primary_key=True),
    Column("station_id", Text),
    Column("evse_id", Integer),
    Column("at", UtcTime),
    Column("context", Text),
    Column("text", Text),
    Column("encoding", Text),
    Column("method", Text),
    Column("message_key", Text),
    Column("told_at", UtcTime),
    Column("verdict", Text),
    Column("reason", Text),
    Column("public_key", Text),
    Column("key_source", Text),
    Column("meter", Text),
    Column("readings", JSON),
    Column("judged_at", UtcTime),
    Column("position", BigInteger),
    Index("signed_value_by_verdict", "verdict", "position"),
    Index(
        "signed_value_open",
        "station_id",
        postgresql_where=text("verdict IS NULL"),
        sqlite_where=text("verdict IS NULL"),
    ),
)
METER_KEY = Table(
    "meter_key",
    METADATA,
    Column("station_id", Text, primary_key=True),
    Column("evse_id", Integer, primary_key=True),
    Column("public_key", Text),
    Column("meter", Text),
    Column("registered_at", UtcTime),
    Column("removed_at", UtcTime),
    Column("position", BigInteger),
)
"""EVSE 0: every EVSE of the station."""
NAMES = ("MeterPublicKey", "PublicKey")
NUMBERED = re.compile(r"(\d{1,4})\]?$", re.ASCII)
"""How stations call the variable or the configuration key; OCPP 1.6 adds the number of the connector."""


def signed(changes: Changes, event: Transaction.Signed, position: int) -> None:
    for value in event.values:
        changes.put(
            "signed_value", (owner(event), digest(value.text)), station_id=event.station_id, evse_id=event.evse_id,
            at=value.at, context=value.context, text=value.text, encoding=value.encoding, method=value.method,
            message_key=value.public_key, told_at=event.recorded_at, position=position,
        )  # fmt: skip


def verified(changes: Changes, event: Signature.Verified, position: int) -> None:
    judged(changes, event, position, "VALID", None, public_key=event.key, key_source=event.source)


def refuted(changes: Changes, event: Signature.Refuted, position: int) -> None:
    judged(changes, event, position, "INVALID", event.reason, public_key=event.key, key_source=event.source)


def left_open(changes: Changes, event: Signature.LeftOpen, position: int) -> None:
    judged(changes, event, position, event.verdict, event.reason, public_key=None, key_source=None)


def judged(changes: Changes, event: Any, position: int, verdict: str, reason: str | None, **more: Any) -> None:
    changes.put(
        "signed_value", (owner(event), event.digest), verdict=verdict, reason=reason, meter=event.meter,
        readings=[msgspec.to_builtins(each) for each in event.readings], judged_at=event.recorded_at,
        position=position, **more,
    )  # fmt: skip


def registered(changes: Changes, event: MeterKey.Registered, position: int) -> None:
    facts = {"public_key": event.key, "meter": event.meter, "registered_at": event.recorded_at, "removed_at": None}
    changes.put("meter_key", (owner(event), event.evse_id), position=position, **facts)


def removed(changes: Changes, event: MeterKey.Removed, position: int) -> None:
    changes.put("meter_key", (owner(event), event.evse_id), removed_at=event.recorded_at, position=position)


PROJECTION = Projection(
    name="signature",
    tables={"signed_value": SIGNED_VALUE, "meter_key": METER_KEY},
    handlers={
        Transaction.Signed: signed,
        Signature.Verified: verified,
        Signature.Refuted: refuted,
        Signature.LeftOpen: left_open,
        MeterKey.Registered: registered,
        MeterKey.Removed: removed,
    },
)


def values(transaction_id: str | None = None, station_id: str | None = None, verdict: str | None = None) -> Select[Any]:
    """What meters have signed; without conditions everything."""
    wanted = {"transaction_id": transaction_id, "station_id": station_id, "verdict": verdict}
    conditions = [SIGNED_VALUE.c[name] == value for name, value in wanted.items() if value is not None]
    return select(SIGNED_VALUE).where(*conditions)


def keys(station_id: str | None = None) -> Select[Any]:
    """Public keys that somebody vouched for."""
    query = select(METER_KEY).where(METER_KEY.c.removed_at.is_(None))
    return query if station_id is None else query.where(METER_KEY.c.station_id == station_id)


def pending(connection: Connection, most: int) -> list[Row[Any]]:
    """What nobody has examined yet, the oldest first."""
    it = SIGNED_VALUE.c
    query = select(SIGNED_VALUE).where(it.verdict.is_(None), it.text.is_not(None))
    return list(connection.execute(query.order_by(it.position).limit(most)))


def outdated(connection: Connection, checkable: bool, most: int) -> list[Row[Any]]:
    """What is to be examined again: a key came or went since; and, if we can check by now (`checkable`), what could
    not be checked for want of the means."""
    it, key = SIGNED_VALUE.c, METER_KEY.c
    newer = (
        select(key.station_id)
        .where(key.station_id == it.station_id, key.evse_id.in_((0, it.evse_id)))
        .where(or_(key.registered_at >= it.judged_at, key.removed_at >= it.judged_at))
    )
    told = select(VARIABLE.c.station_id).where(*key_variables(it.station_id), VARIABLE.c.known_at >= it.judged_at)
    again = or_(newer.exists(), and_(it.verdict == "NO_KEY", told.exists()))
    if checkable:
        again = or_(again, and_(it.verdict == "UNCHECKED", it.reason == MEANS_MISSING))
    query = select(SIGNED_VALUE).where(it.text.is_not(None), it.verdict.is_not(None), again)
    return list(connection.execute(query.order_by(it.position).limit(most)))


def key_variables(station_id: Any) -> list[Any]:
    it = VARIABLE.c
    return [
        it.station_id == station_id, it.attribute == "Actual", it.value.is_not(None),
        or_(*(it.variable.startswith(name, autoescape=True) for name in NAMES)),
    ]  # fmt: skip


def key_for(connection: Connection, station_id: str, evse_id: int, message_key: str | None) -> Key | None:
    """The key that counts: the one somebody vouched for, else what the station told of itself, else what came with
    the value. The narrower place comes first."""
    query = keys(station_id).where(METER_KEY.c.evse_id.in_((0, evse_id))).order_by(METER_KEY.c.evse_id.desc())
    if (vouched := connection.execute(query).first()) is not None:
        return Key(text=vouched.public_key, source="REGISTERED")
    found = connection.execute(select(VARIABLE).where(*key_variables(station_id))).all()
    fitting = [row for row in found if place(row) in (0, evse_id)]
    for row in sorted(fitting, key=lambda row: (-place(row), row.component, row.variable)):
        if known := readable_key(row.value):
            return Key(text=known, source="STATION")
    known = readable_key(message_key) if message_key else None
    return Key(text=known, source="MESSAGE") if known else None


def place(row: Row[Any]) -> int:
    """The EVSE of such a variable; 0: of the whole station."""
    numbered = NUMBERED.search(row.variable)
    return int(row.evse_id or (numbered[1] if numbered else 0))


class Summary(NamedTuple):
    """What is signed of one transaction: the worst verdict, and the energy by the signed registers (their unit)."""

    verdict: str | None
    values: int
    energy_wh: float | None
    unit_wh: float
    begins_at: datetime | None
    ends_at: datetime | None


def summaries(connection: Connection, transaction_ids: Sequence[str]) -> dict[str, Summary]:
    """For bills and lists: the verdict of every transaction that has signed values."""
    found: dict[str, list[Row[Any]]] = {}
    for row in connection.execute(select(SIGNED_VALUE).where(SIGNED_VALUE.c.transaction_id.in_(transaction_ids))):
        found.setdefault(row.transaction_id, []).append(row)
    return {transaction_id: summary(rows) for transaction_id, rows in found.items()}


def summary(rows: Sequence[Any]) -> Summary:
    """Registers that are known to be altered count for nothing; a value that nobody examined yet has no verdict."""
    verdicts = {row.verdict for row in rows}
    worst = next((each for each in WORST if each in verdicts and (each == "INVALID" or None not in verdicts)), None)
    trusted = [row for row in rows if row.readings and row.verdict != "INVALID"]
    registers = [
        each
        for row in trusted
        for each in msgspec.convert(row.readings, list[SignedReading])
        if each.register_wh is not None
    ]
    if len(registers) < 2:
        return Summary(worst, len(rows), None, 1.0, None, None)
    registers.sort(key=lambda each: (each.at, each.register_wh))
    first, last = registers[0], registers[-1]
    energy = round((last.register_wh or 0.0) - (first.register_wh or 0.0), 6)
    return Summary(worst, len(rows), energy, max(first.unit_wh or 1.0, last.unit_wh or 1.0), first.at, last.at)
