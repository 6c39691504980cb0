"""Changes: what a batch of events does to tables, said once per row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, JSON, Connection, Table, bindparam, cast, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from projections.table import UtcTime

Key = tuple[Any, ...]
Values = dict[str, Any]
INSERTS = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}


class Changes:
    """Collected in memory, then written: the last word per row and column counts, so a batch costs what its rows cost.

    Everything here may be said twice and has the effect of once.
    """

    def __init__(self) -> None:
        self.puts: dict[str, dict[Key, Values]] = defaultdict(dict)
        self.newest_of: dict[tuple[str, str], dict[Key, list[Values]]] = defaultdict(dict)
        self.first_of: dict[tuple[str, str], dict[Key, Any]] = defaultdict(dict)
        self.adds: dict[str, dict[Key, Values]] = defaultdict(dict)

    def put(self, table: str, key: Key, **values: Any) -> None:
        """These columns of this row are now so."""
        self.puts[table].setdefault(key, {}).update(values)

    def newest(self, table: str, key: Key, guard: str, at: datetime, **values: Any) -> None:
        """So, unless the row has been told something of a later time (column `guard`)."""
        told = self.newest_of[table, guard].setdefault(key, [])
        if told and at < told[-1][guard]:
            return
        now = {guard: at, **values}
        told[:] = [earlier for earlier in told if not earlier.keys() <= now.keys()]
        told.append(now)

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
            for key, told in newest.items() if name == table else ():
                for values in told:
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
            for columns, rows in alike(adds).items():
                send(connection, tables[name], columns, rows, lambda statement: statement.on_conflict_do_nothing())

    def write_puts(self, connection: Connection, table: Table, puts: dict[Key, Values]) -> None:
        for columns, rows in alike(puts).items():

            def settle(statement: Any, columns: tuple[str, ...] = columns) -> Any:
                update = {column: statement.excluded[column] for column in columns}
                return statement.on_conflict_do_update(index_elements=keys(table), set_=update)

            send(connection, table, columns, rows, settle)

    def write_newest(self, connection: Connection, table: Table, guard: str, newest: dict[Key, list[Values]]) -> None:
        """What was told at different times is written one after the other: each is held to the row as it is by then."""
        for turn in range(max(map(len, newest.values()), default=0)):
            now = {key: told[turn] for key, told in newest.items() if turn < len(told)}
            self.write_turn(connection, table, guard, now)

    def write_turn(self, connection: Connection, table: Table, guard: str, now: dict[Key, Values]) -> None:
        for columns, rows in alike(now).items():

            def settle(statement: Any, columns: tuple[str, ...] = columns) -> Any:
                update = {column: statement.excluded[column] for column in columns}
                later = or_(table.c[guard].is_(None), table.c[guard] <= statement.excluded[guard])
                return statement.on_conflict_do_update(index_elements=keys(table), set_=update, where=later)

            send(connection, table, columns, rows, settle)

    def write_first(self, connection: Connection, table: Table, column: str, first: dict[Key, Any]) -> None:
        def settle(statement: Any) -> Any:
            update = {column: func.coalesce(table.c[column], statement.excluded[column])}
            return statement.on_conflict_do_update(index_elements=keys(table), set_=update)

        if first:
            send(connection, table, (column,), [(key, {column: value}) for key, value in first.items()], settle)


def send(
    connection: Connection,
    table: Table,
    columns: tuple[str, ...],
    rows: list[tuple[Key, Values]],
    settle: Callable[[Any], Any],
) -> None:
    """One INSERT for many rows; `settle` says what happens to rows that exist.

    PostgreSQL takes them as one array a column, which costs half of one row after the other.
    """
    names = [*keys(table), *columns]
    statement = insert(connection, table)
    values = [named(table, key) | values for key, values in rows]
    if connection.dialect.name == "postgresql" and not any(isinstance(table.c[name].type, JSON) for name in names):
        source = select(*(unnested(table, name) for name in names))
        connection.execute(
            settle(statement.from_select(names, source)), {name: [row[name] for row in values] for name in names}
        )
    else:
        connection.execute(settle(statement), values)


def unnested(table: Table, name: str) -> Any:
    """A column of rows out of an array of values."""
    kind = table.c[name].type
    array = ARRAY(kind.impl_instance if isinstance(kind, UtcTime) else kind)
    return func.unnest(cast(bindparam(name, type_=array), array))


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
