"""Charging profiles between the words of OCPP and those of the domain: a table a version, two directions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import ROUND_DOWN, Decimal
from typing import Any, NamedTuple, TypeVar

import msgspec

from adapters.ocpp.dialect import Payload, explain, stamp
from application.session import Session
from domain.composite import LONGEST_S
from domain.event import Refusal
from domain.profile import Profile, Running, stream
from domain.schedule import ChargingProfile, Period, Shape, Unit
from domain.stack import Criteria, check_start

STEP = Decimal("0.1")
MOST = Decimal(10**12)
TIMES = {"start_schedule", "valid_from", "valid_to", "updated_at", "departs_at", "starts_at"}
S = TypeVar("S", bound=Shape)


class Part(NamedTuple):
    """How a field that holds more fields is written: its name, the table of what is in it, and whether it is a list."""

    name: str
    words: Mapping[str, str | Part]
    listed: bool = True


Words = Mapping[str, str | Part]


def book(session: Session) -> Profile:
    """What we know of the profiles of this station."""
    return session.of(Profile, stream(session.station_id))


def intended(session: Session, wish: Payload, exclusive: bool) -> tuple[int, ChargingProfile, str | None]:
    """What a command wants installed: EVSE, profile with its id, and what the station calls its transaction."""
    known, wanted = book(session), wished(wish["charging_profile"], ChargingProfile)
    evse_id, number = wish.get("evse_id", 0), None
    if wanted.transaction_id is not None:
        charge = session.known(wanted.transaction_id)
        if charge is None or not charge.open:
            raise Refusal("this station has no such open transaction")
        evse_id, number = evse_id or charge.evse_id, charge.station_transaction_id
        if evse_id != charge.evse_id:
            raise Refusal(f"that transaction is on EVSE {charge.evse_id}")
    if not wanted.id:
        wanted = with_id(wanted, known.choose(evse_id, wanted) or session.rules.numbers.take())
    known.check(evse_id, wanted, exclusive)
    return evse_id, msgspec.structs.replace(certain(wanted), transaction_id=None), number


def starting(session: Session, wish: Payload) -> ChargingProfile:
    """The profile that a remote start carries."""
    wanted = wished(wish, ChargingProfile)
    check_start(wanted)
    return wanted if wanted.id else with_id(wanted, session.rules.numbers.take())


def settle(session: Session, wish: Payload, evse_id: int, profile_id: int, answer: Payload, exclusive: bool) -> None:
    """A profile was taken, or not."""
    known, wanted = book(session), wished(wish["charging_profile"], ChargingProfile)
    if answer["status"] == "Accepted":
        taken, offered = with_id(certain(wanted), profile_id), wish.get("offered", False)
        known.install(evse_id, taken, exclusive, session.cause, session.now, offered)
    else:
        reason = explain(answer["status"], answer.get("statusInfo"))
        known.refuse(evse_id, profile_id, answer["status"], reason, session.cause, session.now)


def compare(
    session: Session, evse_id: int, starts_at: datetime, duration_seconds: int, unit: Unit, said: tuple[Period, ...]
) -> None:
    """The station says what its limits amount to; keep beside it what we think."""
    known = book(session)
    charges = [charge for charge in session.station.transactions.values() if charge.open]
    running = {
        charge.evse_id: Running(charge.transaction_id, session.load(charge).started_at or session.now)
        for charge in charges
    }
    known.record(
        Profile.CompositeReported,
        session.cause,
        session.now,
        evse_id=evse_id,
        starts_at=starts_at,
        duration_seconds=duration_seconds,
        unit=unit,
        periods=said,
        expected=known.expect(evse_id, running, unit, starts_at, min(duration_seconds, LONGEST_S)),
    )


def certain(wanted: ChargingProfile) -> ChargingProfile:
    """Stations disagree whether a recurring schedule holds before its first start: say that it does not (K01.FR.30)."""
    if wanted.kind != "Recurring" or wanted.valid_from is not None:
        return wanted
    return msgspec.structs.replace(wanted, valid_from=wanted.schedules[0].start_schedule)


def with_id(wanted: ChargingProfile, profile_id: int) -> ChargingProfile:
    return msgspec.structs.replace(wanted, id=profile_id)


def ours(session: Session, told: ChargingProfile, payload: Payload) -> ChargingProfile:
    """A profile that the station told us of, with our id of its transaction."""
    charge = session.station.find(str(payload.get("transactionId")))
    return msgspec.structs.replace(told, transaction_id=charge.transaction_id) if charge is not None else told


def criteria(wish: Payload) -> Criteria:
    """Which profiles a command means."""
    one = {"ids": [wish["profile_id"]]} if "profile_id" in wish else {}
    return wished(wish | one, Criteria)


def wished(wish: Any, kind: type[S]) -> S:
    """Parameters of a command as a shape of the domain. Raises Refusal for what is none."""
    try:
        return msgspec.convert(wish, kind)
    except msgspec.ValidationError as error:
        raise Refusal(f"this is no {kind.__name__}: {error}") from error


def say(shape: Shape, words: Words, step: Decimal | None = STEP) -> Payload:
    """What a shape says, in the words of a version; what has no word there is refused, never left out.

    `step`: to which numbers are rounded, never to more than was asked; None: not at all.
    """
    said: Payload = {}
    for field in shape.__struct_fields__:
        value = getattr(shape, field)
        if value is None or value == ():
            continue
        word = words.get(field)
        if word is None:
            raise Refusal(f"this version of OCPP has no {field} in a {type(shape).__name__}")
        if isinstance(word, Part):
            parts = [say(part, word.words, step) for part in (value if word.listed else [value])]
            said[word.name] = parts if word.listed else parts[0]
        else:
            said[word] = plain(value, step)
    return said


def plain(value: Any, step: Decimal | None) -> Any:
    """Numbers rounded down to a step; times in UTC."""
    if isinstance(value, datetime):
        return stamp(value.astimezone(UTC))
    if not isinstance(value, Decimal):
        return value
    if not value.is_finite() or abs(value) > MOST:
        raise Refusal(f"{value} is not a number that a station can read")
    return float(value if step is None else value.quantize(step, ROUND_DOWN))


def heard(payload: Payload, words: Words, kind: type[S]) -> S:
    """A shape out of a station's valid payload; what the domain has no word for stays in the payload."""
    return msgspec.convert(hear(payload, words), kind, strict=False)


def hear_periods(schedule: Payload, words: Words) -> tuple[Period, ...]:
    return tuple(heard(period, words, Period) for period in schedule["chargingSchedulePeriod"])


def hear(payload: Payload, words: Words) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for field, word in words.items():
        value = payload.get(word.name if isinstance(word, Part) else word)
        if isinstance(word, Part) and value is not None:
            value = [hear(part, word.words) for part in value] if word.listed else hear(value, word.words)
        elif field in TIMES and value is not None:
            value = moment(value)
        if value is not None:
            fields[field] = value
    return fields


def moment(text: str) -> datetime | None:
    """A time of a schedule; None for what is none, for it must not become now."""
    try:
        at = datetime.fromisoformat(text.strip().upper())
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
