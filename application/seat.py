"""Seats: of several processes that could do a job, one does it; when it dies another takes over within seconds."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Collection
from typing import Protocol

import psycopg

log = logging.getLogger("bornier.seat")

FRESH_S = 1.0
SPACE = 0x626F726E


class Seats(Protocol):
    """Who does what."""

    @property
    def jobs(self) -> Collection[str]:
        """What this process does and others may wait for."""

    def holds(self, job: str) -> bool:
        """May this process do the job now? Cheap enough to be asked before every batch."""

    def empty(self, job: str) -> bool:
        """Does nobody do the job? False while it cannot be known."""

    def leave(self) -> None:
        """Give all seats back."""


class OnlyProcess:
    """One process on SQLite: it does everything, and nobody waits."""

    jobs: Collection[str] = ()

    def holds(self, job: str) -> bool:
        return True

    def empty(self, job: str) -> bool:
        return True

    def leave(self) -> None:
        return


class PostgresSeats:
    """Advisory locks on one connection: PostgreSQL gives them back when the connection ends, however it ends."""

    def __init__(self, database: str) -> None:
        self.database = database
        self.lock = threading.Lock()
        self.held: set[str] = set()
        self.asked_at: dict[str, float] = {}
        self.connection: psycopg.Connection | None = None

    @property
    def jobs(self) -> Collection[str]:
        return sorted(self.held.copy())

    def holds(self, job: str) -> bool:
        with self.lock:
            if time.monotonic() - self.asked_at.get(job, -FRESH_S) >= FRESH_S:
                self.ask(job)
                self.asked_at[job] = time.monotonic()  # after: losing the connection forgets all times
            return job in self.held

    def ask(self, job: str) -> None:
        """Take the seat if it is free, or make sure that it is still ours; without the database nobody sits."""
        try:
            if self.connection is None:
                self.connection = psycopg.connect(self.database, autocommit=True, application_name="bornier seats")
            if job in self.held:
                self.connection.execute("SELECT 1")
                return
            taken = self.connection.execute("SELECT pg_try_advisory_lock(%s, %s)", [SPACE, number(job)]).fetchone()
            if taken is not None and taken[0]:
                self.held.add(job)
        except psycopg.Error as error:
            log.warning("this process gives up its jobs: %s", str(error).strip())
            self.forget()

    def empty(self, job: str) -> bool:
        with self.lock:
            if job in self.held:
                return False
            self.ask(job)
            if job not in self.held or self.connection is None:
                return False
            self.held.discard(job)
            self.connection.execute("SELECT pg_advisory_unlock(%s, %s)", [SPACE, number(job)])
            return True

    def forget(self) -> None:
        self.held.clear()
        self.asked_at.clear()
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def leave(self) -> None:
        with self.lock:
            self.forget()


def number(job: str) -> int:
    """The key of a lock: 31 bits of the job's name."""
    return int.from_bytes(hashlib.sha256(job.encode()).digest()[:4], "big") >> 1


def seats(database: str) -> Seats:
    return PostgresSeats(database) if database.startswith("postgresql://") else OnlyProcess()
