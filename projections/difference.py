"""Difference: which rows of two tables of the same shape are not the same, and how, however long the tables are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import Column, Connection, Row, Table, Text, collate, select

AT_ONCE = 1_000

Kind = Literal["added", "removed", "changed"]
Keyed = tuple[tuple[Any, ...], Row[Any]]


@dataclass(frozen=True)
class Difference:
    """One row that is not the same. `columns`: name -> (old, new), only those that differ."""

    table: str
    key: dict[str, Any]
    kind: Kind
    columns: dict[str, tuple[Any, Any]]


@dataclass
class Tally:
    """How many rows differ, and how many there are by now."""

    added: int = 0
    removed: int = 0
    changed: int = 0
    rows: int = field(default=0, compare=False)

    @property
    def total(self) -> int:
        return self.added + self.removed + self.changed

    def count(self, kind: Kind) -> None:
        setattr(self, kind, getattr(self, kind) + 1)


def compare(name: str, old: Table, before: Connection, new: Table, after: Connection) -> Iterator[Difference | None]:
    """Walk both tables in the order of their keys; None for a row that is the same."""
    keys = [column.name for column in old.primary_key.columns]
    names = [column.name for column in old.columns]
    for key, was, now in merge(walk(before, old), walk(after, new)):
        if was is not None and now is not None:
            columns = {n: (a, b) for n, a, b in zip(names, was, now, strict=True) if a != b}
            yield difference(name, keys, key, "changed", columns) if columns else None
        elif now is not None:
            columns = {n: (None, b) for n, b in zip(names, now, strict=True) if b is not None}
            yield difference(name, keys, key, "added", columns)
        elif was is not None:
            columns = {n: (a, None) for n, a in zip(names, was, strict=True) if a is not None}
            yield difference(name, keys, key, "removed", columns)


def difference(
    table: str, keys: list[str], key: tuple[Any, ...], kind: Kind, columns: dict[str, tuple[Any, Any]]
) -> Difference:
    return Difference(
        table, dict(zip(keys, key, strict=True)), kind, {n: c for n, c in columns.items() if n not in keys}
    )


def walk(connection: Connection, table: Table) -> Iterator[Keyed]:
    """Rows with their keys, in the order of the keys, a few in memory at a time."""
    keys = list(table.primary_key.columns)
    query = select(table).order_by(*(bytewise(connection, key) for key in keys))
    for row in connection.execute(query.execution_options(yield_per=AT_ONCE)):
        yield tuple(row._mapping[key.name] for key in keys), row


def bytewise(connection: Connection, column: Column[Any]) -> Any:
    """Order texts as Python does, whatever the collation of the database."""
    if connection.dialect.name == "postgresql" and isinstance(column.type, Text):
        return collate(column, "C")
    return column


def merge(
    old: Iterable[Keyed], new: Iterable[Keyed]
) -> Iterator[tuple[tuple[Any, ...], Row[Any] | None, Row[Any] | None]]:
    """Rows of the same key side by side, None where there is none."""
    ahead, behind = iter(old), iter(new)
    before, after = next(ahead, None), next(behind, None)
    while before is not None or after is not None:
        if after is None or (before is not None and before[0] < after[0]):
            assert before is not None
            yield before[0], before[1], None
            before = next(ahead, None)
        elif before is None or after[0] < before[0]:
            yield after[0], None, after[1]
            after = next(behind, None)
        else:
            yield before[0], before[1], after[1]
            before, after = next(ahead, None), next(behind, None)
