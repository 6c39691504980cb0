"""Relay connections: edges, page information, total on demand, and the position the rows reflect."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import strawberry
from graphql import GraphQLError
from sqlalchemy import Column, Select, Table

from api.graphql.context import asker
from api.graphql.scalar import Position
from projections import page as pages
from projections.page import cursor, newest, number_of

LARGEST = 500
T = TypeVar("T")


async def unknown() -> bool:
    return False


@strawberry.type(description="Where a page ends and whether more follow.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="There are more rows after this page.")
    end_cursor: str | None = strawberry.field(description="Give it as `after` to read the next page.")
    start_cursor: str | None = strawberry.field(description="Give it as `before` where a list has `last`.")
    earlier: strawberry.Private[Callable[[], Any]]

    @strawberry.field(description="There are rows before this page; lists that are only read forwards say false.")
    async def has_previous_page(self) -> bool:
        return bool(await self.earlier())


@strawberry.type(description="One row of a page.")
class Edge(Generic[T]):
    cursor: str = strawberry.field(description="Where this row is.")
    node: T = strawberry.field(description="The row.")


@strawberry.type(description="A page of rows.")
class Connection(Generic[T]):
    edges: list[Edge[T]] = strawberry.field(description="The rows of this page.")
    page_info: PageInfo = strawberry.field(description="Where the page ends.")
    position: Position = strawberry.field(description="The place in the history these rows reflect.")
    count: strawberry.Private[Callable[[], Any]]

    @strawberry.field(description="Rows in all; counted only when asked for.")
    async def total_count(self) -> int:
        return int(await self.count())


def connection(
    nodes: list[tuple[str, T]],
    more: bool,
    position: int,
    count: Callable[[], Any],
    earlier: Callable[[], Any] = unknown,
) -> Connection[T]:
    """A page of (cursor, node)."""
    edges = [Edge(cursor=cursor, node=node) for cursor, node in nodes]
    start, end = (edges[0].cursor, edges[-1].cursor) if edges else (None, None)
    info = PageInfo(has_next_page=more, end_cursor=end, start_cursor=start, earlier=earlier)
    return Connection(edges=edges, page_info=info, position=Position(position), count=count)


def bounded(first: int | None, default: int = 50) -> int:
    """How many rows a caller may have at once."""
    first = default if first is None else first
    if not 1 <= first <= LARGEST:
        raise GraphQLError(f"first must be between 1 and {LARGEST}", extensions={"code": "BAD_USER_INPUT"})
    return first


async def listing(
    info: strawberry.Info,
    projection: str,
    column: Column[int],
    first: int | None,
    after: str | None,
    node: Callable[[Any], T],
    **wanted: Any,
) -> Connection[T]:
    """A page of a table, the highest number of a column first; `wanted`: columns that must have a value."""
    reads, limit = asker(info).reads, bounded(first)
    position = await reads.position(projection)
    found = await reads.run(lambda c: newest(c, column, limit, after, **wanted))
    nodes = [(cursor(getattr(row, column.name)), node(row)) for row in found.rows]
    return connection(nodes, found.more, position, lambda: reads.run(lambda c: number_of(c, column, **wanted)))


async def listed(
    info: Any,
    projection: str,
    query: Select[Any],
    table: Table,
    node: Callable[[Any], T],
    first: int | None,
    after: str | None,
) -> Connection[T]:
    """One page of a query over one table, in the order of its key."""
    reads, limit = asker(info).reads, bounded(first)
    position = await reads.position(projection)
    found = await reads.run(lambda c: pages.rows(c, query, table, limit, after))
    nodes = [(pages.place(row, table), node(row)) for row in found.rows]
    return connection(nodes, found.more, position, lambda: reads.run(lambda c: pages.count(c, query)))
