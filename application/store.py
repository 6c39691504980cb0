"""The store: the `eventsourcing` library's application, with our events as plain JSON under public topics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from eventsourcing.application import Application
from eventsourcing.persistence import InfrastructureFactory, Mapper, StoredEvent
from eventsourcing.utils import Environment

from application.privacy import Ring
from application.recorder import Recorder, environment, factory
from domain.catalog import CATALOG
from domain.event import Event, topic
from domain.privacy import concerns

ENCODER = msgspec.json.Encoder(decimal_format="string", uuid_format="canonical")


class EventMapper(Mapper[str]):
    """Topic ↔ class through the catalog; the state is the event's own JSON (ADR 0001), with what is about a person
    sealed (ADR 0010). Without a ring everything stays as it is."""

    def __init__(self, transcoder: Any, ring: Ring | None = None) -> None:
        super().__init__(transcoder)
        self.ring = ring

    def to_stored_event(self, domain_event: Any) -> StoredEvent:
        if self.ring is None:
            return self.plain(domain_event)
        return self.to_stored_events([domain_event])[0]

    def to_stored_events(self, events: Sequence[Event]) -> list[StoredEvent]:
        """Many at once, so that keys that are missing are made in one step."""
        stored = [self.plain(event) for event in events]
        if self.ring is not None:
            named = [at for at, event in enumerate(events) if concerns(event, stored[at].state)]
            if named:
                sealed = self.ring.close([(events[at], stored[at].state) for at in named])
                for at, (stream, state) in zip(named, sealed, strict=True):
                    stored[at] = StoredEvent(stream, stored[at].originator_version, stored[at].topic, state)
        return stored

    def plain(self, event: Event) -> StoredEvent:
        return StoredEvent(
            event.originator_id,
            event.originator_version,
            topic(type(event)),
            ENCODER.encode(event),
        )

    def to_domain_event(self, stored_event: StoredEvent) -> Event:
        return CATALOG.decode(stored_event.topic, bytes(stored_event.state))


class Store(Application[str]):
    """Where the history is kept: SQLite or PostgreSQL, chosen by the database URL."""

    recorder: Recorder
    mapper: EventMapper

    def __init__(self, database: str, ring: Ring | None = None) -> None:
        self.database = database
        self.ring = ring
        super().__init__(environment(database))

    def construct_factory(self, env: Environment) -> InfrastructureFactory[Any]:
        return factory(self.database, env)

    def construct_mapper(self) -> EventMapper:
        return EventMapper(self.construct_transcoder(), self.ring)
