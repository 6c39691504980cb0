"""A batch of the history, decoded once however many projections read it."""

from __future__ import annotations

from collections.abc import Sequence

from domain.catalog import CATALOG, Recorded
from domain.event import Event
from projections.change import Changes
from projections.projection import Projection


class Poison(ValueError):
    """One event that a projection cannot digest."""

    def __init__(self, recorded: Recorded, reason: Exception) -> None:
        super().__init__(f"event {recorded.position} ({recorded.topic} of {recorded.stream}): {reason!r}")
        self.position = recorded.position


class Batch:
    """Some events in order. Decoding is lazy: topics that nobody handles are never decoded."""

    def __init__(self, rows: Sequence[Recorded]) -> None:
        self.rows = rows
        self.decoded: dict[int, Event] = {}

    @property
    def last(self) -> int:
        return self.rows[-1].position

    def event(self, recorded: Recorded) -> Event:
        event = self.decoded.get(recorded.position)
        if event is None:
            event = self.decoded[recorded.position] = CATALOG.decode(recorded.topic, recorded.state)
        return event

    def changes(self, projection: Projection, after: int) -> Changes:
        """What the events after a position do to the tables of a projection. Raises Poison."""
        changes, handlers = Changes(), projection.topics
        for recorded in self.rows:
            handler = handlers.get(recorded.topic)
            if handler is None or recorded.position <= after:
                continue
            try:
                handler(changes, self.event(recorded), recorded.position)
            except Exception as error:
                raise Poison(recorded, error) from error
        return changes
