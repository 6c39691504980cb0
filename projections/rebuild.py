"""Rebuild: make read models again from the whole history, beside the live ones; show what would change; swap."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, Connection, Engine, Row, Table, Text, collate, delete, insert, select

from projections import checkpoint
from projections.batch import Batch
from projections.feed import Feed
from projections.projection import Projection

BATCH = 2_000

Advance = Callable[[int, int, float], None]


@dataclass
class Difference:
    """One row that a rebuild would add, remove or change."""

    table: str
    key: tuple[Any, ...]
    kind: str
    columns: dict[str, tuple[Any, Any]] = field(default_factory=dict)


def rebuild(
    engine: Engine,
    feed: Feed,
    projection: Projection,
    swap: bool = True,
    seen: Callable[[Difference], None] = lambda difference: None,
    advance: Advance = lambda done, total, rate: None,
) -> int:
    """Rebuild one projection; returns how many rows differ. Readers see the old rows until the swap, then the new ones.

    Live traffic goes on meanwhile: only the last stretch is done while the live projection waits.
    """
    shadow = projection.shadow()
    with engine.begin() as connection:
        drop(connection, shadow)
        for table in shadow.tables.values():
            table.create(connection)
    try:
        position = catch_up(engine, feed, shadow, advance)
        with engine.begin() as connection:
            hold(connection, projection.name)
            live = checkpoint.position(connection, projection.name)
            write(connection, feed, shadow, position, live)
            differences = 0
            for difference in compare(connection, projection, shadow):
                differences += 1
                seen(difference)
            if swap:
                replace(connection, projection, shadow)
                checkpoint.move(connection, projection.name, live, max(live, position), datetime.now(UTC))
    finally:
        with engine.begin() as connection:
            drop(connection, shadow)
    return differences


def drop(connection: Connection, shadow: Projection) -> None:
    for table in shadow.tables.values():
        table.drop(connection, checkfirst=True)


def catch_up(engine: Engine, feed: Feed, shadow: Projection, advance: Advance) -> int:
    """Read the history up to where the live projection is now."""
    began, position = time.perf_counter(), 0
    with engine.connect() as connection:
        target = checkpoint.position(connection, shadow.name)
    while position < target:
        rows = [row for row in feed.read(position, BATCH) if row.position <= target]
        if not rows:
            break
        batch = Batch(rows)
        with engine.begin() as connection:
            batch.changes(shadow, 0).write(connection, shadow.tables)
        position = batch.last
        advance(position, target, position / (time.perf_counter() - began))
    return position


def hold(connection: Connection, name: str) -> None:
    """Keep the live projection from moving until this transaction ends."""
    held = checkpoint.CHECKPOINT.update().where(checkpoint.CHECKPOINT.c.name == name)
    connection.execute(held.values(name=name))


def write(connection: Connection, feed: Feed, shadow: Projection, position: int, live: int) -> None:
    """The last stretch, in the same transaction as the swap."""
    while position < live:
        rows = [row for row in feed.read(position, BATCH) if row.position <= live]
        if not rows:
            return
        batch = Batch(rows)
        batch.changes(shadow, 0).write(connection, shadow.tables)
        position = batch.last


def replace(connection: Connection, projection: Projection, shadow: Projection) -> None:
    for name, table in projection.tables.items():
        columns = [column.name for column in table.columns]
        connection.execute(delete(table))
        connection.execute(insert(table).from_select(columns, select(*shadow.tables[name].columns)))


def compare(connection: Connection, projection: Projection, shadow: Projection) -> Iterator[Difference]:
    """Every row that is not the same in both, by walking both tables in the order of their keys."""
    for name, table in projection.tables.items():
        old, new = walk(connection, table), walk(connection, shadow.tables[name])
        yield from merge(name, [column.name for column in table.columns], old, new)


def walk(connection: Connection, table: Table) -> Iterator[tuple[tuple[Any, ...], Row[Any]]]:
    keys = list(table.primary_key.columns)
    query = select(table).order_by(*(bytewise(connection, key) for key in keys)).execution_options(yield_per=1_000)
    for row in connection.execute(query):
        yield tuple(row._mapping[key.name] for key in keys), row


def bytewise(connection: Connection, column: Column[Any]) -> Any:
    """Order texts as Python does, whatever the collation of the database."""
    if connection.dialect.name == "postgresql" and isinstance(column.type, Text):
        return collate(column, "C")
    return column


def merge(table: str, columns: list[str], old: Iterator[Any], new: Iterator[Any]) -> Iterator[Difference]:
    before: Any = next(old, None)
    after: Any = next(new, None)
    while before is not None or after is not None:
        if after is None or (before is not None and before[0] < after[0]):
            yield Difference(table, before[0], "removed")
            before = next(old, None)
        elif before is None or after[0] < before[0]:
            yield Difference(table, after[0], "added")
            after = next(new, None)
        else:
            changed = {
                column: (was, now) for column, was, now in zip(columns, before[1], after[1], strict=True) if was != now
            }
            if changed:
                yield Difference(table, before[0], "changed", changed)
            before, after = next(old, None), next(new, None)
