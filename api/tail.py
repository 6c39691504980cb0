"""The history on a terminal: reading it and following it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack

from api.bootstrap.privacy import opened
from api.rest.event import line
from api.settings import Settings
from application.history import History
from application.listener import listen


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
        sys.stdout.write("".join(f"{line(recorded)}\n" for recorded in batch))
        sys.stdout.flush()
