"""Pages: Relay cursors over stable keys, so that page one million costs what page one costs."""

from __future__ import annotations

import base64
import binascii
from types import GenericAlias
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Column, ColumnElement, Connection, Row, Select, Table, func, select, tuple_


class BadCursor(ValueError):
    """The cursor was not made by this list."""


class Page(NamedTuple):
    """Some rows, and whether there are more behind them."""

    rows: list[Row[Any]]
    more: bool


def page(rows: list[Row[Any]], first: int) -> Page:
    """Cut a result of `first + 1` rows to a page."""
    return Page(rows[:first], len(rows) > first)


def newest(connection: Connection, column: Column[int], first: int, after: str | None, **wanted: Any) -> Page:
    """The rows with the highest numbers of a column, downwards; `wanted`: columns that must have a value."""
    query = select(column.table).where(*matching(column, wanted)).order_by(column.desc()).limit(first + 1)
    if after is not None:
        (number,) = key(after, tuple[int])
        query = query.where(column < number)
    return page(list(connection.execute(query)), first)


def number_of(connection: Connection, column: Column[int], **wanted: Any) -> int:
    """How many rows there are."""
    return int(connection.execute(select(func.count(column)).where(*matching(column, wanted))).scalar() or 0)


def matching(column: Column[int], wanted: dict[str, Any]) -> list[ColumnElement[bool]]:
    return [column.table.c[name] == value for name, value in wanted.items() if value is not None]


def cursor(*key: Any) -> str:
    """Where a row is, as an opaque text."""
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).decode()


def key(text: str, kinds: type[Any]) -> Any:
    """The key behind a cursor; `kinds` is the tuple type of the list. Raises BadCursor."""
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(text.encode()), type=kinds)
    except (binascii.Error, msgspec.DecodeError, ValueError) as error:
        raise BadCursor(f"{text[:40]!r} is not a cursor of this list") from error


def rows(connection: Connection, query: Select[Any], table: Table, first: int, after: str | None) -> Page:
    """Some rows of a query over one table, in the order of its key."""
    columns = list(table.primary_key.columns)
    if after is not None:
        kinds: Any = GenericAlias(tuple, tuple(column.type.python_type for column in columns))
        query = query.where(tuple_(*columns) > tuple_(*key(after, kinds)))
    return page(list(connection.execute(query.order_by(*columns).limit(first + 1))), first)


def count(connection: Connection, query: Select[Any]) -> int:
    """How many rows a query has."""
    return int(connection.execute(select(func.count()).select_from(query.subquery())).scalar() or 0)


def place(row: Row[Any], table: Table) -> str:
    """Where a row of such a query is."""
    return cursor(*(getattr(row, column.name) for column in table.primary_key.columns))
