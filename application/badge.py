"""Badges in memory: every gateway knows all of them and where they charge, so that no driver waits for a query."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from application.authorization import OpenCharges
from application.history import History
from domain.authorization import Presented, Purpose, Ruling, judge
from domain.badge import Badge, Unknown, stream
from domain.catalog import CATALOG, Recorded, events

TOPICS = tuple(name for kind in events(Badge) for name in CATALOG.names(kind))


class Badges:
    """Follows the badge events of the history. Safe to feed the same event twice."""

    def __init__(self, history: History, unknown: Unknown, master_group: str = "") -> None:
        self.history = history
        self.unknown = unknown
        self.master_group = master_group
        self.known: dict[str, Badge] = {}
        self.charges = OpenCharges(history)
        self.position = 0

    def judge(
        self,
        badge: str,
        kind: str | None,
        station_id: str,
        site: str | None,
        at: datetime,
        purpose: Purpose = "show",
        evse_id: int | None = None,
        transaction_id: str | None = None,
    ) -> Ruling:
        """May this badge charge there? The same answer to every message that asks, for the same facts.

        `transaction_id`: the charge this is about, which never counts against itself.
        """
        places = self.charges.of(badge, but=transaction_id)
        known = self.known.get(stream(badge))
        here = station_id in places
        return judge(
            Presented(
                badge, kind, known, self.unknown, self.master_group,
                station_id, site, evse_id, purpose, len(places), here, at,
            )
        )  # fmt: skip

    def load(self) -> None:
        """Read all badge events so far."""
        while batch := self.history.read(self.position, 5_000, TOPICS):
            self.learn(batch)

    def reload(self) -> None:
        """Begin again: what has been forgotten must not stay in memory."""
        fresh = Badges(self.history, self.unknown, self.master_group)
        fresh.load()
        self.known, self.position = fresh.known, fresh.position

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

    def registered(self) -> Iterable[Badge]:
        """Every badge that is registered and not removed."""
        return (badge for badge in list(self.known.values()) if badge.registered and not badge.removed)

    def kind(self, badge: str) -> str:
        """The OCPP 2.x token type of a badge: what it was registered as, else an RFID card."""
        known = self.known.get(stream(badge))
        return known.terms.kind if known is not None else "ISO14443"
