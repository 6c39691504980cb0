"""Which station an event is about: by its facts, by its stream, or by how its stream began."""

from __future__ import annotations

from functools import lru_cache

import msgspec

from application.history import History
from domain.catalog import Recorded

STRANGERS = {"badge", "number", "site", "certificate", "webhook"}
"""Streams of these nouns may be called like a station and have nothing to do with it."""


class Place(msgspec.Struct):
    """The only part of an event that says where it happened."""

    station_id: str | None = None


PLACE = msgspec.json.Decoder(Place)


class Stations:
    """Blocks for the first event of a stream; call it from a thread."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.began_at = lru_cache(20_000)(self.look)

    def about(self, row: Recorded, station_id: str) -> bool:
        noun, _, name = row.stream.partition("/")
        if noun not in STRANGERS and name == station_id:
            return True
        return (PLACE.decode(row.state).station_id or self.began_at(row.stream)) == station_id

    def look(self, stream: str) -> str | None:
        rows = self.history.read(0, 1, stream=stream)
        return PLACE.decode(rows[0].state).station_id if rows else None
