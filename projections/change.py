"""Changes: what a batch of events does to tables, said once per row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, func, or_
from sqlalchemy.dialects import postgresql, sqlite

Key = tuple[Any, ...]
Values = dict[str, Any]
INSERTS = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}


class Changes:
    """Collected in memory, then written: the last word per row and column counts, so a batch costs what its rows cost.

    Everything here may be said twice and has the effect of once.
    """

    def __init__(self) -> None:
        self.puts: dict[str, dict[Key, Values]] = defaultdict(dict)
        self.newest_of: dict[tuple[str, str], dict[Key, Values]] = defaultdict(dict)
        self.first_of: dict[tuple[str, str], dict[Key, Any]] = defaultdict(dict)
        self.adds: dict[str, dict[Key, Values]] = defaultdict(dict)

    def put(self, table: str, key: Key, **values: Any) -> None:
        """These columns of this row are now so."""
        self.puts[table].setdefault(key, {}).update(values)

    def newest(self, table: str, key: Key, guard: str, at: datetime, **values: Any) -> None:
        """So, unless the row has been told something of a later time (column `guard`)."""
        known = self.newest_of[table, guard].get(key)
        if known is None:
            self.newest_of[table, guard][key] = {guard: at, **values}
        elif known[guard] <= at:
            known.update(values)
            known[guard] = at

    def first(self, table: str, key: Key, column: str, value: Any) -> None:
        """So, unless the column has a value already."""
        self.first_of[table, column].setdefault(key, value)

    def add(self, table: str, key: Key, **values: Any) -> None:
        """One more row; the same one again is the same row."""
        self.adds[table][key] = values

    def rows(self, table: str) -> dict[Key, Values]:
        """The rows as they are if there was nothing before."""
        rows: dict[Key, Values] = {key: dict(values) for key, values in self.puts[table].items()}
        for (name, column), first in self.first_of.items():
            for key, value in first.items() if name == table else ():
                rows.setdefault(key, {}).setdefault(column, value)
        for (name, _), newest in self.newest_of.items():
            for key, values in newest.items() if name == table else ():
                rows.setdefault(key, {}).update(values)
        rows.update(self.adds[table])
        return rows

    def write(self, connection: Connection, tables: Mapping[str, Table]) -> None:
        """Write everything, a few statements per table."""
        for name, puts in self.puts.items():
            self.write_puts(connection, tables[name], puts)
        for (name, guard), newest in self.newest_of.items():
            self.write_newest(connection, tables[name], guard, newest)
        for (name, column), first in self.first_of.items():
            self.write_first(connection, tables[name], column, first)
        for name, adds in self.adds.items():
            if adds:
                table = tables[name]
                statement = insert(connection, table).on_conflict_do_nothing()
                connection.execute(statement, [named(table, key) | values for key, values in adds.items()])

    def write_puts(self, connection: Connection, table: Table, puts: dict[Key, Values]) -> None:
        for columns, rows in alike(puts).items():
            statement = insert(connection, table)
            update = {column: statement.excluded[column] for column in columns}
            statement = statement.on_conflict_do_update(index_elements=keys(table), set_=update)
            connection.execute(statement, [named(table, key) | values for key, values in rows])

    def write_newest(self, connection: Connection, table: Table, guard: str, newest: dict[Key, Values]) -> None:
        for columns, rows in alike(newest).items():
            statement = insert(connection, table)
            update = {column: statement.excluded[column] for column in columns}
            later = or_(table.c[guard].is_(None), table.c[guard] <= statement.excluded[guard])
            statement = statement.on_conflict_do_update(index_elements=keys(table), set_=update, where=later)
            connection.execute(statement, [named(table, key) | values for key, values in rows])

    def write_first(self, connection: Connection, table: Table, column: str, first: dict[Key, Any]) -> None:
        statement = insert(connection, table)
        update = {column: func.coalesce(table.c[column], statement.excluded[column])}
        statement = statement.on_conflict_do_update(index_elements=keys(table), set_=update)
        if first:
            connection.execute(statement, [named(table, key) | {column: value} for key, value in first.items()])


def insert(connection: Connection, table: Table) -> Any:
    """INSERT with ON CONFLICT in the words of this database."""
    return INSERTS[connection.dialect.name](table)


def keys(table: Table) -> list[str]:
    return [column.name for column in table.primary_key.columns]


def named(table: Table, key: Key) -> Values:
    return dict(zip(keys(table), key, strict=True))


def alike(rows: dict[Key, Values]) -> dict[tuple[str, ...], list[tuple[Key, Values]]]:
    """Rows grouped by the columns they set, for one statement each."""
    groups: dict[tuple[str, ...], list[tuple[Key, Values]]] = defaultdict(list)
    for key, values in rows.items():
        groups[tuple(values)].append((key, values))
    return groups
