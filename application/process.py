"""A process: it follows the history, decides, and records. Its memory is made from the history; time is given to it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import TypeVar

from application.history import History
from application.journal import Fenced, Journal
from domain.aggregate import Aggregate
from domain.catalog import CATALOG, Recorded
from domain.event import Event

LOOK_BACK = timedelta(hours=25)
A = TypeVar("A", bound=Aggregate)


class Process:
    """Every gateway has one of each kind, and all see the same; the history takes the word of the first."""

    topics: tuple[str, ...] = ()

    def __init__(self, journal: Journal, history: History, clock: Callable[[], datetime]) -> None:
        self.journal = journal
        self.history = history
        self.clock = clock
        self.position = 0

    def consider(self, event: Event) -> None:
        """Remember what matters of an event, and what has to be decided."""
        raise NotImplementedError

    async def settle(self) -> None:
        """Decide what has to be decided."""
        raise NotImplementedError

    def load(self) -> None:
        """What happened lately: an earlier process may not have acted on it."""
        self.position = self.history.position_at(self.clock() - LOOK_BACK)
        while batch := self.history.read(self.position, 5_000, self.topics):
            self.learn(batch)

    def learn(self, batch: Iterable[Recorded]) -> None:
        for row in batch:
            self.consider(CATALOG.decode(row.topic, row.state))
            self.position = row.position

    async def follow(self) -> None:
        await self.settle()
        async for batch in self.history.follow(self.position, self.topics):
            self.learn(batch)
            await self.settle()

    async def decide(self, aggregate: Callable[[], A], decision: Callable[[A, datetime], None]) -> None:
        """Load, ask, record; whoever else writes to this stream at this moment goes first."""
        while True:
            fresh = await loaded(self.history, aggregate())
            decision(fresh, self.clock())
            decided = fresh.collect_events()
            if not decided:
                return
            with contextlib.suppress(Fenced):
                await self.journal.record(decided)
                return


async def loaded(history: History, aggregate: A) -> A:
    """An aggregate as the history tells it, however long the database is away."""
    rows = await history.read_patiently(0, (), aggregate.id)
    return aggregate.replay(CATALOG.decode(row.topic, row.state) for row in rows)
