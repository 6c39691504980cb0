"""Declarations on a terminal: the files of IRVE out, and in."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from api.bootstrap.irve import READ
from api.bootstrap.privacy import opened
from api.irve import tolerance, write_dynamic, write_static
from api.settings import Settings
from api.token import operator
from application.irve import Declarations, Outcome
from application.journal import Journal
from application.price import Pricebook
from domain.event import Refusal
from migrations.migrate import upgrade


def publish(settings: Settings, dynamic: bool, out: Path | None) -> int:
    """A file, or the terminal; a file appears under its name only when it is whole."""
    upgrade(settings.database)
    if out is None:
        return publish_to(settings, dynamic, sys.stdout.buffer)
    beside = out.with_name(f"{out.name}.part")
    try:
        with beside.open("wb") as sink:
            count = publish_to(settings, dynamic, sink)
        os.replace(beside, out)
    finally:
        beside.unlink(missing_ok=True)
    return count


def publish_to(settings: Settings, dynamic: bool, sink: BinaryIO) -> int:
    """The rest of it: the read models as they are now."""
    now = datetime.now(UTC)
    with opened(settings) as here, here.engine.connect() as connection:
        if dynamic:
            return write_dynamic(connection, now, tolerance(settings), sink)
        book = Pricebook(here.history, settings.time_zone)
        book.load()
        return write_static(connection, book, now, sink)


async def take(settings: Settings, file: bytes, partial: bool, dry: bool) -> Outcome:
    """Declare all that a file says, also while `bornier run` works on the history. Raises ValueError."""
    upgrade(settings.database)
    with opened(settings) as here:
        journal = Journal(here.store.recorder, here.store.mapper, here.history.advance)
        journal.start()
        try:
            declarations = Declarations(journal, here.history, READ, lambda: datetime.now(UTC))
            return await declarations.take(file, partial, operator(), dry)
        except Refusal as refusal:
            raise ValueError(str(refusal)) from None
        finally:
            await journal.stop()


def tell(found: Outcome) -> bool:
    """Print what came of a file; False where a line is wrong."""
    for number, reason in found.faults:
        print(f"line {number}: {reason}", file=sys.stderr)
    done = "recorded" if found.recorded else "nothing was recorded"
    print(f"{found.lines:,} lines; {found.sites:,} sites and {found.points:,} charge points differ: {done}")
    return not found.faults
