"""A person on a terminal: everything the history says about them, and that it says no more."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal, NamedTuple

from api.bootstrap.privacy import Opened, opened
from api.bootstrap.process import clock
from api.extract import json_line
from api.settings import Settings
from application.driver import Custody, Drivers, Forgetting
from application.journal import Journal
from application.privacy import Ring
from domain.event import Refusal
from migrations.migrate import upgrade
from projections.erasure import compact, erase
from projections.rebuild import Advance

Kind = Literal["driver", "badge"]
OPERATOR = "command line"


class Told(NamedTuple):
    """What was forgotten, and how many rows of read models have changed."""

    forgotten: Forgetting
    rows: int


@contextmanager
def people(settings: Settings) -> Iterator[tuple[Opened, Drivers]]:
    """The drivers of a database; everything is recorded through a journal of its own."""
    with opened(settings):
        upgrade(settings.database)
    with opened(settings) as here:
        assert here.keyring is not None
        ring = here.store.ring
        assert isinstance(ring, Ring)
        journal = Journal(here.store.recorder, here.store.mapper, here.history.advance)
        try:
            yield here, Drivers(journal, Custody(here.history, ring, here.keyring), clock)
        except Refusal as refusal:
            raise ValueError(str(refusal)) from None


def tell(settings: Settings, kind: Kind, id_: str, write: Callable[[str], object] = sys.stdout.write) -> int:
    """Print every event about a driver, or about a badge that no driver holds; returns how many there are."""
    with people(settings) as (_, drivers):
        told = 0
        for row in drivers.everything(*(id_ if kind == name else None for name in ("driver", "badge"))):
            write(json_line(row))
            told += 1
        return told


def forget(settings: Settings, kind: Kind, id_: str, reason: str, advance: Advance) -> Told:
    """Destroy the keys, make the read models again, and let the database give up what it has deleted."""
    with people(settings) as (here, drivers):
        forgotten = asyncio.run(decide(drivers, kind, id_, reason))
        rows = erase(here.engine, here.history, here.history.head(), advance)
        compact(here.engine)
        return Told(forgotten, rows)


async def decide(drivers: Drivers, kind: Kind, id_: str, reason: str) -> Forgetting:
    drivers.journal.start()
    try:
        step = drivers.forget if kind == "driver" else drivers.forget_badge
        return await step(id_, reason, OPERATOR)
    finally:
        await drivers.journal.stop()
