"""Changes: what a batch of events does to tables, said once per row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table

from projections.upsert import KEEP, Settlement, fill, keys, later, overwrite, upsert

Key = tuple[Any, ...]
Values = dict[str, Any]


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
            for columns, rows in alike(puts).items():
                send(connection, tables[name], columns, rows, overwrite(columns))
        for (name, guard), newest in self.newest_of.items():
            self.write_newest(connection, tables[name], guard, newest)
        for (name, column), first in self.first_of.items():
            send(
                connection,
                tables[name],
                (column,),
                [(key, {column: value}) for key, value in first.items()],
                fill(column),
            )
        for name, adds in self.adds.items():
            for columns, rows in alike(adds).items():
                send(connection, tables[name], columns, rows, KEEP)

    def write_newest(self, connection: Connection, table: Table, guard: str, newest: dict[Key, list[Values]]) -> None:
        """What was told at different times is written one after the other: each is held to the row as it is by then."""
        for turn in range(max(map(len, newest.values()), default=0)):
            now = {key: told[turn] for key, told in newest.items() if turn < len(told)}
            for columns, rows in alike(now).items():
                send(connection, table, columns, rows, later(columns, guard))


def send(
    connection: Connection,
    table: Table,
    columns: tuple[str, ...],
    rows: list[tuple[Key, Values]],
    settlement: Settlement | None,
) -> None:
    if rows:
        values = [named(table, key) | values for key, values in rows]
        upsert(connection, table, [*keys(table), *columns], values, settlement)


def named(table: Table, key: Key) -> Values:
    return dict(zip(keys(table), key, strict=True))


def alike(rows: dict[Key, Values]) -> dict[tuple[str, ...], list[tuple[Key, Values]]]:
    """Rows grouped by the columns they set, for one statement each."""
    groups: dict[tuple[str, ...], list[tuple[Key, Values]]] = defaultdict(list)
    for key, values in rows.items():
        groups[tuple(values)].append((key, values))
    return groups
