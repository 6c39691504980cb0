"""Where events are stored: the recorders of the `eventsourcing` library, written and read the way our load needs.

The PostgreSQL one sends four binary arrays a commit instead of an array of composites in text, and keeps what the
library does for readers that follow the log: the table lock, so that positions appear in order, and the NOTIFY.
The SQLite one numbers its rows in a column of its own, so that a position is never given twice.
"""

from __future__ import annotations

import sqlite3
import struct
import time
from collections.abc import Sequence
from typing import Any, cast

import psycopg
from eventsourcing.persistence import (
    ApplicationRecorder,
    DataError,
    InfrastructureFactory,
    OperationalError,
    StoredEvent,
)
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresFactory
from eventsourcing.sqlite import (
    SQLiteApplicationRecorder,
    SQLiteConnection,
    SQLiteConnectionPool,
    SQLiteCursor,
    SQLiteFactory,
)
from eventsourcing.utils import Environment
from psycopg import pq
from psycopg.adapt import Dumper
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import tuple_row
from psycopg.sql import SQL, Identifier

from application.lookup import Lookup, Row
from application.rarity import indexes

TABLE = "stored_events"

HEADER = struct.Struct("!iiIii")
LENGTH = struct.Struct("!i")
INT8 = struct.Struct("!iq")
TEXT_OID, INT8_OID, BYTEA_OID = 25, 20, 17

QUIET = """autovacuum_vacuum_insert_threshold = -1, autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_threshold = 1000000, autovacuum_analyze_scale_factor = 0.5"""
"""Nothing is ever updated or deleted, so there is nothing to clean; a vacuum or analyze would hold up the table lock,
and with it every station. What must be frozen is still frozen, at PostgreSQL's own time."""
BROKEN = "SELECT originator_id FROM {} GROUP BY originator_id HAVING count(*) <> max(originator_version)"
ARCHIVE = (
    "CREATE TABLE IF NOT EXISTS archive (first BIGINT PRIMARY KEY, last BIGINT NOT NULL, name TEXT NOT NULL, "
    "sha256 TEXT NOT NULL, pruned BIGINT NOT NULL DEFAULT 0, removed INTEGER NOT NULL DEFAULT 0, "
    "topics TEXT NOT NULL DEFAULT '{{}}', gone {bytes})",
    "CREATE TABLE IF NOT EXISTS archived_stream (stream TEXT NOT NULL, first BIGINT NOT NULL, count BIGINT NOT NULL, "
    "PRIMARY KEY (stream, first))",
)
SNAPSHOT = """CREATE TABLE IF NOT EXISTS snapshot
    (stream TEXT PRIMARY KEY, version BIGINT NOT NULL, shape TEXT NOT NULL, state {bytes} NOT NULL)"""
SCHEMA_LOCK = 0x626F726E696572
LOCK_TIMEOUT_S = 15
# A gateway must notice within seconds that the database is gone, not when TCP gives up. The URL may say otherwise.
CONNECTION = {
    "application_name": "bornier",
    "connect_timeout": "5",
    "tcp_user_timeout": "10000",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
}


class Array(bytes):
    """A one-dimensional PostgreSQL array in the binary protocol; the statement's cast says of what."""


class ArrayDumper(Dumper):
    """Hands the bytes over as they are."""

    format = pq.Format.BINARY

    def dump(self, obj: Any) -> bytes:
        return bytes(obj)


psycopg.adapters.register_dumper(Array, ArrayDumper)


def pack(items: Sequence[bytes], oid: int) -> Array:
    """Elements that are bytes already."""
    parts = [HEADER.pack(1, 0, oid, len(items), 1)]
    for item in items:
        parts.append(LENGTH.pack(len(item)))
        parts.append(item)
    return Array(b"".join(parts))


def pack_int8(items: Sequence[int]) -> Array:
    return Array(HEADER.pack(1, 0, INT8_OID, len(items), 1) + b"".join([INT8.pack(8, item) for item in items]))


def encode(text: str) -> bytes:
    """UTF-8. Raises DataError for what PostgreSQL cannot hold, so that both databases refuse the same."""
    try:
        encoded = text.encode()
    except UnicodeEncodeError as error:
        raise DataError(f"not valid text: {error}") from None
    if b"\0" in encoded:
        raise DataError(f"text with a NUL character: {text!r}")
    return encoded


