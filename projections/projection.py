"""A projection: one question, its tables, and what each event does to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import MetaData, Table
from sqlalchemy.sql.elements import quoted_name

from domain.catalog import CATALOG
from domain.event import Event
from projections.change import Changes

Handler = Callable[[Changes, Any, int], None]
SHADOW = "_rebuilt"


@dataclass(frozen=True)
class Projection:
    """`handlers`: event class → function (changes, event, position). Everything else does not concern it."""

    name: str
    tables: dict[str, Table]
    handlers: dict[type[Event], Handler]

    @property
    def topics(self) -> dict[str, Handler]:
        return {name: handler for kind, handler in self.handlers.items() for name in CATALOG.names(kind)}

    def shadow(self) -> Projection:
        """The same with other tables and indexes, to build it again beside the live one."""
        metadata = MetaData()
        tables = {name: table.to_metadata(metadata, name=f"{name}{SHADOW}") for name, table in self.tables.items()}
        for table in tables.values():
            for index in table.indexes:
                index.name = quoted_name(f"{index.name}{SHADOW}", None)
        return Projection(self.name, tables, self.handlers)


def owner(event: Event) -> str:
    """What the stream of an event is about: the station of `device/CP001`."""
    return event.originator_id.partition("/")[2]


def fold(projection: Projection, events: Iterable[tuple[int, Event]]) -> Changes:
    """What the tables would hold if only these events had happened; nothing is written. This is how `asOf` reads."""
    changes = Changes()
    for position, event in events:
        handler = projection.handlers.get(type(event))
        if handler is not None:
            handler(changes, event, position)
    return changes
