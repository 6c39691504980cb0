"""Where events are stored: the recorders of the `eventsourcing` library, written and read the way our load needs.

The PostgreSQL one sends four binary arrays a commit instead of an array of composites in text, and keeps what the
library does for readers that follow the log: the table lock, so that positions appear in order, and the NOTIFY.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, ClassVar, cast

import psycopg
from eventsourcing.persistence import ApplicationRecorder, InfrastructureFactory, OperationalError, StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresFactory
from eventsourcing.sqlite import SQLiteApplicationRecorder, SQLiteCursor, SQLiteFactory
from eventsourcing.utils import Environment
from psycopg import pq
from psycopg.adapt import Dumper
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import tuple_row

TABLE = "stored_events"
Row = tuple[int, str, int, str, bytes]

HEADER = struct.Struct("!iiIii")
LENGTH = struct.Struct("!i")
INT8 = struct.Struct("!iq")
TEXT_OID, INT8_OID, BYTEA_OID = 25, 20, 17


class Array(bytes):
    """A one-dimensional PostgreSQL array in the binary protocol, ready to send."""


class TextArray(Array):
    """text[]"""


class Int8Array(Array):
    """bigint[]"""


class ByteaArray(Array):
    """bytea[]"""


class ArrayDumper(Dumper):
    """Hands the bytes over as they are."""

    format = pq.Format.BINARY

    def dump(self, obj: Any) -> bytes:
        return bytes(obj)


class TextArrayDumper(ArrayDumper):
    oid = 1009


class Int8ArrayDumper(ArrayDumper):
    oid = 1016


class ByteaArrayDumper(ArrayDumper):
    oid = 1001


for array, dumper in ((TextArray, TextArrayDumper), (Int8Array, Int8ArrayDumper), (ByteaArray, ByteaArrayDumper)):
    psycopg.adapters.register_dumper(array, dumper)


def pack(items: Sequence[bytes], oid: int) -> bytes:
    """Elements that are bytes already."""
    parts = [HEADER.pack(1, 0, oid, len(items), 1)]
    for item in items:
        parts.append(LENGTH.pack(len(item)))
        parts.append(item)
    return b"".join(parts)


def pack_int8(items: Sequence[int]) -> bytes:
    return HEADER.pack(1, 0, INT8_OID, len(items), 1) + b"".join([INT8.pack(8, item) for item in items])


class BinaryPostgresRecorder(PostgresApplicationRecorder):
    """The library's table and guarantees at a tenth of the cost. A lost connection is raised at once, never retried
    here: only the caller can find out whether the commit happened."""

    INSERT: ClassVar[str] = """
        WITH new AS (
            INSERT INTO {table} (originator_id, originator_version, topic, state)
            SELECT * FROM unnest(%b::text[], %b::bigint[], %b::text[], %b::bytea[])
            RETURNING notification_id
        ) SELECT min(notification_id), max(notification_id), count(*) FROM new"""

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int]:
        """Store events in order, together or not at all; returns their positions. Raises IntegrityError on a conflict."""
        if not stored_events:
            return []
        table = f'"{self.datastore.schema}"."{self.events_table_name}"'
        arrays = (
            TextArray(pack([str(e.originator_id).encode() for e in stored_events], TEXT_OID)),
            Int8Array(pack_int8([e.originator_version for e in stored_events])),
            TextArray(pack([e.topic.encode() for e in stored_events], TEXT_OID)),
            ByteaArray(pack([e.state for e in stored_events], BYTEA_OID)),
        )
        with self.datastore.get_connection() as conn:
            with conn.pipeline(), conn.transaction(), conn.cursor(row_factory=tuple_row) as cursor:
                self._lock_table(cast(Any, cursor))
                self._notify_channel(cast(Any, cursor))
                cursor.execute(self.INSERT.format(table=table), arrays, prepare=True)
                row = cursor.fetchone()
            assert row is not None
            first, last, count = row
            if last - first + 1 != count:
                raise OperationalError("positions are not contiguous: somebody writes without the table lock")
            return range(first, last + 1)

    def select_after(self, after: int, limit: int, topics: Sequence[str] = (), stream: str | None = None) -> Sequence[Row]:
        """Rows (position, stream, version, topic, state) after a position, oldest first."""
        where, parameters = ["notification_id > %s"], [after]
        if topics:
            where.append("topic = ANY(%s)")
            parameters.append(cast(Any, list(topics)))
        if stream is not None:
            where.append("originator_id = %s")
            parameters.append(cast(Any, stream))
        statement = (
            f"SELECT notification_id, originator_id, originator_version, topic, state "
            f'FROM "{self.datastore.schema}"."{self.events_table_name}" '
            f"WHERE {' AND '.join(where)} ORDER BY notification_id LIMIT {limit:d}"
        )
        with self.datastore.get_connection() as conn, conn.cursor(binary=True, row_factory=tuple_row) as cursor:
            cursor.execute(cast(Any, statement), parameters, prepare=True)
            return cast(Sequence[Row], cursor.fetchall())


class OrderedSQLiteRecorder(SQLiteApplicationRecorder):
    """The library's table, filled by one statement a commit: positions are counted under the write lock."""

    def _insert_events(self, c: SQLiteCursor, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int]:
        c.execute(f"SELECT MAX(rowid) FROM {self.events_table_name}")
        first = (c.fetchone()[0] or 0) + 1
        c.executemany(
            f"INSERT INTO {self.events_table_name} (rowid, originator_id, originator_version, topic, state) "
            "VALUES (?,?,?,?,?)",
            [
                (position, e.originator_id, e.originator_version, e.topic, e.state)
                for position, e in enumerate(stored_events, first)
            ],
        )
        return range(first, first + len(stored_events))

    def select_after(self, after: int, limit: int, topics: Sequence[str] = (), stream: str | None = None) -> Sequence[Row]:
        """Rows (position, stream, version, topic, state) after a position, oldest first."""
        where, parameters = ["rowid > ?"], cast(list[Any], [after])
        if topics:
            where.append(f"topic IN ({','.join('?' * len(topics))})")
            parameters += topics
        if stream is not None:
            where.append("originator_id = ?")
            parameters.append(stream)
        with self.datastore.transaction(commit=False) as cursor:
            cursor.execute(
                f"SELECT rowid, originator_id, originator_version, topic, state FROM {self.events_table_name} "
                f"WHERE {' AND '.join(where)} ORDER BY rowid LIMIT {limit:d}",
                parameters,
            )
            return [tuple(row) for row in cursor.fetchall()]


