"""The files of IRVE, static and dynamic, as they are written."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, BinaryIO

import msgspec
from sqlalchemy import Connection

from api.settings import Settings
from application.price import Pricebook
from domain.declaration import NOT_ROAMING
from domain.irve import DYNAMIC, SCHEMA, STATIC, Cell, Declared, State, dynamic_record, publishable, static_record
from domain.label import Language, label, prices
from domain.tariff import Dimension
from projections.irve import everything, states

UNITS: dict[Dimension, str] = {
    "ENERGY": "kWh",
    "TIME": "minute of charging",
    "PARKING_TIME": "minute without charging",
    "FLAT": "session",
}
LANGUAGES: tuple[Language, ...] = ("fr", "en")
HEARTBEATS = 2
"""A station is lost when it is not connected, and was not heard for so many heartbeats."""


def tolerance(settings: Settings) -> timedelta:
    return timedelta(seconds=HEARTBEATS * settings.heartbeat_s)


def write_static(connection: Connection, book: Pricebook, now: datetime, sink: BinaryIO) -> int:
    """One line for every charge point of which enough is said; returns how many."""

    def lines() -> Iterable[Mapping[str, Cell]]:
        for page in everything(connection):
            for point, _ in page:
                if publishable(point):
                    yield static_record(point, pricing(book, point, now))

    return write(STATIC, lines(), sink)


def write_dynamic(connection: Connection, now: datetime, patience: timedelta, sink: BinaryIO) -> int:
    """One line for every published charge point that has an id for roaming; returns how many."""

    def lines() -> Iterable[Mapping[str, Cell]]:
        for page in everything(connection):
            for (point, _), state in zip(page, states(connection, page, now, patience), strict=True):
                uid = point.equipment.evse_uid
                if uid is not None and uid != NOT_ROAMING and publishable(point):
                    yield dynamic_record(uid, state)

    return write(DYNAMIC, lines(), sink)


def write_points(connection: Connection, book: Pricebook, now: datetime, patience: timedelta, sink: BinaryIO) -> int:
    """All of it as one JSON document (docs/open-data.schema.json), point by point; returns how many."""
    count = 0
    sink.write(b'{"schema_irve":"' + SCHEMA.encode() + b'","charge_points":[')
    for page in everything(connection):
        for (point, _), state in zip(page, states(connection, page, now, patience), strict=True):
            if publishable(point):
                sink.write((b"," if count else b"") + b"\n" + msgspec.json.encode(told(book, point, state, now)))
                count += 1
    sink.write(b"\n]}\n")
    return count


def told(book: Pricebook, point: Declared, state: State, now: datetime) -> dict[str, Any]:
    """What the public is told of one point, under the names of schema-irve; the price of who has no contract."""
    offer = book.offer(point.station_id, point.evse_id, None, now, now)
    price = None
    if offer is not None:
        amounts = [{"per": UNITS[unit], "amount": str(amount)} for unit, amount in prices(offer.calendar, now)]
        labels = {language: label(offer.calendar, now, language) for language in LANGUAGES}
        price = {"currency": offer.calendar.terms.currency, "tax_included": True, "prices": amounts, "label": labels}
    static = static_record(point, pricing(book, point, now))
    return {"static": static, "dynamic": dynamic_record(point.equipment.evse_uid or "", state), "ad_hoc_price": price}


def write(columns: tuple[str, ...], lines: Iterable[Mapping[str, Cell]], sink: BinaryIO) -> int:
    """CSV as schema-irve wants it: UTF-8, commas, true and false; values as they were declared."""
    sheet, count = csv.writer(codecs.getwriter("utf-8")(sink), lineterminator="\n"), 0
    sheet.writerow(columns)
    for line in lines:
        sheet.writerow([spelled(line[name]) for name in columns])
        count += 1
    return count


def spelled(value: Cell) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def pricing(book: Pricebook, point: Declared, now: datetime) -> str | None:
    """What a driver without a contract reads at the point, by the tariff that holds there."""
    offer = book.offer(point.station_id, point.evse_id, None, now, now)
    return label(offer.calendar, now) if offer is not None else None
