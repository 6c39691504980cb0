"""The history on a terminal: reading it and following it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from api.bootstrap.privacy import opened
from api.extract import json_line, lines, sealed
from api.extract import proof as evidence
from api.search import Question, Search
from api.settings import Settings
from application.history import History
from application.listener import listen
from migrations.migrate import is_current
from projections import checkpoint


async def tail(
    settings: Settings, stream: str | None, topics: Sequence[str], after: int, follow: bool, stop: asyncio.Event
) -> None:
    """Print events as JSON lines; with `follow` until told to stop."""
    async with AsyncExitStack() as stack:
        here = opened(settings)
        history = (await asyncio.to_thread(here.__enter__)).history
        stack.push_async_callback(asyncio.to_thread, here.__exit__, None, None, None)
        tasks = [asyncio.create_task(print_events(history, stream, topics, after, follow))]
        if follow and settings.database.startswith("postgresql://"):
            tasks.append(asyncio.create_task(listen(settings.database, history.head, history.advance)))
        stopped = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait([tasks[0], stopped], return_when=asyncio.FIRST_COMPLETED)
            if tasks[0].done():
                tasks[0].result()
        finally:
            for task in [*tasks, stopped]:
                task.cancel()
            await asyncio.gather(*tasks, stopped, return_exceptions=True)


async def print_events(history: History, stream: str | None, topics: Sequence[str], after: int, follow: bool) -> None:
    head = await asyncio.to_thread(history.head)
    if not follow and after >= head:
        return
    async for batch in history.follow(after, topics, stream, None if follow else head):
        sys.stdout.write("".join(json_line(recorded) for recorded in batch))
        sys.stdout.flush()


def save(settings: Settings, question: Question, first: int, last: int | None, form: str, proof: Path | None) -> None:
    """Print what a question finds, and with `proof` write the proof that it is what was sealed: then only what is
    sealed is printed, as stored. Raises ValueError when there is nothing to prove."""
    with opened(settings) as here:
        search = Search(here.history, here.engine, question)
        head = here.history.head() if last is None else last
        if (proof is not None or question.noted) and not is_current(settings.database):
            raise ValueError("the database schema is of another version: run `bornier migrate` first")
        if question.noted:
            head = min(head, noted(search))
        if proof is None:
            sys.stdout.writelines(lines(search, first, head, form))
            return
        end = min(head, sealed(search))
        if end < first:
            raise ValueError(f"nothing is sealed there: the seals reach position {end}")
        with proof.open("w", encoding="utf-8") as file:
            file.writelines(evidence(search, first, end))
        sys.stdout.writelines(lines(search, first, end, form, stored=True))
        if end < head:
            print(f"this ends with position {end}: what is later is not sealed yet", file=sys.stderr)


def noted(search: Search) -> int:
    """How far the read models of a search are; said aloud when that is not to the end."""
    known = search.read(lambda c: checkpoint.position(c, "mention"))
    if known < search.history.head():
        print(f"searched up to position {known}: the read models have not read more yet", file=sys.stderr)
    return known
