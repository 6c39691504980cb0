"""Advenir on a terminal: check files and the history, register points, and send what waits."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import msgspec

from api.bootstrap.advenir import READ, SEAT, client_of, exporter_of
from api.bootstrap.privacy import Opened, opened
from api.bootstrap.process import clock
from api.funding import lines_of
from api.settings import Settings
from api.token import operator
from application.advenir import Exporter, Funding
from application.journal import Journal
from application.ports import Wanted
from application.seat import seats
from domain.preflight import Defect, Limits

Progress = Callable[[int, int], None]


def check_file(settings: Settings, path: Path, as_json: bool) -> bool:
    """Print every defect of a file that another client made; True if there is none. Raises ValueError."""
    limits = Limits(int(clock().timestamp()), settings.advenir_least_wh, settings.advenir_least_s)
    try:
        found = READ(path.read_text("utf-8"), limits)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    show(found.defects, as_json)
    conclude(len(found.charges), found.defects, len(found.sendable), as_json)
    return not found.defects


async def check_history(settings: Settings, since: datetime | None, until: datetime | None, as_json: bool) -> bool:
    """Print every defect of the charges of a time at funded points; nothing is written."""
    charges, sendable, defects = 0, 0, []
    async with exporting(settings) as exporter:
        async for _, draft in exporter.preview(Wanted(since, until, clock())):
            show(draft.defects, as_json)
            charges, sendable = charges + 1, sendable + all(defect.mended for defect in draft.defects)
            defects += draft.defects
    conclude(charges, defects, sendable, as_json)
    return not defects


def show(defects: Sequence[Defect], as_json: bool) -> None:
    for defect in defects:
        values = " ".join(f"{name}={value}" for name, value in defect.values.items())
        mended = " (mended)" if defect.mended else ""
        line = f"{defect.rule}: {defect.where or 'the file'}: {defect.what}{mended} {values}".rstrip()
        print(json.dumps(msgspec.to_builtins(defect), default=str, ensure_ascii=False) if as_json else line)


def conclude(charges: int, defects: Sequence[Defect], sendable: int, as_json: bool) -> None:
    mended = sum(defect.mended for defect in defects)
    if not as_json:
        print(f"{charges:,} charges, {len(defects):,} defects ({mended:,} mended), {sendable:,} could be sent")


async def send(settings: Settings, since: datetime | None, until: datetime | None, progress: Progress) -> bool:
    """Make and send what is not told yet; True if all that was sent arrived. Raises ValueError."""
    if not settings.advenir_url:
        raise ValueError("where to? Set BORNIER_ADVENIR_URL, and what belongs to it (docs/advenir.md)")
    here = seats(settings.database)
    try:
        if not here.holds(SEAT):
            raise ValueError("a running Bornier sends already; the mutation submitAdvenir makes it send at once")
        async with exporting(settings) as exporter:
            made = await exporter.prepare(Wanted(since, until, clock()), operator(), progress=progress)
            told = await exporter.send(progress)
    finally:
        here.leave()
    print(f"{made.prepared:,} prepared, {made.withheld:,} withheld")
    print(f"{told.accepted:,} accepted, {told.refused:,} refused, {told.failed:,} not arrived")
    if told.closed:
        raise ValueError(f"Advenir is told later: {told.closed}")
    return not (made.withheld or told.refused or told.failed)


async def register(settings: Settings, text: str) -> bool:
    """Register the points of a CSV file; print what is refused. Raises ValueError."""
    lines, wrong = lines_of(text)
    with opened(settings) as here:
        async with journal_of(here) as journal:
            refused = await Funding(journal, here.history, clock).register_all(lines, operator())
    for number, reason in sorted([*wrong, *refused]):
        print(f"line {number}: {reason}")
    print(f"{len(lines) - len(refused):,} registered")
    return not (wrong or refused)


@asynccontextmanager
async def exporting(settings: Settings) -> AsyncIterator[Exporter]:
    client = client_of(settings)
    with opened(settings) as here:
        try:
            async with journal_of(here) as journal:
                yield exporter_of(settings, journal, here.history, here.engine, client)
        finally:
            if client is not None:
                await client.close()


@asynccontextmanager
async def journal_of(here: Opened) -> AsyncIterator[Journal]:
    journal = Journal(here.store.recorder, here.store.mapper, here.history.advance)
    journal.start()
    try:
        yield journal
    finally:
        await journal.stop()
