"""The history itself, as events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import datetime

import orjson
import strawberry

from api.graphql.context import Asker, asker
from api.graphql.page import Connection, bounded, connection
from api.graphql.scalar import DateTime, Json, Position
from domain.catalog import Recorded


@strawberry.type(description="One fact of the history, as stored.")
class Event:
    position: Position = strawberry.field(description="Its place in the history.")
    stream: strawberry.ID = strawberry.field(description="The stream it belongs to, such as station/CP001.")
    version: int = strawberry.field(description="Its place in that stream, from 1.")
    topic: str = strawberry.field(description="Its public, versioned name.")
    recorded_at: DateTime = strawberry.field(description="When Bornier recorded it.")
    data: Json = strawberry.field(description="The event as stored, cause included.")


def event(recorded: Recorded) -> Event:
    data = orjson.loads(recorded.state)
    return Event(
        position=Position(recorded.position),
        stream=strawberry.ID(recorded.stream),
        version=recorded.version,
        topic=recorded.topic,
        recorded_at=DateTime(datetime.fromisoformat(data["recorded_at"])),
        data=data,
    )


async def page(
    who: Asker, first: int | None, after: int, stream: str | None, topics: list[str] | None
) -> Connection[Event]:
    history, limit = who.parts.history, bounded(first, 100)
    head = await asyncio.to_thread(history.head)
    rows = await asyncio.to_thread(history.read, after, limit + 1, tuple(topics or ()), stream)

    async def count() -> int:
        return await asyncio.to_thread(history.count, tuple(topics or ()), stream)

    nodes = [(str(row.position), event(row)) for row in rows[:limit]]
    return connection(nodes, len(rows) > limit, head, count)


@strawberry.type
class EventQuery:
    @strawberry.field(description="The history after a position, oldest first. A cursor is a position.")
    async def events(
        self,
        info: strawberry.Info,
        first: int | None = 100,
        after: Position | None = Position(0),  # noqa: B008
        stream: strawberry.ID | None = None,
        topics: list[str] | None = None,
    ) -> Connection[Event]:
        return await page(asker(info), first, after or 0, stream, topics)


@strawberry.type
class EventSubscription:
    @strawberry.subscription(description="The history after a position, then as it grows: no gap, no repeat.")
    async def events(
        self,
        info: strawberry.Info,
        after: Position | None = Position(0),  # noqa: B008
        stream: strawberry.ID | None = None,
        topics: list[str] | None = None,
    ) -> AsyncGenerator[Event, None]:
        async for batch in asker(info).parts.history.follow(after or 0, tuple(topics or ()), stream):
            for recorded in batch:
                yield event(recorded)