class BinaryPostgresRecorder(PostgresApplicationRecorder, Lookup):
    """The library's table and guarantees at a tenth of the cost. A lost connection is raised at once, never retried
    here: only the caller can find out whether the commit happened."""

    place = "notification_id"
    contains = "position(?::bytea in state) > 0"

    def __init__(self, datastore: Any, *, events_table_name: str = TABLE) -> None:
        super().__init__(datastore, events_table_name=events_table_name)
        # Neither the composite type nor the library's insert function, which skips the lock and so loses events.
        self.sql_create_statements = [
            statement
            for statement in self.sql_create_statements
            if statement.as_string().startswith(("CREATE TABLE", "CREATE UNIQUE INDEX"))
        ]
        self.table = table = SQL("{}.{}").format(Identifier(self.datastore.schema), Identifier(events_table_name))
        self.insert_statement = SQL(
            "INSERT INTO {} (originator_id, originator_version, topic, state) SELECT o, v, t, s "
            "FROM unnest(%b::text[], %b::bigint[], %b::text[], %b::bytea[]) WITH ORDINALITY AS event (o, v, t, s, n) "
            "ORDER BY n RETURNING notification_id"
        ).format(table)
        self.select_statement = SQL(
            "SELECT notification_id, originator_id, originator_version, topic, state FROM {} WHERE notification_id > %s"
        ).format(table)

    def create_table(self) -> None:
        """Create what is missing; several processes may start at once."""
        with self.datastore.transaction(commit=True) as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [SCHEMA_LOCK])
            self._create_table(cursor)
            cursor.execute(SQL("ALTER TABLE {} SET ({})").format(self.table, SQL(QUIET)))
            for statement in (*indexes(TABLE, "notification_id"), SNAPSHOT, *ARCHIVE):
                cursor.execute(SQL(statement.format(bytes="BYTEA")))

    def tell(self, *statements: tuple[str, Sequence[Any]]) -> None:
        """Do all of this, or nothing."""
        with self.datastore.transaction(commit=True) as cursor:
            for statement, parameters in statements:
                cursor.execute(SQL(statement.replace("?", "%s")).format(table=self.table), parameters)

    def counted_on(self) -> Sequence[tuple[str, Sequence[Any]]]:
        """What must be told after positions beyond the last one were written by hand: the next one follows them."""
        sequence = "pg_get_serial_sequence(?, 'notification_id')"
        return [(f"SELECT setval({sequence}, (SELECT max(notification_id) FROM {{table}}))", [TABLE])]

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int]:
        """Store events in order, together or not at all; returns their positions. Raises IntegrityError on a conflict,
        DataError for text that cannot be stored."""
        if not stored_events:
            return []
        arrays = (
            pack([encode(str(e.originator_id)) for e in stored_events], TEXT_OID),
            pack_int8([e.originator_version for e in stored_events]),
            pack([encode(e.topic) for e in stored_events], TEXT_OID),
            pack([e.state for e in stored_events], BYTEA_OID),
        )
        with (
            self.datastore.get_connection() as conn,
            conn.pipeline(),
            conn.cursor() as step,
            conn.cursor(row_factory=tuple_row) as cursor,
        ):
            # Everything up to COMMIT leaves in one round trip: `conn.transaction()` would wait twice, table locked.
            step.execute("BEGIN")
            self._lock_table(step)
            self._notify_channel(step)
            cursor.execute(self.insert_statement, arrays, prepare=True)
            step.execute("COMMIT")
            return [position for (position,) in cursor.fetchall()]

    def select_after(
        self, after: int, limit: int, topics: Sequence[str] = (), stream: str | None = None
    ) -> Sequence[Row]:
        """Rows (position, stream, version, topic, state) after a position, oldest first."""
        statement = self.select_statement
        parameters: list[Any] = [after]
        if topics:
            statement += SQL(" AND topic = ANY(%s)")
            parameters.append(list(topics))
        if stream is not None:
            statement += SQL(" AND originator_id = %s")
            parameters.append(stream)
        # Within a stream both orders are the same, but only its own index finds the stream.
        statement += SQL(" ORDER BY {} LIMIT %s").format(
            Identifier("originator_version" if stream is not None else "notification_id")
        )
        parameters.append(limit)
        with self.datastore.get_connection() as conn, conn.cursor(binary=True, row_factory=tuple_row) as cursor:
            cursor.execute(statement, parameters, prepare=True)
            return cast(Sequence[Row], cursor.fetchall())

    def count(self, topics: Sequence[str] = (), stream: str | None = None) -> int:
        """How many events there are."""
        statement = SQL("SELECT count(*) FROM {} WHERE (%s::text IS NULL OR originator_id = %s)").format(
            SQL("{}.{}").format(Identifier(self.datastore.schema), Identifier(self.events_table_name))
        )
        parameters: list[Any] = [stream, stream]
        if topics:
            statement += SQL(" AND topic = ANY(%s)")
            parameters.append(list(topics))
        with self.datastore.get_connection() as conn, conn.cursor(row_factory=tuple_row) as cursor:
            row = cursor.execute(statement, parameters).fetchone()
            return int(row[0]) if row else 0

    def broken(self) -> list[str]:
        """Streams whose versions have a gap."""
        with self.datastore.get_connection() as conn, conn.cursor(row_factory=tuple_row) as cursor:
            return [stream for (stream,) in cursor.execute(SQL(BROKEN).format(self.table)).fetchall()]

    def fetch(self, statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        """See Lookup."""
        query = SQL(statement.replace("?", "%s")).format(table=self.table)
        with self.datastore.get_connection() as conn, conn.cursor(binary=True, row_factory=tuple_row) as cursor:
            return cursor.execute(query, parameters).fetchall()


class OrderedSQLiteRecorder(SQLiteApplicationRecorder, Lookup):
    """The library's columns, with the row number declared: VACUUM keeps it, and AUTOINCREMENT never gives it again."""

    place = "rowid"
    contains = "instr(state, ?) > 0"

    def construct_create_table_statements(self) -> list[str]:
        return [
            f"CREATE TABLE IF NOT EXISTS {self.events_table_name} (rowid INTEGER PRIMARY KEY AUTOINCREMENT, "
            "originator_id TEXT NOT NULL, originator_version INTEGER NOT NULL, topic TEXT, state BLOB, "
            "UNIQUE (originator_id, originator_version))",
            *indexes(self.events_table_name, self.place),
            *(statement.format(bytes="BLOB") for statement in (SNAPSHOT, *ARCHIVE)),
        ]

    def tell(self, *statements: tuple[str, Sequence[Any]]) -> None:
        """Like BinaryPostgresRecorder.tell."""
        with self.datastore.transaction(commit=True) as cursor:
            for statement, parameters in statements:
                cursor.execute(statement.format(table=self.events_table_name), parameters)

    def counted_on(self) -> Sequence[tuple[str, Sequence[Any]]]:
        """SQLite counts by itself."""
        return []

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int]:
        """Like BinaryPostgresRecorder.insert_events."""
        return super().insert_events(stored_events, **kwargs) or ()

    def _insert_events(self, c: SQLiteCursor, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int]:
        # Nothing is read before the first write: a read would fix a snapshot, and the commit would fail as soon as
        # somebody else had written to the same file since.
        for event in stored_events:
            encode(str(event.originator_id))
            encode(event.topic)
        c.executemany(
            f"INSERT INTO {self.events_table_name} (originator_id, originator_version, topic, state) VALUES (?,?,?,?)",
            [(e.originator_id, e.originator_version, e.topic, e.state) for e in stored_events],
        )
        c.execute("SELECT last_insert_rowid()")
        last = c.fetchone()[0]
        return range(last - len(stored_events) + 1, last + 1)

    def select_after(
        self, after: int, limit: int, topics: Sequence[str] = (), stream: str | None = None
    ) -> Sequence[Row]:
        """Rows (position, stream, version, topic, state) after a position, oldest first."""
        where = ["+rowid > ?" if stream is not None else "rowid > ?"]
        parameters: list[Any] = [after]
        if topics:
            where.append(f"topic IN ({','.join('?' * len(topics))})")
            parameters += topics
        if stream is not None:
            where.append("originator_id = ?")
            parameters.append(stream)
        order = "originator_version" if stream is not None else "rowid"
        with self.datastore.transaction(commit=False) as cursor:
            cursor.execute(
                f"SELECT rowid, originator_id, originator_version, topic, state FROM {self.events_table_name} "
                f"WHERE {' AND '.join(where)} ORDER BY {order} LIMIT {limit:d}",
                parameters,
            )
            return [tuple(row) for row in cursor.fetchall()]

    def count(self, topics: Sequence[str] = (), stream: str | None = None) -> int:
        """How many events there are."""
        where = ["1"]
        parameters: list[Any] = []
        if topics:
            where.append(f"topic IN ({','.join('?' * len(topics))})")
            parameters += topics
        if stream is not None:
            where.append("originator_id = ?")
            parameters.append(stream)
        with self.datastore.transaction(commit=False) as cursor:
            cursor.execute(f"SELECT count(*) FROM {self.events_table_name} WHERE {' AND '.join(where)}", parameters)
            return int(cursor.fetchone()[0])

    def broken(self) -> list[str]:
        """Streams whose versions have a gap."""
        with self.datastore.transaction(commit=False) as cursor:
            cursor.execute(BROKEN.format(self.events_table_name))
            return [row[0] for row in cursor.fetchall()]

    def fetch(self, statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        """See Lookup."""
        with self.datastore.transaction(commit=False) as cursor:
            cursor.execute(statement.format(table=self.events_table_name), parameters)
            return [tuple(row) for row in cursor.fetchall()]


Recorder = BinaryPostgresRecorder | OrderedSQLiteRecorder


class BornierPostgresFactory(PostgresFactory):
    """Takes every parameter of a PostgreSQL URL (socket directory, sslmode, …), not only the library's five."""

    def __init__(self, env: Environment, database: str) -> None:
        super().__init__(env)
        settings = cast(dict[str, Any], self.datastore.pool.kwargs)
        for name in ("dbname", "host", "port", "user", "password"):
            settings.pop(name)
        settings.update(CONNECTION | conninfo_to_dict(database))
        try:
            psycopg.connect(**settings).close()
        except psycopg.OperationalError as error:  # the pool would wait, and not say why
            raise OperationalError(str(error)) from error

    def application_recorder(self) -> ApplicationRecorder:
        recorder = BinaryPostgresRecorder(self.datastore, events_table_name=TABLE)
        if self.env_create_table():
            recorder.create_table()
        return recorder


class DurablePool(SQLiteConnectionPool):
    """Connections whose commits are on the disk when they return, however SQLite was compiled."""

    def _create_connection(self) -> SQLiteConnection:
        connection = super()._create_connection()
        connection.cursor().execute("PRAGMA synchronous = FULL")
        return connection


class BornierSQLiteFactory(SQLiteFactory):
    application_recorder_class = OrderedSQLiteRecorder

    def __init__(self, env: Environment, path: str) -> None:
        super().__init__(env)
        self.datastore.close()
        self.datastore.pool = DurablePool(db_name=path, lock_timeout=LOCK_TIMEOUT_S)
        write_ahead(path)


def write_ahead(path: str) -> None:
    """Switch the file to write-ahead logging. SQLite does not wait for its lock here, so we do."""
    deadline = time.monotonic() + LOCK_TIMEOUT_S
    connection = sqlite3.connect(path)
    try:
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
    finally:
        connection.close()


def factory(database: str, env: Environment) -> InfrastructureFactory[Any]:
    """The store of a database URL."""
    if database.startswith("postgresql://"):
        return BornierPostgresFactory(env, database)
    return BornierSQLiteFactory(env, environment(database)["SQLITE_DBNAME"])


def environment(database: str) -> dict[str, str]:
    """The library's settings for a database URL: `sqlite:///path` or `postgresql://user:password@host:port/name`.

    Raises ValueError for anything else.
    """
    if database.startswith("postgresql://"):
        return postgres_environment(database)
    path = database.removeprefix("sqlite:///")
    if path in ("", database) or ":memory:" in path:
        raise ValueError("the database must be sqlite:///path or postgresql://…")
    return {"SQLITE_DBNAME": path, "ORIGINATOR_ID_TYPE": "text"}


def postgres_environment(database: str) -> dict[str, str]:
    try:
        parts = conninfo_to_dict(database)
    except psycopg.ProgrammingError as error:
        raise ValueError(f"the database URL cannot be read: {error}".strip()) from None
    # The library insists on these five; the factory then connects with the URL as it is.
    needed = {key: str(parts.get(key) or "") for key in ("dbname", "host", "port", "user", "password")}
    return {f"POSTGRES_{key.upper()}": value for key, value in needed.items()} | {
        "POSTGRES_POOL_SIZE": "2",
        "POSTGRES_MAX_OVERFLOW": "8",
        "POSTGRES_CONNECT_TIMEOUT": "5",
        "ORIGINATOR_ID_TYPE": "text",
    }
