"""The runner: keeps projections up to date, in batches, each with its own checkpoint in the same transaction."""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from projections import checkpoint
from projections.batch import Batch, Poison
from projections.feed import Feed
from projections.projection import Projection

log = logging.getLogger("bornier.projection")

BATCH = 2_000
IDLE_S = 1.0
REST_S = 0.1
AGAIN_S = 15.0


@dataclass
class Progress:
    """How a projection is doing; shown by `/health/ready` and `/metrics`."""

    name: str
    position: int = 0
    error: str | None = None
    events: int = 0
    retry_at: float = 0.0

    def reached(self, batch: Batch) -> None:
        """It now reflects the whole batch."""
        self.events += sum(1 for row in batch.rows if row.position > self.position)
        self.position, self.error = batch.last, None

    @property
    def stopped(self) -> bool:
        return self.error is not None and time.monotonic() < self.retry_at


class Runner:
    """One thread for all projections of a process. What one cannot digest stops that one alone, loudly.

    `may`: is it for this process to keep that projection, or does another one?
    """

    def __init__(
        self,
        engine: Engine,
        feed: Feed,
        projections: Sequence[Projection],
        batch: int = BATCH,
        may: Callable[[str], bool] = lambda name: True,
    ) -> None:
        self.engine = engine
        self.may = may
        self.feed = feed
        self.projections = {projection.name: projection for projection in projections}
        self.topics = {name: frozenset(projection.topics) for name, projection in self.projections.items()}
        self.progress = {name: Progress(name) for name in self.projections}
        self.batch = batch
        self.unwell: str | None = None
        self.short = self.idle = False
        self.moved = threading.Condition()
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run, name="projections", daemon=True)

    def start(self) -> None:
        self.thread.start()

    def stop(self) -> None:
        """Finish the batch at hand."""
        self.stopping.set()
        if self.thread.is_alive():
            self.thread.join()

    def run(self) -> None:
        while not self.stopping.is_set():
            try:
                moved = self.step()
                self.unwell = None
            except (OperationalError, InterfaceError, DBAPIError) as error:
                moved = False
                self.unwell = f"the database does not answer: {str(error.orig).strip()}"
                log.warning("%s", self.unwell)
                self.stopping.wait(IDLE_S)
            except Exception as error:
                moved = False
                self.unwell = f"the history cannot be read: {error}"
                log.exception("the runner stumbled")
                self.stopping.wait(IDLE_S)
            if self.short or self.idle:
                self.stopping.wait(IDLE_S if self.idle else REST_S)
            if not moved and not self.stopping.is_set():
                self.feed.wait(min(p.position for p in self.progress.values()), IDLE_S)

    def step(self) -> bool:
        """One batch for every projection that is behind; False when there was nothing to do."""
        self.refresh()
        self.short = False
        active = [progress for name, progress in self.progress.items() if not progress.stopped and self.may(name)]
        self.idle = not active
        if self.idle:
            return False
        rows = self.feed.read(min(progress.position for progress in active), self.batch)
        if not rows:
            return False
        batch = Batch(rows)
        self.short = len(rows) < self.batch
        due = [progress for progress in active if progress.position < batch.last]
        for progress in self.pass_by(due, batch):
            self.advance(progress, batch)
        with self.moved:
            self.moved.notify_all()
        return True

    def pass_by(self, due: Sequence[Progress], batch: Batch) -> list[Progress]:
        """Move on at once with all whom nothing in the batch concerns; returns the others."""
        topics = {row.topic for row in batch.rows}
        left: list[Progress] = []
        groups: dict[int, list[Progress]] = defaultdict(list)
        for progress in due:
            concerned = not topics.isdisjoint(self.topics[progress.name])
            (left if concerned else groups[progress.position]).append(progress)
        for position, group in groups.items():
            with self.engine.connect() as connection:
                relax(connection)
                names = [progress.name for progress in group]
                if checkpoint.move_all(connection, names, position, batch.last, datetime.now(UTC)):
                    connection.commit()
                    for progress in group:
                        progress.reached(batch)
                else:
                    left += group
        return left

    def refresh(self) -> None:
        """Believe the database about where we are: somebody may have rebuilt a projection."""
        with self.engine.connect() as connection:
            for name, known in checkpoint.read(connection).items():
                if name in self.progress:
                    self.progress[name].position = known.position

    def advance(self, progress: Progress, batch: Batch) -> None:
        """Apply a batch to one projection and move its checkpoint, together or not at all."""
        projection = self.projections[progress.name]
        try:
            changes = batch.changes(projection, progress.position)
            with self.engine.begin() as connection:
                relax(connection)
                if not checkpoint.move(connection, progress.name, progress.position, batch.last, datetime.now(UTC)):
                    return
                changes.write(connection, projection.tables)
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:
            self.isolate(progress, batch, error)
            return
        progress.reached(batch)

    def isolate(self, progress: Progress, batch: Batch, error: Exception) -> None:
        """Take what comes before the bad event, then stand still and say so; try again later, after a fix."""
        if isinstance(error, Poison):
            before = [row for row in batch.rows if progress.position < row.position < error.position]
            if before:
                self.advance(progress, Batch(before))
        progress.error = str(error)
        progress.retry_at = time.monotonic() + AGAIN_S
        log.error("projection %s stands still: %s", progress.name, progress.error)
        with self.engine.begin() as connection:
            checkpoint.fail(connection, progress.name, progress.error)

    def wait_for(self, name: str, position: int, timeout: float) -> bool:
        """Block until a projection reflects a position."""
        with self.moved:
            return self.moved.wait_for(lambda: self.progress[name].position >= position, timeout)


def relax(connection: Connection) -> None:
    """PostgreSQL need not wait for the disk: what a crash undoes is undone together with its checkpoint."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL synchronous_commit TO off")
