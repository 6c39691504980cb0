"""Drivers: who are they, and which badges do they hold?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Index, Row, Select, Table, Text, func, or_, select

from domain.badge import FORGOTTEN, Badge
from domain.driver import Details, Driver
from projections import page as pages
from projections.change import Changes
from projections.page import Page
from projections.projection import Projection, owner
from projections.table import METADATA, UtcTime

DRIVER = Table(
    "driver",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("full_name", Text),
    Column("email", Text),
    Column("phone", Text),
    Column("language", Text),
    Column("employer", Text),
    Column("cost_centre", Text),
    Column("licence_plate", Text),
    Column("site", Text),
    Column("registered_at", UtcTime),
    Column("forgotten_at", UtcTime),
    Column("position", BigInteger),
)
HOLDING = Table(
    "driver_badge",
    METADATA,
    Column("driver_id", Text, primary_key=True),
    Column("badge", Text, primary_key=True),
    Column("since", UtcTime),
    Column("until", UtcTime),
    Index("driver_badge_by_badge", "badge"),
)


def registered(changes: Changes, event: Driver.Registered, position: int) -> None:
    details = {name: getattr(event, name) for name in Details.__struct_fields__}
    changes.put("driver", (owner(event),), position=position, **details)
    changes.first("driver", (owner(event),), "registered_at", event.recorded_at)


def forgotten(changes: Changes, event: Driver.Forgotten, position: int) -> None:
    nothing = dict.fromkeys(Details.__struct_fields__) | {"full_name": FORGOTTEN}
    changes.put("driver", (owner(event),), position=position, forgotten_at=event.recorded_at, **nothing)


def assigned(changes: Changes, event: Badge.Assigned, position: int) -> None:
    changes.put("driver_badge", (event.driver_id, owner(event)), since=event.recorded_at, until=None)


def unassigned(changes: Changes, event: Badge.Unassigned, position: int) -> None:
    changes.put("driver_badge", (event.driver_id, owner(event)), until=event.recorded_at)


def given_up(changes: Changes, event: Badge.Forgotten, position: int) -> None:
    if event.driver_id is not None:
        changes.put("driver_badge", (event.driver_id, owner(event)), until=event.recorded_at)


PROJECTION = Projection(
    name="driver",
    tables={"driver": DRIVER, "driver_badge": HOLDING},
    handlers={
        Driver.Registered: registered,
        Driver.Forgotten: forgotten,
        Badge.Assigned: assigned,
        Badge.Unassigned: unassigned,
        Badge.Forgotten: given_up,
    },
)


def by_id(connection: Connection, ids: Sequence[str]) -> dict[str, Row[Any]]:
    return {row.id: row for row in connection.execute(select(DRIVER).where(DRIVER.c.id.in_(ids)))}


def wanted(search: str | None, site: str | None) -> Select[Any]:
    """Drivers who are not forgotten; `search`: part of a name, an e-mail address, a phone number or a licence plate."""
    query = select(DRIVER).where(DRIVER.c.forgotten_at.is_(None))
    if search:
        said = (DRIVER.c.full_name, DRIVER.c.email, DRIVER.c.phone, DRIVER.c.licence_plate)
        query = query.where(or_(*(func.lower(column).contains(search.lower(), autoescape=True) for column in said)))
    return query.where(DRIVER.c.site == site) if site is not None else query


def drivers(connection: Connection, first: int, after: str | None, search: str | None, site: str | None) -> Page:
    """Drivers in the order of their ids."""
    return pages.rows(connection, wanted(search, site), DRIVER, first, after)


def count(connection: Connection, search: str | None, site: str | None) -> int:
    return pages.count(connection, wanted(search, site))


def holdings(connection: Connection, driver_id: str) -> list[Row[Any]]:
    """The badges of a driver, those given back included, the latest first."""
    query = select(HOLDING).where(HOLDING.c.driver_id == driver_id)
    return list(connection.execute(query.order_by(HOLDING.c.since.desc(), HOLDING.c.badge)))
