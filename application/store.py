"""The store: the `eventsourcing` library's application, with our events as plain JSON under public topics."""

from __future__ import annotations

from typing import Any

import msgspec
from eventsourcing.application import Application
from eventsourcing.persistence import InfrastructureFactory, Mapper, StoredEvent
from eventsourcing.utils import Environment

from application.recorder import Recorder, environment, factory
from domain.catalog import CATALOG
from domain.event import Event, topic

ENCODER = msgspec.json.Encoder(decimal_format="string", uuid_format="canonical")


class EventMapper(Mapper[str]):
    """Topic ↔ class through the catalog; the state is the event's own JSON (see ADR 0001)."""

    def to_stored_event(self, domain_event: Any) -> StoredEvent:
        return StoredEvent(
            domain_event.originator_id,
            domain_event.originator_version,
            topic(type(domain_event)),
            ENCODER.encode(domain_event),
        )

    def to_domain_event(self, stored_event: StoredEvent) -> Event:
        return CATALOG.decode(stored_event.topic, bytes(stored_event.state))


class Store(Application[str]):
    """Where the history is kept: SQLite or PostgreSQL, chosen by the database URL."""

    recorder: Recorder

    def __init__(self, database: str) -> None:
        self.database = database
        super().__init__(environment(database))

    def construct_factory(self, env: Environment) -> InfrastructureFactory[Any]:
        return factory(self.database, env)

    def construct_mapper(self) -> EventMapper:
        return EventMapper(self.construct_transcoder())
