"""The journal: the one way into the history. Many ask, one writes; whoever waits knows that it is durable.

Everything that queued during the last commit goes into the next transaction: no timer, no fixed batch.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from eventsourcing.persistence import (
    ApplicationRecorder,
    IntegrityError,
    InterfaceError,
    OperationalError,
    PersistenceError,
    StoredEvent,
)

from application.duration import Durations
from application.store import EventMapper
from domain.event import Event

log = logging.getLogger("bornier.journal")

ROOM = 20_000
BATCH = 5_000
COMMIT_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)
RETRY_S = (0.05, 0.1, 0.2, 0.5, 1.0)

Done = Callable[[Exception | None], None]
A = TypeVar("A")
B = TypeVar("B")


class Fenced(Exception):
    """Somebody else wrote to this stream first, or an earlier write failed: load the stream again."""


class JournalClosed(Exception):
    """The process is stopping; nothing of this was recorded."""


class Writer:
    """Who writes a set of streams. After one failed write nothing more of it is accepted: no stream gets a hole."""

    __slots__ = ("fenced",)

    def __init__(self) -> None:
        self.fenced = False


class Entry:
    """Events that are recorded together or not at all."""

    __slots__ = ("done", "events", "positions", "stored", "writer")

    def __init__(self, events: Sequence[Event], writer: Writer, done: Done) -> None:
        self.events = events
        self.writer = writer
        self.done = done
        self.stored: list[StoredEvent] = []
        self.positions: Sequence[int] = ()


class Journal:
    """Group commit in front of a recorder. Call it from one event loop."""

    def __init__(
        self, recorder: ApplicationRecorder, mapper: EventMapper, advance: Callable[[int], None] = lambda position: None
    ) -> None:
        self.recorder = recorder
        self.mapper = mapper
        self.advance = advance
        self.queue: deque[Entry] = deque()
        self.depth = 0
        self.waiting_for_room: list[Callable[[], None]] = []
        self.recorded = 0
        self.commits = Durations(COMMIT_S)
        self.began_at: float | None = None
        self.unwell: str | None = None
        self.closing = False
        self.thread = ThreadPoolExecutor(1, "journal")
        self.wake = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self.task = asyncio.get_running_loop().create_task(self.run())

    async def stop(self) -> None:
        """Write what is queued, then stop; while the database is away, give up instead of waiting for ever."""
        self.closing = True
        self.wake.set()
        if self.task is not None:
            await self.task
        self.thread.shutdown()

    @property
    def full(self) -> bool:
        """So much is queued that whoever reads from outside must stop reading."""
        return self.depth > ROOM

    @property
    def age_s(self) -> float:
        """For how long the commit under way has lasted; whoever waits has waited no longer than that, and one more."""
        began = self.began_at
        return 0.0 if began is None else time.perf_counter() - began

    def when_room(self, resume: Callable[[], None]) -> None:
        self.waiting_for_room.append(resume)

    def submit(self, events: Sequence[Event], writer: Writer, done: Done) -> None:
        """Queue events; `done(None)` once durable, `done(error)` if they never will be. With no events: a barrier."""
        self.queue.append(Entry(events, writer, done))
        self.depth += len(events)
        self.wake.set()

    async def record(self, events: Sequence[Event], writer: Writer | None = None) -> None:
        """Record and wait until durable. Raises Fenced on a version conflict."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def done(error: Exception | None) -> None:
            if future.cancelled():
                return
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)

        self.submit(events, writer or Writer(), done)
        await future

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            if not self.queue:
                if self.closing:
                    return
                self.wake.clear()
                await self.wake.wait()
                continue
            await asyncio.sleep(0)  # hear everybody whose message has already arrived: it goes into this commit
            batch = self.take()
            try:
                outcome = await loop.run_in_executor(self.thread, self.commit, batch)
            except Exception as error:
                log.exception("the journal could not write")
                outcome = [(entry, error) for entry in batch]
            self.release(outcome)

    def take(self) -> list[Entry]:
        batch: list[Entry] = []
        size = 0
        while self.queue and size < BATCH:
            entry = self.queue.popleft()
            size += len(entry.events)
            batch.append(entry)
        return batch

    def release(self, outcome: list[tuple[Entry, Exception | None]]) -> None:
        head = 0
        for entry, error in outcome:
            self.depth -= len(entry.events)
            if error is None and entry.positions:
                head = entry.positions[-1]
                self.recorded += len(entry.events)
        if head:
            self.advance(head)
        for entry, error in outcome:
            try:
                entry.done(error)
            except Exception:
                log.exception("somebody who waited for the journal failed")
        if self.waiting_for_room and self.depth < ROOM // 2:
            resumed, self.waiting_for_room = self.waiting_for_room, []
            for resume in resumed:
                resume()

    def commit(self, batch: list[Entry]) -> list[tuple[Entry, Exception | None]]:
        """Runs in the journal's thread: one transaction for the whole batch, one each only after a conflict."""
        self.began_at = began = time.perf_counter()
        try:
            return self.together(batch)
        except JournalClosed as closed:
            return [(entry, closed) for entry in batch]
        except PersistenceError:
            return [(entry, self.alone(entry)) for entry in batch]
        finally:
            self.began_at = None
            self.commits.add(time.perf_counter() - began)

    def together(self, batch: list[Entry]) -> list[tuple[Entry, Exception | None]]:
        live = [entry for entry in batch if not entry.writer.fenced]
        stored = self.patiently(self.mapper.to_stored_events, [event for entry in live for event in entry.events])
        at = 0
        for entry in live:
            entry.stored = stored[at : at + len(entry.events)]
            at += len(entry.events)
        positions = self.insert(stored)
        at = 0
        for entry in live:
            entry.positions = positions[at : at + len(entry.stored)]
            at += len(entry.stored)
        return [(entry, Fenced() if entry.writer.fenced else None) for entry in batch]

    def alone(self, entry: Entry) -> Exception | None:
        if entry.writer.fenced:
            return Fenced()
        try:
            entry.positions = self.insert(entry.stored)
        except IntegrityError:
            if self.already(entry.stored):
                return None
            entry.writer.fenced = True
            return Fenced(entry.stored[0].originator_id)
        except Exception as error:
            entry.writer.fenced = True
            return error
        return None

    def insert(self, stored: list[StoredEvent]) -> Sequence[int]:
        """Insert, and keep trying while the database is away. Raises IntegrityError and the like."""
        return self.patiently(lambda rows: self.recorder.insert_events(rows) or (), stored) if stored else ()

    def patiently(self, step: Callable[[Sequence[A]], B], what: Sequence[A]) -> B:
        """Do something in the database, however long it is away."""
        attempt = 0
        while True:
            try:
                done = step(what)
                self.unwell = None
                return done
            except (OperationalError, InterfaceError) as error:
                if self.closing:
                    raise JournalClosed from error
                self.unwell = f"{type(error).__name__}: {error}".strip()
                log.warning("the store does not answer, trying again: %s", self.unwell)
                time.sleep(RETRY_S[min(attempt, len(RETRY_S) - 1)])
                attempt += 1

    def already(self, stored: list[StoredEvent]) -> bool:
        """Did a commit whose answer we never heard record exactly these events?"""
        found = {
            (row.originator_id, row.originator_version): bytes(row.state)
            for originator in dict.fromkeys(event.originator_id for event in stored)
            for row in self.recorder.select_events(
                originator, gt=min(e.originator_version for e in stored if e.originator_id == originator) - 1
            )
        }
        return all(found.get((event.originator_id, event.originator_version)) == event.state for event in stored)
