"""The history, for those who read it: in order, from any position, to the end and then onwards as it grows."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from eventsourcing.persistence import InterfaceError, OperationalError

from application.archive import Reader, Whole
from application.lookup import End, Row
from application.privacy import Ring
from application.rarity import OFTEN, heeded
from application.recorder import Recorder
from domain.catalog import CATALOG, Recorded

log = logging.getLogger("bornier.history")

PAGE, FIRST_PAGE = 500, 50
HEAVY_BYTES = 4_000_000
"""Pages get shorter when they weigh more, so that whoever follows a history of large events holds little of it."""
FAR = 20_000
POLL_S = 1.0
REST_S, MOST_REST_S = 0.02, 0.3


class History:
    """Reads the store; safe to use from any thread. Somebody tells it when the store has grown (`advance`)."""

    def __init__(self, recorder: Reader, ring: Ring | None = None) -> None:
        self.recorder = recorder
        self.ring = ring
        self.latest = 0
        self.grown = threading.Condition()
        self.waiters: set[asyncio.Event] = set()

    def read(self, after: int, limit: int, topics: Sequence[str] = (), stream: str | None = None) -> Sequence[Recorded]:
        """At most `limit` events after a position, oldest first, as everybody reads them."""
        name = self.named(stream)
        if topics and self.far(after) and OFTEN.isdisjoint(topics):
            return self.opened(self.recorder.select_seldom(after, limit, topics, name))
        return self.opened(self.recorder.select_after(after, limit, topics, name))

    def between(
        self,
        low: int,
        high: int,
        limit: int,
        descending: bool = False,
        topics: Sequence[str] = (),
        stream: str | None = None,
    ) -> Sequence[Recorded]:
        """At most `limit` events between two positions (neither included), the oldest or the newest first."""
        return self.opened(self.recorder.select_between(low, high, limit, descending, topics, self.named(stream)))

    def at(self, positions: Sequence[int]) -> Sequence[Recorded]:
        """The events at these positions, oldest first."""
        return self.opened(self.recorder.select_at(positions))

    def ends(self, streams: Sequence[str]) -> dict[str, End]:
        """The last event of every stream that has one."""
        stored = {self.named(stream) or stream: stream for stream in streams}
        return {stored[name]: end for name, end in self.recorder.ends(list(stored)).items()}

    def far(self, after: int) -> bool:
        """Is there so much after a position that it is worth to look up what is rare?"""
        if not self.latest:
            self.latest = self.head()
        return self.latest - after > FAR

    def stream(self, stream: str) -> Sequence[Recorded]:
        """All events of one stream."""
        return self.read(0, 2**62, stream=stream)

    def latest_of(self, stream: str) -> Sequence[Recorded]:
        """The last event of one stream, if it has any."""
        return self.recent(stream, 1)

    def heeded(self, stream: str, after: int, limit: int, unheeded: bool) -> Sequence[Recorded]:
        """Events of a stream after a version; `unheeded`: also those that no later decision of a station needs."""
        return self.opened(self.recorder.rows(heeded(unheeded), [self.named(stream), after, limit]))

    @property
    def at_hand(self) -> Recorder:
        """What is in the database, without what is in the archive: enough to tell times and to start."""
        return self.recorder.recorder if isinstance(self.recorder, Whole) else self.recorder

    def pruned(self, stream: str) -> bool:
        """Is some of this stream no longer in the database?"""
        return isinstance(self.recorder, Whole) and self.recorder.touched(self.named(stream) or stream)

    def recent(self, stream: str, count: int) -> Sequence[Recorded]:
        """The last events of a stream, oldest first."""
        rows = self.recorder.select_events(self.named(stream) or stream, desc=True, limit=count)
        return self.opened(
            [(0, str(row.originator_id), row.originator_version, row.topic, bytes(row.state)) for row in reversed(rows)]
        )

    def count(self, topics: Sequence[str] = (), stream: str | None = None) -> int:
        """How many events there are."""
        return self.recorder.count(topics, self.named(stream))

    def mentions(self, words: Sequence[bytes]) -> int:
        """In how many events any of these words are, as they are stored."""
        return self.recorder.count_mentioning(words)

    def mentioning(self, words: Sequence[bytes], after: int, limit: int) -> Sequence[Recorded]:
        """At most `limit` of these events after a position, oldest first."""
        return self.opened(self.recorder.select_mentioning(words, after, limit))

    def named(self, stream: str | None) -> str | None:
        """The name under which a stream is stored."""
        return self.ring.stored(stream) if stream is not None and self.ring is not None else stream

    def opened(self, rows: Sequence[Row]) -> Sequence[Recorded]:
        return [Recorded(*row) for row in rows] if self.ring is None else self.ring.open(rows)

    @property
    def stored(self) -> Stored:
        """The same history byte for byte as it is stored: what seals and proofs are over."""
        return Stored(self.recorder)

    def broken(self) -> Sequence[str]:
        """Streams that lack a version: each is numbered 1, 2, 3, and so on."""
        return self.recorder.broken()

    def head(self) -> int:
        """The last position, 0 before the first event."""
        return self.recorder.max_notification_id() or 0

    def position_at(self, moment: datetime) -> int:
        """The last position recorded before a moment: found by halving, since positions grow with time."""
        low, high = 0, self.head()
        while low < high:
            middle = (low + high + 1) // 2
            row = self.opened(self.at_hand.select_after(middle - 1, 1))
            if row and CATALOG.decode(row[0].topic, row[0].state).recorded_at < moment:
                low = max(middle, min(row[0].position, high))
            else:
                high = middle - 1
        return low

    def advance(self, position: int) -> None:
        """The store has grown up to this position. Call it from the event loop."""
        with self.grown:
            self.latest = max(self.latest, position)
            self.grown.notify_all()
        for waiter in self.waiters:
            waiter.set()

    def wait(self, beyond: int, timeout: float) -> bool:
        """Block a thread until there may be something after a position. True if somebody said so."""
        with self.grown:
            return self.grown.wait_for(lambda: self.latest > beyond, timeout)

    async def follow(
        self,
        after: int,
        topics: Sequence[str] = (),
        stream: str | None = None,
        until: int | None = None,
        most_rest_s: float = MOST_REST_S,
    ) -> AsyncIterator[Sequence[Recorded]]:
        """Everything after a position, in batches, then whatever comes: no gap, no repeat. `until`: end there.

        Whoever finds nothing of interest again and again in a busy store looks less often, up to `most_rest_s`.
        """
        waiter, rest_s, limit = asyncio.Event(), REST_S, FIRST_PAGE
        self.waiters.add(waiter)
        try:
            while True:
                waiter.clear()
                known = self.latest
                batch = await self.read_patiently(after, topics, stream, limit)
                limit = fitting(limit, batch)
                if until is not None:
                    batch = [recorded for recorded in batch if recorded.position <= until]
                if batch:
                    after, rest_s = batch[-1].position, REST_S
                    yield batch
                elif until is not None:
                    return
                else:
                    after = max(after, known)
                    await self.pause(waiter, rest_s)
                    rest_s = min(2 * rest_s, most_rest_s)
        finally:
            self.waiters.discard(waiter)

    async def read_patiently(
        self, after: int, topics: Sequence[str], stream: str | None, limit: int = PAGE
    ) -> Sequence[Recorded]:
        """A page of the history, however long the database is away."""
        while True:
            try:
                return await asyncio.to_thread(self.read, after, limit, topics, stream)
            except (OperationalError, InterfaceError) as error:
                log.warning("the history cannot be read, trying again: %s", str(error).strip())
            await asyncio.sleep(POLL_S)

    async def pause(self, waiter: asyncio.Event, rest_s: float) -> None:
        """Until the store has grown; not at every commit of a busy store, and after a while in any case."""
        await asyncio.sleep(rest_s)
        try:
            async with asyncio.timeout(POLL_S):  # unlike wait_for, never swallows a cancellation (Python 3.11)
                await waiter.wait()
        except TimeoutError:
            with contextlib.suppress(OperationalError, InterfaceError):
                self.latest = max(self.latest, await asyncio.to_thread(self.head))


def fitting(limit: int, batch: Sequence[Recorded]) -> int:
    """How long the next page may be, after this one."""
    weight = sum(len(recorded.state) for recorded in batch)
    return max(limit // 2, 1) if weight > HEAVY_BYTES else min(limit * 2, PAGE) if weight < HEAVY_BYTES // 2 else limit


class Stored:
    """Rows as they are stored, with what is about persons sealed (ADR 0010)."""

    def __init__(self, recorder: Reader) -> None:
        self.recorder = recorder

    def read(self, after: int, limit: int, topics: Sequence[str] = ()) -> Sequence[Recorded]:
        """At most `limit` events after a position, oldest first."""
        return [Recorded(*row) for row in self.recorder.select_after(after, limit, topics)]

    def at(self, positions: Sequence[int]) -> Sequence[Recorded]:
        """The events at these positions, oldest first."""
        return [Recorded(*row) for row in self.recorder.select_at(positions)]

    def head(self) -> int:
        """The last position, 0 before the first event."""
        return self.recorder.max_notification_id() or 0

    def wait(self, beyond: int, timeout: float) -> bool:
        """Nobody tells: whoever reads what is stored looks again by itself."""
        return False
