"""A warehouse: what BI asks, in a database of its own, filled from the history like any read model.

The tables behind the `archive_…` views and the views themselves, on PostgreSQL, SQLite or SQL Server.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import Connection, Dialect, Engine, Integer, MetaData, Table, Text, Unicode, inspect
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.sql.visitors import iterate

from projections import view
from projections.catalog import PROJECTIONS
from projections.checkpoint import CHECKPOINT
from projections.dataset import DATASETS, Window, query
from projections.feed import Feed
from projections.projection import Projection
from projections.runner import Runner

KEY_BYTES = 880
"""SQL Server: a clustered key has at most 900 bytes, and a character has two."""
SOUGHT = 300
"""Characters of a text that is looked for: an index of SQL Server takes 1,700 bytes."""
SQL_SERVER = "mssql"


def projections(dialect: str) -> list[Projection]:
    """What a warehouse holds, with tables that its database can make."""
    shown = tables_shown()
    known = [each for each in PROJECTIONS.values() if shown & set(each.tables.values())]
    if dialect != SQL_SERVER:
        return known
    metadata = MetaData()
    return [
        Projection(each.name, {name: suited(table, metadata) for name, table in each.tables.items()}, each.handlers)
        for each in known
    ]


class Warehouse(Runner):
    """Keeps a warehouse up to date; its database may come later than we."""

    def __init__(self, engine: Engine, feed: Feed, may: Callable[[], bool] = lambda: True) -> None:
        super().__init__(engine, feed, projections(engine.dialect.name), may=lambda name: may())
        self.prepared = False

    def step(self) -> bool:
        if not self.prepared:
            prepare(self.engine, list(self.projections.values()))
            self.prepared = True
        return super().step()


def tables_shown() -> set[Table]:
    """The tables that the datasets are made of."""
    parts = (part for dataset in DATASETS.values() for part in iterate(query(dataset, Window())))
    return {part for part in parts if isinstance(part, Table)}


def prepare(engine: Engine, wanted: Sequence[Projection]) -> None:
    """Make what is missing; tables of an older Bornier are dropped, for the history fills them again."""
    with engine.begin() as connection:
        tables = [checkpoint(engine.dialect.name), *(table for each in wanted for table in each.tables.values())]
        if not all(alike(connection, table) for table in tables):
            view.drop(connection)
            for table in tables:
                table.drop(connection, checkfirst=True)
            for table in tables:
                table.create(connection)
        view.create(connection)


def alike(connection: Connection, table: Table) -> bool:
    """Is it there, with our columns?"""
    here = inspect(connection)
    if not here.has_table(table.name):
        return False
    return {column["name"] for column in here.get_columns(table.name)} == set(table.columns.keys())


def checkpoint(dialect: str) -> Table:
    return suited(CHECKPOINT, MetaData()) if dialect == SQL_SERVER else CHECKPOINT


def suited(table: Table, metadata: MetaData) -> Table:
    """A table for SQL Server: texts are Unicode, those of keys have a length, and no number counts by itself."""
    made = table.to_metadata(metadata)
    keys = [column for column in made.primary_key.columns if isinstance(column.type, Text)]
    sought = {column.name for index in made.indexes for column in index.columns}
    for column in made.columns:
        if isinstance(column.type, Text):
            length = KEY_BYTES // 2 // len(keys) if column in keys else SOUGHT if column.name in sought else None
            column.type = Unicode(length)
        if column.primary_key and isinstance(column.type, Integer):
            column.autoincrement = False
    return made


def script(dialect: Dialect) -> Sequence[str]:
    """The DDL of a warehouse, for an administrator who lets nobody else make tables."""
    known = [table for each in projections(dialect.name) for table in each.tables.values()]
    tables = [checkpoint(dialect.name), *known]
    indexes = [made for table in tables for made in sorted(table.indexes, key=lambda index: str(index.name))]
    return [
        *(str(CreateTable(table).compile(dialect=dialect)).strip() for table in tables),
        *(str(CreateIndex(made).compile(dialect=dialect)) for made in indexes),
        *(view.definition(dialect, dataset) for dataset in DATASETS.values()),
    ]
