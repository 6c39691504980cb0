"""The keys of people, in a table of their own, each wrapped by the key file. A backup of the one is nothing without the
other."""

from __future__ import annotations

import secrets
from base64 import b32encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from eventsourcing.persistence import OperationalError
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Engine,
    LargeBinary,
    Row,
    Table,
    Text,
    delete,
    inspect,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

from application.driver import Named
from application.privacy import Key
from projections.table import METADATA

PERSONAL_KEY = Table(
    "personal_key",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("place", Text, unique=True),
    Column("badge", Text, index=True),
    Column("person", Text, index=True),
    Column("wrapped", LargeBinary, nullable=False),
)
AT_ONCE = 500
WRAPPING, FINDING, SEALING = 64, 32, 64
LONG = WRAPPING + FINDING
"""Bytes of the key file: what wraps the keys, and what finds the badge of a key."""


class KeysLost(ValueError):
    """The key file is not the one the keys were wrapped with."""

    def __init__(self) -> None:
        super().__init__(
            "the file privacy.key, with which the keys of people in this database were wrapped, is not here: set "
            "BORNIER_KEYS to the folder that has it, or put it back from its backup"
        )


class Keyring:
    """Of several processes that need a key in the same place at the same time, one makes it."""

    def __init__(self, engine: Engine, secret: bytes) -> None:
        """Raises KeysLost when the keys so far were wrapped with another key file."""
        self.engine = engine
        self.wrapper, self.finder = AESSIV(secret[:WRAPPING]), secret[WRAPPING:]
        if (row := first(engine)) is not None:
            self.unwrap(row.id, row.wrapped)

    @staticmethod
    def ready(engine: Engine) -> bool:
        """False for a database that no version with this table has ever opened."""
        return inspect(engine).has_table(PERSONAL_KEY.name)

    @staticmethod
    def used(engine: Engine) -> bool:
        """Is there any key yet?"""
        return first(engine) is not None

    def make(self, places: Sequence[str]) -> dict[str, Key]:
        rows = [self.row(place) for place in sorted(places)]
        with self.writing() as connection:
            for at in range(0, len(rows), AT_ONCE):
                # Nothing is read before the first write: SQLite would not let a reader of old rows write.
                connection.execute(unless_there(connection), rows[at : at + AT_ONCE])
            return self.found(connection, places)

    def find(self, places: Sequence[str]) -> dict[str, Key]:
        with self.reading() as connection:
            return self.found(connection, places)

    def open(self, ids: Sequence[str]) -> dict[str, bytes]:
        known: dict[str, bytes] = {}
        with self.reading() as connection:
            for at in range(0, len(ids), AT_ONCE):
                query = select(PERSONAL_KEY).where(PERSONAL_KEY.c.id.in_(ids[at : at + AT_ONCE]))
                known |= {row.id: self.unwrap(row.id, row.wrapped) for row in connection.execute(query)}
        return known

    def hand(self, use: str, card: str, person: str | None) -> None:
        mine = PERSONAL_KEY.c.place == use
        stranger: ColumnElement[bool] = PERSONAL_KEY.c.person.is_not(None)
        with self.writing() as connection:
            if person is not None:
                stranger &= PERSONAL_KEY.c.person != person
            connection.execute(update(PERSONAL_KEY).where(mine, stranger).values(place=None))
            if person is not None:
                connection.execute(unless_there(connection), [self.row(use)])
                both = PERSONAL_KEY.c.place.in_((use, card))
                connection.execute(update(PERSONAL_KEY).where(both).values(person=person))

    def held_by(self, person: str) -> Sequence[Named]:
        return self.named(PERSONAL_KEY.c.person == person)

    def of_badge(self, use: str, card: str) -> Sequence[Named]:
        same = PERSONAL_KEY.c.badge == use.partition(":")[2]
        return self.named((same & PERSONAL_KEY.c.person.is_(None)) | (PERSONAL_KEY.c.place == card))

    def named(self, which: ColumnElement[bool]) -> Sequence[Named]:
        with self.reading() as connection:
            rows = connection.execute(select(PERSONAL_KEY.c.id, PERSONAL_KEY.c.place).where(which))
            return [Named(row.id, row.place or "") for row in rows]

    def destroy(self, ids: Sequence[str]) -> None:
        with self.writing() as connection:
            overwrite(connection)
            for at in range(0, len(ids), AT_ONCE):
                connection.execute(delete(PERSONAL_KEY).where(PERSONAL_KEY.c.id.in_(ids[at : at + AT_ONCE])))

    def found(self, connection: Connection, places: Sequence[str]) -> dict[str, Key]:
        known: dict[str, Key] = {}
        for at in range(0, len(places), AT_ONCE):
            query = select(PERSONAL_KEY).where(PERSONAL_KEY.c.place.in_(places[at : at + AT_ONCE]))
            for row in connection.execute(query):
                known[row.place] = Key(row.id, self.unwrap(row.id, row.wrapped))
        return known

    def row(self, place: str) -> dict[str, object]:
        name, key = b32encode(secrets.token_bytes(10)).decode().lower(), secrets.token_bytes(SEALING)
        kind, _, whose = place.partition(":")
        return {
            "id": name,
            "place": place,
            "badge": whose if kind in ("use", "card") else None,
            "person": place if kind not in ("use", "card") else None,
            "wrapped": self.wrapper.encrypt(key, [name.encode()]),
        }

    def unwrap(self, name: str, wrapped: bytes) -> bytes:
        try:
            return self.wrapper.decrypt(wrapped, [name.encode()])
        except InvalidTag:
            raise KeysLost from None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        with told(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        with told(), self.engine.begin() as connection:
            yield connection


def first(engine: Engine) -> Row[Any] | None:
    with told(), engine.connect() as connection:
        return connection.execute(select(PERSONAL_KEY).limit(1)).first()


@contextmanager
def told() -> Iterator[None]:
    """A database that is away, in the words of the store: whoever waits for it tries again."""
    try:
        yield
    except DBAPIError as error:
        raise OperationalError(f"the keys of people cannot be read: {error.orig}") from error


def overwrite(connection: Connection) -> None:
    """SQLite writes zeros over what it deletes; PostgreSQL keeps deleted rows until the next VACUUM of the table."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete = ON")


def unless_there(connection: Connection) -> Any:
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    return insert(PERSONAL_KEY).on_conflict_do_nothing(index_elements=["place"])
