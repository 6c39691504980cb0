"""Sites: where are stations, whose are they, and in which time zone?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Column, Connection, Row, Select, Table, Text, func, or_, select

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
)
DETAILS = tuple(field.name for field in msgspec.structs.fields(Details))


def registered(changes: Changes, event: Site.Registered, position: int) -> None:
    details = {name: getattr(event.details, name) for name in DETAILS}
    changes.put("site", (event.site_id,), registered_at=event.recorded_at, position=position, **details)


PROJECTION = Projection(name="site", tables={"site": SITE}, handlers={Site.Registered: registered})


def by_id(connection: Connection, ids: Sequence[str]) -> dict[str, Row[Any]]:
    return {row.id: row for row in connection.execute(select(SITE).where(SITE.c.id.in_(ids)))}


def sites(search: str | None = None) -> Select[Any]:
    """Sites in the order of their ids."""
    query = select(SITE)
    if search:
        columns = (SITE.c.id, SITE.c.name, SITE.c.city)
        query = query.where(or_(*(func.lower(each).contains(search.lower(), autoescape=True) for each in columns)))
    return query
