"""The database connection of the read side."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import ArgumentError, NoSuchModuleError


def engine(database: str, **options: Any) -> Engine:
    """An engine for `sqlite:///path` or `postgresql://…`; SQLite waits for its turn instead of failing."""
    try:
        made = create_engine(address(database), pool_pre_ping=True, **options)
    except (ArgumentError, ModuleNotFoundError, NoSuchModuleError) as error:
        raise ValueError(f"no database can be reached so: {error}") from None
    if made.dialect.name == "sqlite":
        event.listen(made, "connect", tune)
    return made


def address(database: str) -> str:
    """The URL in SQLAlchemy's words: the driver is psycopg 3."""
    return database.replace("postgresql://", "postgresql+psycopg://", 1)


def tune(connection: Any, record: Any) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=15000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
