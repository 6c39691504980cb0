"""Certificates: which did we sign for stations, and which does a station hold?"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Index,
    Row,
    Table,
    Text,
    and_,
    func,
    or_,
    select,
)  # fmt: skip

from domain.certificate import Certificate
from domain.trust import Held, Trust
from domain.x509 import HashData
from projections.change import Changes
from projections.page import Page, key, page
from projections.projection import Projection
from projections.table import METADATA, UtcTime

CERTIFICATE = Table(
    "certificate",
    METADATA,
    Column("serial_number", Text, primary_key=True),
    Column("station_id", Text),
    Column("kind", Text),
    Column("common_name", Text),
    Column("not_before", UtcTime),
    Column("not_after", UtcTime),
    Column("chain", Text),
    Column("status", Text),
    Column("reason", Text),
    Column("changed_at", UtcTime),
    Column("renewal_due_at", UtcTime),
    Column("revoked_at", UtcTime),
    Column("position", BigInteger),
    Index("certificate_by_end", "not_after", "serial_number"),
    Index("certificate_by_station", "station_id", "not_after", "serial_number"),
)
TRUSTED = Table(
    "trusted",
    METADATA,
    Column("station_id", Text, primary_key=True),
    Column("hash_algorithm", Text, primary_key=True),
    Column("issuer_name_hash", Text, primary_key=True),
    Column("issuer_key_hash", Text, primary_key=True),
    Column("serial_number", Text, primary_key=True),
    Column("use", Text),
    Column("children", JSON),
    Column("certificate", Text),
    Column("present", Boolean),
    Column("seen_at", UtcTime),
    Column("position", BigInteger),
)
LISTING = Table(
    "trust_listing",
    METADATA,
    Column("station_id", Text, primary_key=True),
    Column("use", Text, primary_key=True),
    Column("position", BigInteger),
)
EVERYTHING = ""


def signed(changes: Changes, event: Certificate.Signed, position: int) -> None:
    put(
        changes,
        event,
        position,
        "SIGNED",
        station_id=event.station_id,
        kind=event.kind,
        common_name=event.common_name,
        not_before=event.not_before,
        not_after=event.not_after,
        chain=event.chain,
    )


def delivered(changes: Changes, event: Certificate.Delivered, position: int) -> None:
    put(changes, event, position, "DELIVERED")


def declined(changes: Changes, event: Certificate.Declined, position: int) -> None:
    put(changes, event, position, "DECLINED", reason=event.reason)


def due(changes: Changes, event: Certificate.RenewalDue, position: int) -> None:
    key = (event.originator_id.removeprefix("certificate/"),)
    changes.put("certificate", key, renewal_due_at=event.recorded_at, position=position)


def revoked(changes: Changes, event: Certificate.Revoked, position: int) -> None:
    put(changes, event, position, "REVOKED", reason=event.reason, revoked_at=event.recorded_at)


def put(changes: Changes, event: Any, position: int, status: str, **values: Any) -> None:
    key = (event.originator_id.removeprefix("certificate/"),)
    changes.put("certificate", key, status=status, changed_at=event.recorded_at, position=position, **values)


def installed(changes: Changes, event: Trust.Installed, position: int) -> None:
    hold(changes, event, position, event.hash_data, use=event.use, certificate=event.certificate)


def removed(changes: Changes, event: Trust.Removed, position: int) -> None:
    hold(changes, event, position, event.hash_data, present=False)


def listed(changes: Changes, event: Trust.Listed, position: int) -> None:
    for use in event.uses or (EVERYTHING,):
        changes.put("listing", (owner(event), use), position=position)
    for held in event.held:
        children = [fields(child) for child in held.children]
        hold(changes, event, position, held, use=held.use, children=children)


def hold(changes: Changes, event: Any, position: int, one: HashData | Held, present: bool = True, **more: Any) -> None:
    key = (owner(event), *fields(one).values())
    changes.put("trusted", key, present=present, seen_at=event.recorded_at, position=position, **more)


def owner(event: Any) -> str:
    return str(event.originator_id.removeprefix("trust/"))


def fields(one: HashData) -> dict[str, str]:
    """In the order of the key; hexadecimal is written in both cases."""
    return {
        "hash_algorithm": one.hash_algorithm,
        "issuer_name_hash": one.issuer_name_hash.lower(),
        "issuer_key_hash": one.issuer_key_hash.lower(),
        "serial_number": one.serial_number.lower(),
    }


PROJECTION = Projection(
    name="certificate",
    tables={"certificate": CERTIFICATE, "trusted": TRUSTED, "listing": LISTING},
    handlers={
        Certificate.Signed: signed,
        Certificate.Delivered: delivered,
        Certificate.Declined: declined,
        Certificate.RenewalDue: due,
        Certificate.Revoked: revoked,
        Trust.Installed: installed,
        Trust.Removed: removed,
        Trust.Listed: listed,
    },
)


def certificates(
    connection: Connection,
    first: int,
    after: str | None = None,
    station_id: str | None = None,
    until: datetime | None = None,
) -> Page:
    """Certificates we signed, those that end first on top; `until`: only those that end before."""
    query = select(CERTIFICATE).where(*conditions(station_id, until))
    if after is not None:
        at, serial = key(after, tuple[datetime, str])
        same = and_(CERTIFICATE.c.not_after == at, CERTIFICATE.c.serial_number > serial)
        query = query.where(CERTIFICATE.c.not_after >= at, or_(CERTIFICATE.c.not_after > at, same))
    query = query.order_by(CERTIFICATE.c.not_after, CERTIFICATE.c.serial_number).limit(first + 1)
    return page(list(connection.execute(query)), first)


def count(connection: Connection, station_id: str | None = None, until: datetime | None = None) -> int:
    query = select(func.count()).select_from(CERTIFICATE).where(*conditions(station_id, until))
    return int(connection.execute(query).scalar() or 0)


def conditions(station_id: str | None, until: datetime | None) -> list[Any]:
    wanted: list[Any] = []
    if station_id is not None:
        wanted.append(CERTIFICATE.c.station_id == station_id)
    if until is not None:
        wanted += [CERTIFICATE.c.not_after < until, CERTIFICATE.c.status == "DELIVERED"]
    return wanted


def by_serial(connection: Connection, serial_number: str) -> Row[Any] | None:
    return connection.execute(select(CERTIFICATE).where(CERTIFICATE.c.serial_number == serial_number)).first()


def taken_back(connection: Connection) -> list[tuple[str, datetime]]:
    """Serial numbers of revoked certificates, and when."""
    wanted = select(CERTIFICATE.c.serial_number, CERTIFICATE.c.revoked_at).where(CERTIFICATE.c.status == "REVOKED")
    return [(row.serial_number, row.revoked_at) for row in connection.execute(wanted)]


def trusted(connection: Connection, station_id: str) -> list[Row[Any]]:
    """What a station holds, as far as it told us: what a later listing of its kind left out is gone."""
    listings = select(LISTING).where(LISTING.c.station_id == station_id)
    latest = {row.use: row.position for row in connection.execute(listings)}
    mine = select(TRUSTED).where(TRUSTED.c.station_id == station_id, TRUSTED.c.present)
    rows = connection.execute(mine.order_by(TRUSTED.c.use, TRUSTED.c.serial_number))
    return [row for row in rows if row.position >= max(latest.get(row.use, 0), latest.get(EVERYTHING, 0))]
