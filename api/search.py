"""Searching the history: by stream, topic, time, station, badge and cause, in either direction, without reading it all.

The read models say where to look, the store is read there, and every event is held to the whole question. So what is
found is never wrong, and whoever asks too broadly is told so instead of waiting.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple, TypeVar, get_args

import msgspec
from sqlalchemy import Connection, Engine

from application.history import History
from domain.badge import stream as badge_stream
from domain.catalog import Recorded
from domain.event import AnyCause
from projections import mention, trace
from projections.mention import BLOCK, OFTEN, Strand

T = TypeVar("T")
END = 2**63 - 1
PAGE = 500
LOOKED = 100_000
CAUSES = tuple(str(kind.__struct_config__.tag) for kind in get_args(AnyCause))
SKEW = timedelta(seconds=5)
"""By so much the clocks of several gateways may differ; `recorded_at` grows with the position but for that."""


class TooBroad(ValueError):
    """So many events were looked at in vain that the question should be narrower."""

    def __init__(self, position: int) -> None:
        super().__init__(
            f"{LOOKED:,} events up to position {position} are not what is searched: "
            "narrow it by stream, station, badge or time, or go on from that position"
        )
        self.position = position


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is searched: everything that is said must hold. Times: from (included) to (not included)."""

    stream: str | None = None
    topics: Sequence[str] = ()
    station: str | None = None
    badge: str | None = None
    since: datetime | None = None
    to: datetime | None = None
    occurred_since: datetime | None = None
    occurred_to: datetime | None = None
    by: str | None = None
    command: str | None = None
    operator: str | None = None
    rule: str | None = None
    message: str | None = None

    @property
    def plain(self) -> bool:
        """The store alone can answer it."""
        return self == Question(stream=self.stream, topics=self.topics)

    @property
    def noted(self) -> bool:
        """It takes what read models have noted."""
        return not self.plain or (bool(self.topics) and self.stream is None)


def cause_of(by: str | None) -> str | None:
    """One of the ways into the history. Raises ValueError for another word."""
    if by is not None and by not in CAUSES:
        raise ValueError(f"there is no cause {by!r}: {', '.join(CAUSES)}")
    return by


class Found(NamedTuple):
    """Some events in the order of the history, and whether there are more beyond them."""

    events: list[Recorded]
    more: bool


