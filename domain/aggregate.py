"""An aggregate: one stream of events, and the rules for adding to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, ClassVar, Self

from domain.event import AnyCause, Event

Upcast = Callable[[dict[str, Any]], dict[str, Any]]


class Aggregate:
    """Decides in its public methods, remembers in `apply`, and keeps new events until they are collected.

    It satisfies the protocols of the `eventsourcing` library (`CollectEventsProtocol`, `projector_func`).
    """

    forgetful: ClassVar[bool] = False
    """True: its decisions need nothing of its past, so that only its latest event is ever loaded."""

    lasting: ClassVar[bool] = False
    """True: its stream grows for ever and tells nothing about a person, so that snapshots of it are kept."""

    unheeded: ClassVar[tuple[type[Event], ...]] = ()
    """Its events that come often and that no later decision needs: they are passed over when it is loaded."""

    upcasts: ClassVar[dict[str, Upcast]] = {}
    """Retired topic -> function from its JSON object to that of its successor (with the successor's topic)."""

    def __init__(self, stream: str) -> None:
        self.id = stream
        self.version = 0
        self.pending: list[Event] = []

    @property
    def over(self) -> bool:
        """Is nothing more expected in this stream? Then it may leave the database for the archive."""
        return False

    def record(self, kind: type[Event], cause: AnyCause, now: datetime, /, **facts: Any) -> None:
        """Add an event to the history of this stream; durable only once the journal says so."""
        self.version += 1
        event = kind(originator_id=self.id, originator_version=self.version, recorded_at=now, cause=cause, **facts)
        self.apply(event)
        self.pending.append(event)

    def apply(self, event: Event) -> None:
        """Remember what later decisions need. No rules, no clock."""
        raise NotImplementedError

    def collect_events(self) -> Sequence[Event]:
        """Hand over the new events, once."""
        events, self.pending = self.pending, []
        return events

    def replay(self, events: Iterable[Event]) -> Self:
        """Remember a recorded past."""
        for event in events:
            self.apply(event)
            self.version = event.originator_version
        return self
