"""Snapshots: long streams open at once. They can be dropped at any time, for the history is the truth."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

from eventsourcing.persistence import PersistenceError

from application.history import History
from domain.aggregate import Aggregate
from domain.catalog import AGGREGATES, CATALOG, Recorded
from domain.event import Event
from domain.snapshot import At, Unfit, decode, encode, shape
from domain.station import Station

log = logging.getLogger("bornier.snapshot")

EVERY = 1_000
"""So many events are read after a snapshot before another one is taken."""
PAGE = 5_000
RECENT = 64
WATCH_S = 60.0
KEEP = """INSERT INTO snapshot (stream, version, shape, state) VALUES (?, ?, ?, ?) ON CONFLICT (stream) DO UPDATE
SET version = excluded.version, shape = excluded.shape, state = excluded.state
WHERE excluded.version > snapshot.version OR excluded.shape <> snapshot.shape"""
STREAMS = "SELECT DISTINCT originator_id FROM stored_events WHERE originator_id LIKE ?"
A = TypeVar("A", bound=Aggregate)


class Held(Protocol):
    """A connected station."""

    @property
    def station(self) -> Station:
        """As it is now, committed or not."""


class Restored(NamedTuple, Generic[A]):
    """An aggregate as the history tells it, and the last of its events, oldest first."""

    aggregate: A
    recent: Sequence[Event]


class Snapshots:
    """The snapshots of a store."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.recorder = history.recorder

    def find(self, blank: A) -> A | None:
        """The aggregate as its snapshot tells it; None without one that fits the program."""
        rows = self.recorder.fetch("SELECT version, shape, state FROM snapshot WHERE stream = ?", [blank.id])
        if not rows or rows[0][1] != shape(type(blank)):
            return None
        version, _, state = rows[0]
        try:
            return decode(blank, version, bytes(state), self.at(blank.id))
        except Unfit as reason:
            log.warning("the snapshot of %s is of no use: %s", blank.id, reason)
            return None

    def at(self, stream: str) -> At:
        def event(version: int) -> Event:
            rows = self.history.heeded(stream, version - 1, 1, unheeded=True)
            if not rows or rows[0].version != version:
                raise Unfit(f"version {version} is missing")
            return CATALOG.decode(rows[0].topic, rows[0].state)

        return event

    def keep(self, aggregate: Aggregate) -> None:
        """Write down what was read from the history, and nothing that is not durable; an older one is replaced."""
        try:
            values = [aggregate.id, aggregate.version, shape(type(aggregate)), encode(aggregate)]
            self.recorder.tell((KEEP, values))
        except (Unfit, PersistenceError) as error:
            log.warning("no snapshot of %s: %s", aggregate.id, str(error).strip())

    def take(self, advance: Callable[[int, int], None] = lambda done, total: None) -> int:
        """Open every stream that lasts, so that it opens at once from then on; tells how many snapshots there are."""
        streams = [
            (kind, row[0])
            for kind in AGGREGATES
            if kind.lasting
            for row in self.recorder.fetch(STREAMS, [f"{kind.__name__.lower()}/%"])
        ]
        for done, (kind, stream) in enumerate(streams, 1):
            restore(self.history, kind(stream))
            advance(done, len(streams))
        return self.count()[0]

    def count(self) -> tuple[int, int]:
        """How many there are, and how many bytes."""
        rows = self.recorder.fetch("SELECT count(*), coalesce(sum(length(state)), 0) FROM snapshot", ())
        return int(rows[0][0]), int(rows[0][1])

    def drop(self) -> None:
        self.recorder.tell(("DELETE FROM snapshot", ()))


def restore(history: History, blank: A) -> Restored[A]:
    """Load an aggregate from its snapshot and what came after, or from everything; much after it makes a new one."""
    kind, stream, snapshots = type(blank), blank.id, Snapshots(history)
    if not kind.lasting and history.pruned(stream):
        events = decoded(history.stream(stream))
        return Restored(blank.replay(events), events[-RECENT:])
    aggregate = (snapshots.find(blank) if kind.lasting else None) or kind(stream)
    known = aggregate.version
    recent = history.heeded(stream, max(known - RECENT, 0), PAGE, unheeded=True)
    if len(recent) < PAGE:
        aggregate.replay(decoded([row for row in recent if row.version > known]))
    else:
        recent = history.recent(stream, RECENT)
        catch_up(history, aggregate, recent[-1].version)
    if kind.lasting and aggregate.version - known >= EVERY:
        snapshots.keep(aggregate)
    return Restored(aggregate, decoded(recent[-RECENT:]))


def catch_up(history: History, aggregate: Aggregate, last: int) -> None:
    """Replay what is heeded, up to a version."""
    unheeded = not type(aggregate).unheeded
    while rows := history.heeded(aggregate.id, aggregate.version, PAGE, unheeded):
        aggregate.replay(decoded([row for row in rows if row.version <= last]))
        if rows[-1].version >= last:
            break
    aggregate.version = last


def load(history: History, blank: A) -> Restored[A]:
    """An aggregate with what its decisions need of its past."""
    if not blank.forgetful:
        return restore(history, blank)
    events = decoded(history.latest_of(blank.id))
    return Restored(blank.replay(events), events)


def decoded(rows: Sequence[Recorded]) -> list[Event]:
    return [CATALOG.decode(row.topic, row.state) for row in rows]


class Album:
    """Takes new snapshots of stations that stay connected, while nobody waits for it."""

    def __init__(self, history: History, sessions: Mapping[str, Held]) -> None:
        self.history = history
        self.sessions = sessions
        self.taken: dict[str, int] = {}

    async def watch(self) -> None:
        while True:
            await asyncio.sleep(WATCH_S)
            await self.turn()

    async def turn(self) -> None:
        """A snapshot of every station that has told much since its last one."""
        now = {station_id: held.station for station_id, held in self.sessions.items()}
        self.taken = {station_id: self.taken.get(station_id, each.version) for station_id, each in now.items()}
        for station_id, station in now.items():
            if station.version - self.taken[station_id] >= EVERY:
                self.taken[station_id] = station.version
                try:
                    await asyncio.to_thread(restore, self.history, Station(station.id))
                except PersistenceError as error:
                    log.warning("no snapshot of %s: %s", station.id, str(error).strip())
