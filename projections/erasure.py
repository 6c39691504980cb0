"""Erasure: read models show what has been forgotten until they are made again from the history, which does not."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from sqlalchemy import Engine

from projections import checkpoint
from projections.catalog import PROJECTIONS
from projections.feed import Feed
from projections.projection import Projection
from projections.rebuild import Advance, rebuild

NAME = "erasure"
STILL_S = 2.0
POLL_S = 0.1


def concerned() -> list[Projection]:
    """The read models in which a person may be."""
    return [each for each in PROJECTIONS.values() if any(kind.personal for kind in each.handlers)]


def erase(engine: Engine, feed: Feed, until: int, advance: Advance = lambda doing, done, total, rate: None) -> int:
    """Make them again, of all that was forgotten up to a position; returns how many rows have changed.

    What is being projected at this moment was read before the keys were gone, so that comes first. Raises what rebuild
    raises; then it has to be done again.
    """
    settle(engine, until)
    changed = sum(rebuild(engine, feed, each, advance=advance).total for each in concerned())
    tidy(engine)
    note(engine, until)
    return changed


def settle(engine: Engine, until: int) -> None:
    """Wait for the read models to come so far, as long as they are on their way."""
    before, still = -1, 0.0
    while still < STILL_S:
        here = slowest(engine)
        if here >= until:
            return
        still = still + POLL_S if here == before else 0.0
        before = here
        time.sleep(POLL_S)


def slowest(engine: Engine) -> int:
    """Where the last of those is that do not stand still."""
    with engine.connect() as connection:
        known = checkpoint.read(connection)
    return min((known[name].position for name in PROJECTIONS if name in known and not known[name].error), default=0)


def tidy(engine: Engine) -> None:
    """Let the database give up what it keeps of deleted keys, as far as nobody has to wait for it."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").all()
        else:
            connection.exec_driver_sql("VACUUM personal_key")


def compact(engine: Engine) -> None:
    """Give up everything that was ever deleted. SQLite writes the whole file anew, and writers wait for it."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM")
    tidy(engine)


def note(engine: Engine, until: int) -> None:
    """Everything that was forgotten up to a position has been erased."""
    with engine.begin() as connection:
        here = checkpoint.position(connection, NAME)
        checkpoint.move(connection, NAME, here, max(here, until), datetime.now(UTC))


def done(engine: Engine) -> int:
    """Up to where that is."""
    with engine.connect() as connection:
        return checkpoint.position(connection, NAME)