Recorder = BinaryPostgresRecorder | OrderedSQLiteRecorder


class BornierPostgresFactory(PostgresFactory):
    """Takes every parameter of a PostgreSQL URL (socket directory, sslmode, …), not only the library's five."""

    def __init__(self, env: Environment) -> None:
        super().__init__(env)
        cast(dict[str, Any], self.datastore.pool.kwargs).update(conninfo_to_dict(str(env.get("BORNIER_STORE"))))

    def application_recorder(self) -> ApplicationRecorder:
        recorder = BinaryPostgresRecorder(self.datastore, events_table_name=TABLE)
        if self.env_create_table():
            recorder.create_table()
        return recorder


class BornierSQLiteFactory(SQLiteFactory):
    application_recorder_class = OrderedSQLiteRecorder


def factory(database: str, env: Environment) -> InfrastructureFactory[Any]:
    """The store of a database URL."""
    return BornierPostgresFactory(env) if database.startswith("postgresql://") else BornierSQLiteFactory(env)


def environment(database: str) -> dict[str, str]:
    """The library's settings for a database URL: `sqlite:///path` or `postgresql://user:password@host:port/name`.

    Raises ValueError for anything else.
    """
    if database.startswith("sqlite:///") and len(database) > len("sqlite:///"):
        path = database.removeprefix("sqlite:///")
        return {"SQLITE_DBNAME": path, "SQLITE_LOCK_TIMEOUT": "15", "ORIGINATOR_ID_TYPE": "text"}
    if not database.startswith("postgresql://"):
        raise ValueError("the database must be sqlite:///path or postgresql://…")
    try:
        parts = conninfo_to_dict(database)
    except psycopg.ProgrammingError as error:
        raise ValueError(f"the database URL cannot be read: {error}") from None
    return {
        "BORNIER_STORE": database,
        "POSTGRES_DBNAME": str(parts.get("dbname") or "postgres"),
        "POSTGRES_HOST": str(parts.get("host") or "127.0.0.1"),
        "POSTGRES_PORT": str(parts.get("port") or 5432),
        "POSTGRES_USER": str(parts.get("user") or "postgres"),
        "POSTGRES_PASSWORD": str(parts.get("password") or "none"),
        "POSTGRES_POOL_SIZE": "2",
        "POSTGRES_MAX_OVERFLOW": "8",
        "POSTGRES_CONNECT_TIMEOUT": "5",
        "ORIGINATOR_ID_TYPE": "text",
    }
