"""Badges in memory: every gateway knows all of them, so that a driver never waits for a query."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from application.history import History
from domain.badge import Badge, Unknown, Verdict, stream, verdict
from domain.catalog import CATALOG, Recorded, events

TOPICS = tuple(name for kind in events(Badge) for name in CATALOG.names(kind))


class Badges:
    """Follows the badge events of the history. Safe to feed the same event twice."""

    def __init__(self, history: History, unknown: Unknown) -> None:
        self.history = history
        self.unknown = unknown
        self.known: dict[str, Badge] = {}
        self.position = 0

    def verdict(self, badge: str, now: datetime) -> Verdict:
        """May this badge charge? The same answer for Authorize, StartTransaction and TransactionEvent."""
        return verdict(self.known.get(stream(badge)), self.unknown, now)

    def load(self) -> None:
        """Read all badge events so far."""
        while batch := self.history.read(self.position, 5_000, TOPICS):
            self.learn(batch)

    async def follow(self) -> None:
        """Learn for ever."""
        async for batch in self.history.follow(self.position, TOPICS):
            self.learn(batch)

    def learn(self, batch: Sequence[Recorded]) -> None:
        for recorded in batch:
            badge = self.known.setdefault(recorded.stream, Badge(recorded.stream))
            if recorded.version > badge.version:
                badge.replay([CATALOG.decode(recorded.topic, recorded.state)])
            self.position = max(self.position, recorded.position)

    def kind(self, badge: str) -> str:
        """The OCPP 2.x token type of a badge: what it was registered as, else an RFID card."""
        known = self.known.get(stream(badge))
        return known.kind if known is not None else "ISO14443"
