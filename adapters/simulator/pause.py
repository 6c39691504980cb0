"""A pause that somebody may end."""

from __future__ import annotations

import asyncio


async def rest(stop: asyncio.Event, seconds: float, nudge: asyncio.Event | None = None) -> None:
    """Wait, unless stopped or nudged."""
    waits = [asyncio.create_task(event.wait()) for event in (stop, nudge) if event is not None]
    await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
