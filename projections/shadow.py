"""Shadow: the tables of a read model a second time, made beside the live ones, until they take their place."""

from __future__ import annotations

import fcntl
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, Table, delete, func, insert, inspect, select, text
from sqlalchemy.schema import CreateTable

from projections import view
from projections.projection import SHADOW, Projection

ATTACHED = """
SELECT relacl IS NOT NULL OR relrowsecurity
    OR EXISTS (SELECT 1 FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid
               WHERE d.classid = 'pg_rewrite'::regclass AND d.refobjid = c.oid AND r.ev_class <> c.oid)
    OR EXISTS (SELECT 1 FROM pg_publication_rel p WHERE p.prrelid = c.oid)
    OR EXISTS (SELECT 1 FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal)
FROM pg_class c WHERE c.oid = CAST(:name AS regclass)
"""
"""What somebody has attached to a table of ours would be lost with it: rights, views, publications, triggers."""


class Claimed(ValueError):
    """Somebody else is rebuilding this read model at this moment."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is being rebuilt by another process")


@contextmanager
def claim(engine: Engine, name: str) -> Iterator[None]:
    """One at a time, for the length of a block; a process that dies gives it back. Raises Claimed."""
    with (claim_postgres if engine.dialect.name == "postgresql" else claim_file)(engine, name):
        yield


@contextmanager
def claim_postgres(engine: Engine, name: str) -> Iterator[None]:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        key = func.hashtext(f"bornier rebuild {name}")
        if not connection.execute(select(func.pg_try_advisory_lock(key))).scalar():
            raise Claimed(name)
        try:
            yield
        finally:
            connection.execute(select(func.pg_advisory_unlock(key)))


@contextmanager
def claim_file(engine: Engine, name: str) -> Iterator[None]:
    """One rebuild at a time: SQLite has one writer anyway."""
    with Path(f"{engine.url.database}-rebuild").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Claimed(name) from None
        yield


def create(engine: Engine, shadow: Projection) -> None:
    """Empty tables without indexes, whatever an earlier rebuild has left behind."""
    with engine.begin() as connection:
        discard(connection, shadow)
        for table in shadow.tables.values():
            connection.execute(CreateTable(table))


def discard(connection: Connection, shadow: Projection) -> None:
    for table in shadow.tables.values():
        table.drop(connection, checkfirst=True)


def left_behind(engine: Engine, projections: Iterable[Projection]) -> list[Projection]:
    """Shadows of rebuilds that are running, or that were killed."""
    there = set(inspect(engine).get_table_names())
    shadows = [projection.shadow() for projection in projections]
    return [shadow for shadow in shadows if there & {table.name for table in shadow.tables.values()}]


def index(engine: Engine, shadow: Projection) -> None:
    """Indexes are made once the rows are there. SQLite cannot rename them: there they are made at the swap."""
    if engine.dialect.name == "postgresql":
        for table in shadow.tables.values():
            with engine.begin() as connection:
                for made in table.indexes:
                    made.create(connection)


def swap(connection: Connection, projection: Projection, shadow: Projection) -> None:
    """The shadow takes the place of the live tables, all or none: whoever reads sees the old rows or the new ones."""
    pairs = [(table, shadow.tables[name]) for name, table in projection.tables.items()]
    with view.aside(connection):
        exchange(connection, pairs)


def exchange(connection: Connection, pairs: Sequence[tuple[Table, Table]]) -> None:
    if connection.dialect.name != "postgresql":
        for live, made in pairs:
            live.drop(connection)
            connection.execute(text(f'ALTER TABLE "{made.name}" RENAME TO "{live.name}"'))
            for missing in live.indexes:
                missing.create(connection)
        return
    names = ", ".join(f'"{live.name}"' for live, _ in pairs)
    if any(connection.execute(text(ATTACHED), {"name": f'"{live.name}"'}).scalar() for live, _ in pairs):
        for live, made in pairs:
            replace(connection, live, made)
        return
    connection.execute(text(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE"))
    for live, made in pairs:
        rename(connection, live, made)


def replace(connection: Connection, live: Table, made: Table) -> None:
    """Row by row, so that what is attached to the table stays."""
    connection.execute(delete(live))
    columns = [column.name for column in live.columns]
    connection.execute(insert(live).from_select(columns, select(*made.columns)))


def rename(connection: Connection, live: Table, made: Table) -> None:
    connection.execute(text(f'DROP TABLE "{live.name}"'))
    connection.execute(text(f'ALTER TABLE "{made.name}" RENAME TO "{live.name}"'))
    for each in inspect(connection).get_indexes(live.name):
        if name := each["name"]:
            connection.execute(text(f'ALTER INDEX "{name}" RENAME TO "{name.removesuffix(SHADOW)}"'))
    key = f"{made.name}_pkey"
    connection.execute(text(f'ALTER TABLE "{live.name}" RENAME CONSTRAINT "{key}" TO "{live.name}_pkey"'))
