"""The listener: hears from PostgreSQL that another process has recorded something."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import psycopg
from eventsourcing.persistence import PersistenceError

log = logging.getLogger("bornier.listener")

CHANNEL = "stored_events"
AGAIN_S = 1.0
REST_S = 0.02


async def listen(database: str, head: Callable[[], int], advance: Callable[[int], None]) -> None:
    """Tell `advance` whenever the store has grown; connect again for ever when the database goes away."""
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
                await connection.execute(f"LISTEN {CHANNEL}")
                while True:
                    advance(await asyncio.to_thread(head))
                    await asyncio.sleep(REST_S)
                    async for _ in connection.notifies(stop_after=1):
                        pass
        except (psycopg.Error, PersistenceError, OSError) as error:
            log.warning("cannot listen to the database, trying again: %s", str(error).strip())
        await asyncio.sleep(AGAIN_S)
