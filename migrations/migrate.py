"""Bring the read side and our own tables to the newest schema. The history itself has no schema to migrate."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from projections import view
from projections.catalog import PROJECTIONS
from projections.checkpoint import CHECKPOINT
from projections.engine import engine
from projections.table import METADATA

ADVISORY_LOCK = 0x626F726E
__all__ = ["CHECKPOINT", "METADATA", "PROJECTIONS", "current", "is_current", "newest", "upgrade"]


def upgrade(database: str) -> None:
    """Apply what is missing; two processes that start at once do it one after the other."""
    with opened(database) as here, here.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
        config = configuration()
        config.attributes["connection"] = connection
        with view.aside(connection):
            command.upgrade(config, "head")


def current(database: str) -> str | None:
    """The revision the database is at; None for an empty one."""
    with opened(database) as here, here.connect() as connection:
        return revision(connection)


def is_current(database: str) -> bool:
    return current(database) == newest()


def newest() -> str | None:
    """The revision that this code needs."""
    return ScriptDirectory.from_config(configuration()).get_current_head()


def revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def configuration() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    return config


@contextmanager
def opened(database: str) -> Iterator[Engine]:
    """An engine for the length of a block."""
    made = engine(database)
    try:
        yield made
    finally:
        made.dispose()