@dataclass
class Search:
    """One question to one history."""

    history: History
    engine: Engine
    question: Question
    belonging: dict[str, bool] = field(default_factory=dict)

    def page(self, low: int, high: int, limit: int, descending: bool = False) -> Found:
        """At most so many events between two positions (neither included): the first, or the last. Raises TooBroad."""
        found = list(islice(self.events(low, high, descending, LOOKED), limit + 1))
        kept = found[:limit]
        return Found(kept[::-1] if descending else kept, len(found) > limit)

    def count(self) -> int:
        """How many there are. Raises TooBroad."""
        if self.question.plain:
            return self.history.count(self.question.topics, self.question.stream)
        return sum(1 for _ in self.events(0, END, patience=LOOKED))

    def events(self, low: int, high: int, descending: bool = False, patience: int | None = None) -> Iterator[Recorded]:
        """All of them, one after the other; `patience`: how many may be looked at in vain."""
        in_vain = 0
        for recorded in self.candidates(*self.within(low, high), descending):
            if self.fits(recorded):
                in_vain = 0
                yield recorded
            else:
                in_vain += 1
                if patience is not None and in_vain >= patience:
                    raise TooBroad(recorded.position)

    def within(self, low: int, high: int) -> tuple[int, int]:
        """The positions of the times that are asked for."""
        since, to = self.question.since, self.question.to
        if since is not None:
            low = max(low, self.history.position_at(since - SKEW))
        if to is not None:
            high = min(high, self.history.position_at(to + SKEW) + 1)
        return low, high

    # Where to look: the rarest thing that is asked for decides.

    def candidates(self, low: int, high: int, descending: bool) -> Iterator[Recorded]:
        asked = self.question
        if asked.command is not None:
            yield from self.about(mention.of_command(asked.command), [], low, high, descending)
        elif asked.badge is not None:
            own = [Strand(badge_stream(asked.badge), 0)]
            yield from self.about(mention.of_badge(asked.badge), own, low, high, descending)
        elif asked.operator is not None:
            yield from self.mentioned([mention.of_operator(asked.operator)], low, high, descending)
        elif asked.by is not None and mention.of_cause(asked.by) not in OFTEN:
            yield from self.mentioned([mention.of_cause(asked.by)], low, high, descending)
        elif asked.stream is not None:
            yield from self.stream(asked.stream, low, high, descending)
        elif asked.station is not None:
            yield from self.woven(self.strands_of(asked.station), low, high, descending)
        elif asked.topics:
            subjects = [mention.of_topic(name) for name in dict.fromkeys(asked.topics)]
            yield from self.mentioned(subjects, low, high, descending)
        else:
            yield from self.paged(low, high, descending, None)

    def strands_of(self, station_id: str) -> list[Strand]:
        named = self.read(lambda c: trace.begun(c, station_id))
        self.belonging.update((stream, True) for stream, _ in named)
        return [*(Strand(*each) for each in named), *(Strand(stream, 0) for stream in own(station_id))]

    def about(self, subject: str, own: list[Strand], low: int, high: int, descending: bool) -> Iterator[Recorded]:
        """The events of all streams about a subject, and the single ones that name it, each once."""
        strands = [*self.read(lambda c: mention.strands(c, subject)), *own]
        sources = self.mentioned([subject], low, high, descending), self.woven(strands, low, high, descending)
        last = None
        for recorded in heapq.merge(*sources, key=place, reverse=descending):
            if recorded.position != last:
                yield recorded
            last = recorded.position

    def mentioned(self, subjects: Sequence[str], low: int, high: int, descending: bool) -> Iterator[Recorded]:
        """The events at the positions that a read model has noted, or in the blocks."""
        wholes = not OFTEN.isdisjoint(subjects)
        size = PAGE // 10
        while low + 1 < high:
            bounds, limit = (low, high), size
            places = self.read(lambda c: mention.positions(c, subjects, *bounds, limit, descending))  # noqa: B023
            if not places:
                return
            if wholes:
                first = places[0] - places[0] % BLOCK
                inner, outer = max(low, first - 1), min(high, first + BLOCK)
                yield from self.paged(inner, outer, descending, None)
            else:
                yield from self.history.at(places)[:: -1 if descending else 1]
                inner, outer = min(places) - 1, max(places) + 1
            low, high = (low, inner + 1) if descending else (outer - 1, high)
            size = PAGE

    def woven(self, strands: Sequence[Strand], low: int, high: int, descending: bool) -> Iterator[Recorded]:
        """Many streams as one, in the order of the history; none is opened before it has its turn."""
        begins: dict[str, int] = {}
        for stream, first in strands:
            begins[stream] = min(first, begins.get(stream, first))
        ends = self.history.ends(list(begins))
        sign = -1 if descending else 1
        waiting = sorted(
            (
                (sign * (min(ends[stream].position, high) if descending else max(first, low)), stream, first)
                for stream, first in begins.items()
                if stream in ends and ends[stream].position > low and first < high
            ),
            reverse=True,
        )
        ready: list[tuple[int, Recorded, Iterator[Recorded]]] = []
        while waiting or ready:
            if waiting and (not ready or waiting[-1][0] <= ready[0][0]):
                _, stream, first = waiting.pop()
                source = self.stream(stream, max(low, first - 1), high, descending)
            else:
                _, recorded, source = heapq.heappop(ready)
                yield recorded
            following = next(source, None)
            if following is not None:
                heapq.heappush(ready, (sign * following.position, following, source))

    def stream(self, stream: str, low: int, high: int, descending: bool) -> Iterator[Recorded]:
        return self.paged(low, high, descending, stream)

    def paged(self, low: int, high: int, descending: bool, stream: str | None) -> Iterator[Recorded]:
        """What the store has between two positions; few events at first, for often few are wanted."""
        size = PAGE // 10
        while rows := self.history.between(low, high, size, descending, self.question.topics, stream):
            yield from rows
            if len(rows) < size:
                return
            low, high = (low, rows[-1].position) if descending else (rows[-1].position, high)
            size = PAGE

    # What is found there is held to the whole question.

    def fits(self, recorded: Recorded) -> bool:
        asked = self.question
        return (
            (not asked.topics or recorded.topic in asked.topics)
            and asked.stream in (None, recorded.stream)
            and (asked.message is None or msgspec.json.encode(asked.message)[1:-1] in recorded.state)
            and (asked.plain or self.told(msgspec.json.decode(recorded.state)))
            and (asked.station is None or self.belongs(recorded.stream, asked.station))
            and (asked.badge is None or asked.command is None or self.names(recorded, asked.badge))
        )

    def told(self, data: dict[str, Any]) -> bool:
        """What the event itself tells."""
        asked, cause = self.question, data["cause"]
        return (
            between(data["recorded_at"], asked.since, asked.to)
            and between(data.get("occurred_at"), asked.occurred_since, asked.occurred_to)
            and asked.by in (None, cause["by"])
            and asked.operator in (None, cause.get("name"))
            and asked.rule in (None, cause.get("rule"))
            and asked.command in (None, cause.get("command_id"), data["originator_id"].removeprefix("command/"))
            and asked.message in (None, text(cause.get("message_id")), text(data.get("message_id")))
        )

    def belongs(self, stream: str, station_id: str) -> bool:
        """Is the stream one of that station?"""
        known = self.belonging.get(stream)
        if known is None:
            known = stream in own(station_id) or self.read(lambda c: trace.named_in(c, station_id, stream))
            self.belonging[stream] = known
        return known

    def names(self, recorded: Recorded, badge: str) -> bool:
        subject = mention.of_badge(badge)
        return self.read(lambda c: mention.concerns(c, subject, recorded.stream, recorded.position))

    def read(self, query: Callable[[Connection], T]) -> T:
        with self.engine.connect() as connection:
            return query(connection)


def own(station_id: str) -> list[str]:
    """The streams that are named after a station; a badge may have the same name, and is none of it."""
    return [stream for stream in trace.own(station_id) if not stream.startswith(("badge/", "number/"))]


def place(recorded: Recorded) -> int:
    return recorded.position


def between(at: str | None, since: datetime | None, to: datetime | None) -> bool:
    """An event without such a time is at no time."""
    if since is None and to is None:
        return True
    moment = datetime.fromisoformat(at) if at is not None else None
    return moment is not None and (since is None or since <= moment) and (to is None or moment < to)


def text(message_id: Any) -> str | None:
    return None if message_id is None else str(message_id)
