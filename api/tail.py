"""The history on a terminal: reading it and following it."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from application.history import History
from application.listener import listen
from application.store import Store
from domain.catalog import Recorded


async def tail(
    database: str, stream: str | None, topics: Sequence[str], after: int, follow: bool, stop: asyncio.Event
) -> None:
    """Print events as JSON lines; with `follow` until told to stop."""
    store = await asyncio.to_thread(opened, database)
    history = History(store.recorder)
    tasks = [asyncio.create_task(print_events(history, stream, topics, after, follow))]
    if follow and database.startswith("postgresql://"):
        tasks.append(asyncio.create_task(listen(database, history.head, history.advance)))
    stopped = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([tasks[0], stopped], return_when=asyncio.FIRST_COMPLETED)
        if tasks[0].done():
            tasks[0].result()
    finally:
        for task in [*tasks, stopped]:
            task.cancel()
        await asyncio.gather(*tasks, stopped, return_exceptions=True)
        await asyncio.to_thread(store.close)


def opened(database: str) -> Store:
    """The store of an existing history. Raises ValueError where there is none: a reader makes no database."""
    path = database.removeprefix("sqlite:///")
    if path != database and not Path(path).is_file():
        raise ValueError(f"there is no history at {path}")
    return Store(database)


async def print_events(history: History, stream: str | None, topics: Sequence[str], after: int, follow: bool) -> None:
    head = await asyncio.to_thread(history.head)
    if not follow and after >= head:
        return
    async for batch in history.follow(after, topics, stream, None if follow else head):
        sys.stdout.write("".join(f"{line(recorded)}\n" for recorded in batch))
        sys.stdout.flush()


def line(recorded: Recorded) -> str:
    """One event as one JSON object: position, stream, version, topic and the event's own JSON as `data`."""
    head = json.dumps(
        {
            "position": recorded.position,
            "stream": recorded.stream,
            "version": recorded.version,
            "topic": recorded.topic,
        },
        ensure_ascii=False,
    )
    return f'{head[:-1]}, "data": {recorded.state.decode()}}}'
