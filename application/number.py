"""Transaction numbers for OCPP 1.6: taken from blocks that the history has given to this gateway."""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import datetime

from application.history import History
from application.journal import Fenced, Journal
from domain.catalog import CATALOG
from domain.event import Refusal, Timer
from domain.number import STREAM, Number

BLOCK = 5_000


class Numbers:
    """Hands out integers that no gateway ever hands out again, without waiting."""

    def __init__(self, journal: Journal, history: History, gateway: str) -> None:
        self.journal = journal
        self.history = history
        self.gateway = gateway
        self.free: deque[int] = deque()

    @property
    def low(self) -> bool:
        """Time to reserve the next block."""
        return len(self.free) < BLOCK // 2

    def take(self) -> int:
        """The next number. Raises Refusal while no block could be reserved."""
        if not self.free:
            raise Refusal("no transaction number is free yet, try again")
        return self.free.popleft()

    async def reserve(self, now: datetime) -> None:
        """Take another block; when another gateway was quicker, take the one after it."""
        while self.low:
            number = Number()
            rows = await asyncio.to_thread(self.history.stream, STREAM)
            number.replay(CATALOG.decode(row.topic, row.state) for row in rows)
            block = number.reserve(BLOCK, self.gateway, Timer(rule="number block"), now)
            try:
                await self.journal.record(number.collect_events())
            except Fenced:
                continue
            self.free.extend(block)
