"""Refused accesses: who asked for what, and was refused?"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text

from domain.access import Access
from projections.change import Changes
from projections.projection import Projection
from projections.table import METADATA, UtcTime

ACCESS = Table(
    "refused_access",
    METADATA,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("at", UtcTime),
    Column("code", Text),
    Column("reason", Text),
    Column("asked", Text),
    Column("name", Text),
    Column("address", Text),
    Column("times", Integer),
    Index("refused_access_by_name", "name", "position"),
    Index("refused_access_by_address", "address", "position"),
)
FACTS = ("code", "reason", "asked", "name", "address", "times")


def refused(changes: Changes, event: Access.Refused, position: int) -> None:
    facts = {name: getattr(event, name) for name in FACTS}
    changes.add("refused_access", (position,), at=event.recorded_at, **facts)


PROJECTION = Projection(name="access", tables={"refused_access": ACCESS}, handlers={Access.Refused: refused})
