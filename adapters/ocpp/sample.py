"""Meter values of both OCPP families, read into the domain's readings; and the times stations write."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from application.session import SIGNED
from domain.meter import LIMIT, OUTLET, PERIODIC, REGISTER, Reading, Sample, read
from domain.signature import SignedText

FIRST = datetime(2009, 1, 1, tzinfo=UTC)
"""No station has spoken OCPP before."""
AHEAD = timedelta(minutes=1)
ODD_TIMES = {
    "unreadable time": "A time that is none (`0`, a word): the arrival.",
    "time without zone": "A time that does not say its zone: UTC.",
    "clock never set": "A time before there was OCPP (1970, 2000): the arrival.",
    "clock ahead": "A time more than a minute after the arrival: believed, but it outlasts nothing that comes later.",
}
"""What may be odd about a time, and how it is read."""
Notice = Callable[[str], None]


def silent(rule: str) -> None:
    """Nobody wants to know what is odd."""


def readings16(
    meter_values: Sequence[dict[str, Any]], arrival: datetime, notice: Notice = silent
) -> tuple[Reading, ...]:
    """OCPP 1.6 MeterValue[]: values are texts; missing measurand, unit, context and location have defaults."""
    return tuple(
        reading
        for meter_value in meter_values
        if (
            reading := read(
                when(meter_value.get("timestamp"), arrival, notice), samples16(meter_value["sampledValue"], notice)
            )
        )
    )


def samples16(values: Iterable[dict[str, Any]], notice: Notice = silent) -> list[Sample]:
    return [
        (number, said("measurand", REGISTER), said("phase"), said("context", PERIODIC), said("location", OUTLET),
         said("unit"), 0)
        for value in values
        if (number := figure16(said := value.get, notice)) is not None
    ]  # fmt: skip


def readings2(
    meter_values: Sequence[dict[str, Any]], arrival: datetime, notice: Notice = silent
) -> tuple[Reading, ...]:
    """OCPP 2.x MeterValueType[]: values are numbers, with unit and power of ten in unitOfMeasure."""
    return tuple(
        reading
        for meter_value in meter_values
        if (
            reading := read(
                when(meter_value.get("timestamp"), arrival, notice), samples2(meter_value["sampledValue"], notice)
            )
        )
    )


def samples2(values: Iterable[dict[str, Any]], notice: Notice = silent) -> list[Sample]:
    return [
        (number, said("measurand", REGISTER), said("phase"), said("context", PERIODIC), said("location", OUTLET),
         unit.get("unit"), unit.get("multiplier", 0))
        for value in values
        if (unit := value.get("unitOfMeasure", {})) is not None
        and (number := figure2(said := value.get, notice)) is not None
    ]  # fmt: skip


def figure16(said: Callable[[str], Any], notice: Notice) -> float | None:
    """The number of a sample; None for signed data, which is kept beside, and for what is no number."""
    if said("format") == "SignedData":
        notice(SIGNED)
        return None
    try:
        number = float(said("value"))
    except (TypeError, ValueError):
        return None
    return number if -LIMIT < number < LIMIT else None


def figure2(said: Callable[[str], Any], notice: Notice) -> float | None:
    """The same of OCPP 2.x, where a number may be told signed, too."""
    if said("signedMeterValue") is not None:
        notice(SIGNED)
    try:
        number = float(said("value"))
    except (TypeError, ValueError):
        return None
    return number if -LIMIT < number < LIMIT else None


def signed16(meter_values: Iterable[dict[str, Any]], arrival: datetime) -> tuple[SignedText, ...]:
    """What the meter has signed, word for word; some stations put the structure of OCPP 2.x into the text."""
    return tuple(
        told(sample, wrapped(sample["value"]), when(meter_value.get("timestamp"), arrival))
        for meter_value in meter_values
        for sample in meter_value["sampledValue"]
        if sample.get("format") == "SignedData" and isinstance(sample.get("value"), str)
    )


def signed2(meter_values: Iterable[dict[str, Any]], arrival: datetime) -> tuple[SignedText, ...]:
    """What the meter has signed, word for word (OCPP 2.x, SignedMeterValueType)."""
    return tuple(
        told(sample, value, when(meter_value.get("timestamp"), arrival))
        for meter_value in meter_values
        for sample in meter_value["sampledValue"]
        if isinstance(value := sample.get("signedMeterValue"), dict) and isinstance(value.get("signedMeterData"), str)
    )


def wrapped(text: str) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(text) if text.startswith("{") else None
    except msgspec.DecodeError:
        value = None
    if isinstance(value, dict) and isinstance(value.get("signedMeterData"), str):
        return value
    return {"signedMeterData": text}


def told(sample: dict[str, Any], value: dict[str, Any], at: datetime) -> SignedText:
    names = {"encoding": "encodingMethod", "method": "signingMethod", "public_key": "publicKey"}
    said = {name: word for name, key in names.items() if isinstance(word := value.get(key), str) and word}
    return SignedText(text=value["signedMeterData"], at=at, context=sample.get("context") or PERIODIC, **said)


def when(text: str | None, arrival: datetime, notice: Notice = silent) -> datetime:
    """A station's time in UTC, cut to microseconds; what is odd about it is noticed.

    Without a zone it is taken as UTC. Unreadable, or before there was OCPP (a clock that was never set): the arrival. A
    clock that is ahead is believed and noticed.
    """
    if not text:
        return arrival
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        try:
            at = datetime.fromisoformat(text.strip().upper())
        except ValueError:
            notice("unreadable time")
            return arrival
    if at.tzinfo is not UTC:
        if at.tzinfo is None:
            notice("time without zone")
            at = at.replace(tzinfo=UTC)
        try:
            at = at.astimezone(UTC)
        except OverflowError:
            return arrival
    if at < FIRST:
        notice("clock never set")
        return arrival
    if at > arrival and at - arrival > AHEAD:
        notice("clock ahead")
    return at
