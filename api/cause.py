"""Why did this happen, and what came of it? From any event back to a message or an operator, and forward again."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Engine

from api.search import END, Found, Question, Search, place
from application.history import History
from domain.catalog import CATALOG, Recorded
from domain.command import Command
from domain.reservation import Reservation
from domain.transaction import Transaction
from projections import mention
from projections.mention import WHOLE, Strand

STREAMS = 1_000
TOGETHER = 50
METERED = frozenset(CATALOG.names(Transaction.Metered))


class Step(NamedTuple):
    """An event on the way back: how far away it is, and the position of what it led to."""

    depth: int
    event: Recorded
    led_to: int


@dataclass
class Causality:
    """One history, and what the read models have noted of it."""

    history: History
    engine: Engine

    def causes(self, event: Recorded, limit: int) -> list[Step]:
        """What led to an event, the nearest first; each at most once."""
        return list(islice(self.back(event), limit))

    def back(self, event: Recorded) -> Iterator[Step]:
        seen, waiting = {event.position}, deque([(1, event)])
        while waiting:
            depth, effect = waiting.popleft()
            for cause in self.direct(effect):
                if cause.position not in seen:
                    seen.add(cause.position)
                    waiting.append((depth + 1, cause))
                    yield Step(depth, cause, effect.position)

    def direct(self, event: Recorded) -> list[Recorded]:
        """The events without which this one would not be. What a station said by itself has none but its message."""
        data: dict[str, Any] = msgspec.json.decode(event.state)
        command_id, found = data["cause"].get("command_id") or data.get("command_id"), list[Recorded]()
        if event.stream.startswith("command/"):
            found += self.before(event.position, event.stream)
        elif command_id is not None:
            found += self.before(event.position, f"command/{command_id}")
        if data.get("heard") is not None:
            found += self.history.at([data["heard"]])
        if event.topic in TOLD and data.get("transaction_id") is not None:
            found += self.history.between(0, END, 1, stream=f"transaction/{data['transaction_id']}")
        if event.topic in STARTED | ENDED:
            found += self.asked(event, event.topic in STARTED)
        return found

    def before(self, position: int, stream: str) -> list[Recorded]:
        """The event of a stream that was the last one then."""
        return list(self.history.between(0, position, 1, True, stream=stream))

    def asked(self, event: Recorded, began: bool) -> Iterator[Recorded]:
        """The commands that began or ended a charge: what had become of them by then."""
        subject = mention.of_transaction(event.stream)
        places = self.read(lambda c: mention.positions(c, [subject], 0, END, STREAMS))
        for named in self.history.at(places):
            if named.topic in (FULFILLED if began else REQUESTED):
                yield from self.before(event.position, named.stream)

    def effects(self, event: Recorded, after: int, limit: int) -> Found:
        """What came of an event, in the order of the history: the rest of a command, charge, reservation or job and all
        that it led to; of a message, what else was recorded for it."""
        low = max(after, event.position)
        found = list(islice(self.forward(event, low), limit + 1))
        return Found(found[:limit], len(found) > limit)

    def forward(self, event: Recorded, low: int) -> Iterator[Recorded]:
        if event.stream.partition("/")[0] not in WHOLE:
            yield from self.together(event, low)
            return
        strands = self.strands(event)
        charges = [strand for strand in strands if strand.stream.startswith("transaction/")]
        joined = {strand.stream for strand in charges if strand.position}
        search = Search(self.history, self.engine, Question())
        courses = search.about(event.stream, strands, low, END, False)
        noticed = search.mentioned([mention.of_transaction(each.stream) for each in charges], low, END, False)
        told = (recorded for recorded in noticed if recorded.topic in TOLD)
        last = low
        for recorded in heapq.merge(courses, told, key=place):
            if recorded.position > last and not (recorded.stream in joined and recorded.topic in METERED):
                last = recorded.position
                yield recorded

    def strands(self, event: Recorded) -> list[Strand]:
        """The stream of an event, those that it led to, and those that these led to. A charge that was only ended by
        it would have told its readings anyway."""
        found, waiting = {event.stream: 0}, deque([event.stream])
        while waiting and len(found) < STREAMS:
            subject = waiting.popleft()
            for strand in self.read(lambda c, subject=subject: mention.strands(c, subject)):
                if strand.stream not in found:
                    found[strand.stream] = strand.position
                    waiting.append(strand.stream)
        return [Strand(*each) for each in found.items()]

    def together(self, event: Recorded, low: int) -> Iterator[Recorded]:
        """What was recorded for the same message: one commit holds it, so it lies side by side."""
        message = message_of(event)
        if message is None:
            return
        following = self.history.between(event.position, END, TOGETHER)
        for recorded in takewhile(lambda each: message_of(each) == message, following):
            if recorded.position > low:
                yield recorded

    def read(self, query: Any) -> Any:
        with self.engine.connect() as connection:
            return query(connection)


TOLD = frozenset([*CATALOG.names(Command.Fulfilled), *CATALOG.names(Reservation.Used)])
STARTED = frozenset(CATALOG.names(Transaction.Started))
ENDED = frozenset(CATALOG.names(Transaction.Ended))
FULFILLED = frozenset(CATALOG.names(Command.Fulfilled))
REQUESTED = frozenset(CATALOG.names(Command.Requested))


def message_of(event: Recorded) -> tuple[Any, Any] | None:
    """Which message of which connection an event came from."""
    cause = msgspec.json.decode(event.state)["cause"]
    return (cause["connection_id"], cause["message_id"]) if cause["by"] == "ocpp" else None
