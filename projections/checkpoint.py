"""Checkpoints: how far each projection has read, in the same transaction as what it wrote."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import BigInteger, Column, Connection, Table, Text, insert, select, update

from projections.table import METADATA, UtcTime

CHECKPOINT = Table(
    "checkpoint",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("moved_at", UtcTime),
    Column("error", Text),
)


class Checkpoint(NamedTuple):
    """Where a projection is, and why it stands still if it does."""

    name: str
    position: int
    moved_at: datetime | None
    error: str | None


def read(connection: Connection) -> dict[str, Checkpoint]:
    return {row.name: Checkpoint(*row) for row in connection.execute(select(CHECKPOINT))}


def position(connection: Connection, name: str) -> int:
    """0 for a projection that has read nothing yet."""
    found = connection.execute(select(CHECKPOINT.c.position).where(CHECKPOINT.c.name == name)).scalar()
    return int(found or 0)


def move(connection: Connection, name: str, old: int, new: int, now: datetime) -> bool:
    """Go on from `old`; False if somebody else has moved it meanwhile."""
    values = {"position": new, "moved_at": now, "error": None}
    moved = connection.execute(
        update(CHECKPOINT).where(CHECKPOINT.c.name == name, CHECKPOINT.c.position == old).values(values)
    )
    if moved.rowcount == 1:
        return True
    if old or connection.execute(select(CHECKPOINT.c.name).where(CHECKPOINT.c.name == name)).first():
        return False
    connection.execute(insert(CHECKPOINT).values(name=name, **values))
    return True


def move_all(connection: Connection, names: Sequence[str], old: int, new: int, now: datetime) -> bool:
    """All of them go on from `old`, or none that this transaction may keep: False if one was not there."""
    where = (CHECKPOINT.c.name.in_(names), CHECKPOINT.c.position == old)
    moved = connection.execute(update(CHECKPOINT).where(*where).values(position=new, moved_at=now, error=None))
    return moved.rowcount == len(names)


def touch(connection: Connection, name: str) -> None:
    """Nobody else moves this projection until the transaction ends."""
    if not connection.execute(update(CHECKPOINT).where(CHECKPOINT.c.name == name).values(name=name)).rowcount:
        connection.execute(insert(CHECKPOINT).values(name=name, position=0))


def fail(connection: Connection, name: str, error: str | None) -> None:
    """Say in public why a projection stands still; None: it does not any more."""
    if not connection.execute(update(CHECKPOINT).where(CHECKPOINT.c.name == name).values(error=error)).rowcount:
        connection.execute(insert(CHECKPOINT).values(name=name, position=0, error=error))
