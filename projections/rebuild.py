"""Rebuild: make read models again from the whole history, beside the live ones; show what would change; swap."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError

from projections import checkpoint, shadow
from projections.batch import Batch
from projections.difference import Difference, Tally, compare
from projections.feed import Feed
from projections.projection import Projection
from projections.runner import relax

BATCH = 2_000
LOCK_TIMEOUT_MS = 200
PATIENCE_S = 60.0
REST_S = 0.1

Seen = Callable[[Difference], None]
Advance = Callable[[str, int, int | None, float], None]
"""What is being done, how much of it is done, of how much if that is known, and how much of it a second."""


class Unyielding(ValueError):
    """Readers never let go of the tables for as long as it takes to swap them."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} could not be swapped: somebody held its tables for {PATIENCE_S:.0f} seconds; nothing was changed"
        )


def rebuild(
    engine: Engine,
    feed: Feed,
    projection: Projection,
    swap: bool = True,
    seen: Seen = lambda difference: None,
    advance: Advance = lambda doing, done, total, rate: None,
) -> Tally:
    """Rebuild one projection; tells which rows differ. Readers see the old rows until the swap, then the new ones.

    Live traffic goes on meanwhile: the live projection waits for the last stretch and the swap alone. Raises Claimed,
    Unyielding, and Poison for an event that the projection cannot digest; then nothing is changed.
    """
    with shadow.claim(engine, projection.name):
        beside = projection.shadow()
        shadow.create(engine, beside)
        try:
            with engine.connect() as connection:
                here = checkpoint.position(connection, projection.name)
            position = catch_up(engine, feed, beside, 0, here, advance)
            with frozen(engine) as now:
                here = checkpoint.position(now, projection.name)
                position = catch_up(engine, feed, beside, position, here, advance)
                tally = differences(engine, now, projection, beside, seen, advance)
            if swap:
                position = catch_up(engine, feed, beside, position, feed.head(), advance)
                shadow.index(engine, beside)
                exchange(engine, feed, projection, beside, position)
        finally:
            with engine.begin() as connection:
                shadow.discard(connection, beside)
    return tally


def sweep(engine: Engine, projections: Iterable[Projection]) -> None:
    """Drop what rebuilds that were killed have left behind."""
    for left in shadow.left_behind(engine, projections):
        with suppress(shadow.Claimed), shadow.claim(engine, left.name), engine.begin() as connection:
            shadow.discard(connection, left)


def catch_up(engine: Engine, feed: Feed, beside: Projection, after: int, target: int, advance: Advance) -> int:
    """Read the history up to a position, a batch a transaction; returns that position."""
    began = time.perf_counter()
    for batch in batches(feed, beside, after, target):
        with engine.begin() as connection:
            relax(connection)
            batch.changes(beside, 0).write(connection, beside.tables)
        rate = (batch.last - after) / (time.perf_counter() - began)
        advance(f"rebuilding {beside.name}", batch.last, target, rate)
    return max(after, target)


def batches(feed: Feed, projection: Projection, after: int, target: int) -> Iterator[Batch]:
    """What concerns a projection, from one position to another."""
    topics = tuple(projection.topics)
    while after < target:
        rows = [row for row in feed.read(after, BATCH, topics) if row.position <= target]
        if not rows:
            return
        batch = Batch(rows)
        yield batch
        after = batch.last


@contextmanager
def frozen(engine: Engine) -> Iterator[Connection]:
    """A connection that sees one moment, however long it looks; nobody waits for it."""
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
            yield connection
    else:
        with engine.connect() as connection:
            connection.exec_driver_sql("BEGIN")
            yield connection


def differences(
    engine: Engine, now: Connection, projection: Projection, beside: Projection, seen: Seen, advance: Advance
) -> Tally:
    """Every row that is not the same in both, seen one by one and counted."""
    tally, began = Tally(), time.perf_counter()
    with engine.connect() as after:
        for name, table in projection.tables.items():
            for difference in compare(name, table, now, beside.tables[name], after):
                tally.rows += 1
                if difference is not None:
                    tally.count(difference.kind)
                    seen(difference)
                if tally.rows % BATCH == 0:
                    rate = tally.rows / (time.perf_counter() - began)
                    advance(f"comparing {projection.name}", tally.rows, None, rate)
    return tally


def exchange(engine: Engine, feed: Feed, projection: Projection, beside: Projection, position: int) -> None:
    """The last stretch and the swap in one transaction, tried again while readers hold the tables: never do they wait
    long for us."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            with engine.begin() as connection:
                hold(connection, projection.name)
                here = checkpoint.position(connection, projection.name)
                for batch in batches(feed, beside, position, here):
                    batch.changes(beside, 0).write(connection, beside.tables)
                shadow.swap(connection, projection, beside)
                checkpoint.move(connection, projection.name, here, max(here, position), datetime.now(UTC))
            return
        except OperationalError as error:
            if time.monotonic() > deadline:
                raise Unyielding(projection.name) from error
        time.sleep(random.uniform(REST_S, 3 * REST_S))
        with engine.connect() as connection:
            here = checkpoint.position(connection, projection.name)
        position = catch_up(engine, feed, beside, position, here, lambda doing, done, total, rate: None)


def hold(connection: Connection, name: str) -> None:
    """Keep the live projection from moving until this transaction ends; wait for nothing long."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SET LOCAL lock_timeout TO {LOCK_TIMEOUT_MS}"))
    checkpoint.touch(connection, name)
