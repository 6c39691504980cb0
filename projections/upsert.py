"""Upsert: rows that are there or not, written in the words of each database.

PostgreSQL and SQLite say INSERT … ON CONFLICT, SQL Server says MERGE; what happens to a row that exists is said once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    JSON,
    Column,
    ColumnElement,
    Connection,
    Table,
    bindparam,
    cast,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.elements import ClauseElement

from projections.table import UtcTime

INSERTS = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}
Row = Mapping[str, ColumnElement[Any]]


class Settlement(NamedTuple):
    """What becomes of a row that exists: `update` of the old row and the new one, `when` it is to be changed at all."""

    update: Callable[[Row, Row], dict[str, ColumnElement[Any]]]
    when: Callable[[Row, Row], ColumnElement[bool]] | None = None


def overwrite(columns: Sequence[str]) -> Settlement:
    """The new one counts."""
    return Settlement(lambda old, new: {column: new[column] for column in columns})


def later(columns: Sequence[str], guard: str) -> Settlement:
    """The new one counts unless the old one is of a later time."""
    return Settlement(
        lambda old, new: {column: new[column] for column in columns},
        lambda old, new: or_(old[guard].is_(None), old[guard] <= new[guard]),
    )


def fill(column: str) -> Settlement:
    """The new one counts where there was nothing."""
    return Settlement(lambda old, new: {column: func.coalesce(old[column], new[column])})


KEEP: Settlement | None = None
"""The old one stays."""


def upsert(
    connection: Connection,
    table: Table,
    names: Sequence[str],
    rows: list[dict[str, Any]],
    settlement: Settlement | None,
) -> None:
    """One statement for many rows, each with a value for all names.

    PostgreSQL takes them as one array a column, which costs half of one row after the other.
    """
    if connection.dialect.name == "mssql":
        connection.execute(Merge(table, names, settlement), rows)
        return
    statement = INSERTS[connection.dialect.name](table)
    arrays = connection.dialect.name == "postgresql" and not any(isinstance(table.c[name].type, JSON) for name in names)
    if not arrays:
        connection.execute(on_conflict(statement, table, settlement), rows)
        return
    source = select(*(unnested(table, name) for name in names))
    values = {name: [row[name] for row in rows] for name in names}
    connection.execute(on_conflict(statement.from_select(names, source), table, settlement), values)


def on_conflict(statement: Any, table: Table, settlement: Settlement | None) -> Any:
    if settlement is None:
        return statement.on_conflict_do_nothing()
    old, new = dict(table.c.items()), statement.excluded
    return statement.on_conflict_do_update(
        index_elements=keys(table),
        set_=settlement.update(old, new),
        where=settlement.when(old, new) if settlement.when else None,
    )


def unnested(table: Table, name: str) -> Any:
    """A column of rows out of an array of values."""
    kind = table.c[name].type
    array = ARRAY(kind.impl_instance if isinstance(kind, UtcTime) else kind)
    return func.unnest(cast(bindparam(name, type_=array), array))


class Merge(Executable, ClauseElement):
    """MERGE of one row (SQL Server); HOLDLOCK, so that two writers do not both find nothing."""

    inherit_cache = False

    def __init__(self, table: Table, names: Sequence[str], settlement: Settlement | None) -> None:
        self.table, self.names, self.settlement = table, names, settlement


@compiles(Merge, "mssql")
def merged(merge: Merge, compiler: Any, **options: Any) -> str:
    table, quote = merge.table, compiler.preparer.quote

    def said(element: ClauseElement) -> str:
        return str(compiler.process(element, **options))

    def side(name: str) -> dict[str, ColumnElement[Any]]:
        return {column.name: literal_column(f"{name}.{quote(column.name)}", column.type) for column in table.c}

    given = ", ".join(f"{said(given_as(table.c[name]))} AS {quote(name)}" for name in merge.names)
    old, new = side("old"), side("new")
    same = " AND ".join(f"{said(old[key])} = {said(new[key])}" for key in keys(table))
    lines = [f"MERGE INTO {compiler.preparer.format_table(table)} WITH (HOLDLOCK) AS old"]
    lines.append(f"USING (SELECT {given}) AS new ON {same}")
    if merge.settlement is not None:
        update, when = merge.settlement
        values = ", ".join(f"{quote(name)} = {said(value)}" for name, value in update(old, new).items())
        condition = f" AND ({said(when(old, new))})" if when else ""
        lines.append(f"WHEN MATCHED{condition} THEN UPDATE SET {values}")
    names = ", ".join(map(quote, merge.names))
    news = ", ".join(said(new[name]) for name in merge.names)
    lines.append(f"WHEN NOT MATCHED THEN INSERT ({names}) VALUES ({news});")
    return "\n".join(lines)


def given_as(column: Column[Any]) -> ColumnElement[Any]:
    """A value with the type of its column: a bare NULL has none."""
    return cast(bindparam(column.name, type_=column.type), column.type)


def keys(table: Table) -> list[str]:
    return [column.name for column in table.primary_key.columns]
