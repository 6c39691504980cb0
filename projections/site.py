"""Sites: where are stations, whose are they, and in which time zone?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import JSON, BigInteger, Column, Connection, Row, Select, Table, Text, func, or_, select

from domain.site import Details, Site
from projections.change import Changes
from projections.projection import Projection
from projections.table import METADATA, UtcTime

SITE = Table(
    "site",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("name", Text),
    Column("address", Text),
    Column("postal_code", Text),
    Column("city", Text),
    Column("country", Text),
    Column("time_zone", Text),
    Column("operator", Text),
    Column("registered_at", UtcTime),
    Column("position", BigInteger),
    Column("premises", JSON(none_as_null=True)),
    Column("declared_at", UtcTime),
)
DETAILS = tuple(field.name for field in msgspec.structs.fields(Details))


def registered(changes: Changes, event: Site.Registered, position: int) -> None:
    details = {name: getattr(event.details, name) for name in DETAILS}
    changes.put("site", (event.site_id,), registered_at=event.recorded_at, position=position, **details)


def declared(changes: Changes, event: Site.Declared, position: int) -> None:
    said = msgspec.to_builtins(event.premises)
    changes.put("site", (event.site_id,), premises=said, declared_at=event.recorded_at, position=position)


PROJECTION = Projection(
    name="site", tables={"site": SITE}, handlers={Site.Registered: registered, Site.Declared: declared}
)


def by_id(connection: Connection, ids: Sequence[str]) -> dict[str, Row[Any]]:
    return {row.id: row for row in connection.execute(select(SITE).where(SITE.c.id.in_(ids)))}


def sites(search: str | None = None) -> Select[Any]:
    """Sites in the order of their ids."""
    query = select(SITE)
    if search:
        columns = (SITE.c.id, SITE.c.name, SITE.c.city)
        query = query.where(or_(*(func.lower(each).contains(search.lower(), autoescape=True) for each in columns)))
    return query
