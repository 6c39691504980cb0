"""The history itself, as events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import datetime
from enum import Enum
from functools import partial
from typing import Annotated, Any

import orjson
import strawberry
from graphql import GraphQLError

from api.cause import Causality
from api.graphql.context import Asker, asker
from api.graphql.page import Connection, bounded, connection
from api.graphql.scalar import DateTime, Json, Position
from api.search import END, Question, Search, TooBroad
from domain.catalog import Recorded

TO = "Recorded before."


@strawberry.enum(
    description="Every way into the history: a message of a station, a WebSocket that opened or closed, a command on "
    "its way, an operator, a rule of the system, a one-time address."
)
class CauseKind(Enum):
    OCPP = "ocpp"
    CONNECTION = "connection"
    COMMAND = "command"
    OPERATOR = "operator"
    TIMER = "timer"
    HTTP = "http"


@strawberry.type(description="An OCPP CALL of a station, as received, and the answer we gave.")
class Frame:
    version: str = strawberry.field(description="The version of OCPP.")
    action: str = strawberry.field(description="Its action, such as MeterValues.")
    message_id: str = strawberry.field(description="Its id, as the station chose it.")
    connection_id: str = strawberry.field(description="The connection it came over.")
    payload: Json | None = strawberry.field(description="Its payload, as received.")
    answer: Json | None = strawberry.field(description="Our answer.")


@strawberry.type(description="What made an event happen.")
class Cause:
    by: CauseKind = strawberry.field(description="Which way it came in.")
    message: Frame | None = strawberry.field(description="What the station said (OCPP).")
    command_id: str | None = strawberry.field(description="The command (COMMAND).")
    operator: str | None = strawberry.field(description="Who asked (OPERATOR).")
    rule: str | None = strawberry.field(description="Which rule of the system (TIMER).")
    connection_id: str | None = strawberry.field(description="Which connection (OCPP, CONNECTION).")
    gateway: str | None = strawberry.field(description="At which gateway (CONNECTION).")
    address: str | None = strawberry.field(description="From which address (CONNECTION, HTTP).")


@strawberry.type(description="One fact of the history, as stored.")
class Event:
    position: Position = strawberry.field(description="Its place in the history.")
    stream: strawberry.ID = strawberry.field(description="The stream it belongs to, such as station/CP001.")
    version: int = strawberry.field(description="Its place in that stream, from 1.")
    topic: str = strawberry.field(description="Its public, versioned name.")
    recorded_at: DateTime = strawberry.field(description="When Bornier recorded it.")
    data: Json = strawberry.field(description="The event as stored, cause included.")
    recorded: strawberry.Private[Recorded]

    @strawberry.field(description="What made it happen.")
    def cause(self) -> Cause:
        return cause(self.data["cause"])  # type: ignore[index]

    @strawberry.field(
        description="What led to it, the nearest first: the course of a command back to the operator who asked, the "
        "command behind a charge. Its own OCPP message is in `cause`."
    )
    async def causes(self, info: strawberry.Info, first: int | None = None) -> list[Step]:
        walk, start, limit = walking(info), self.recorded, bounded(first, 50)
        steps = await asyncio.to_thread(lambda: walk.causes(start, limit))
        return [Step(depth=step.depth, led_to=Position(step.led_to), event=event(step.event)) for step in steps]

    @strawberry.field(
        description="What came of it, in the order of the history: the rest of a command, charge, reservation or job "
        "with all that it led to; else what was recorded for the same message."
    )
    async def effects(
        self, info: strawberry.Info, first: int | None = None, after: Position | None = None
    ) -> Connection[Event]:
        walk, start, limit = walking(info), self.recorded, bounded(first, 50)
        position = await asker(info).reads.position("mention")
        found = await asyncio.to_thread(lambda: walk.effects(start, after or 0, limit))
        nodes = [(str(row.position), event(row)) for row in found.events]

        async def count() -> int:
            return await asyncio.to_thread(lambda: sum(1 for _ in walk.forward(start, start.position)))

        return connection(nodes, found.more, position, count)

    @strawberry.field(description="Where its proof is, for docs/verify.py; it is empty until the event is sealed.")
    def proof_path(self) -> str:
        return f"/api/proofs?first={self.position}&last={self.position}"


def event(recorded: Recorded) -> Event:
    data = orjson.loads(recorded.state)
    return Event(
        position=Position(recorded.position),
        stream=strawberry.ID(recorded.stream),
        version=recorded.version,
        topic=recorded.topic,
        recorded_at=DateTime(datetime.fromisoformat(data["recorded_at"])),
        data=data,
        recorded=recorded,
    )


@strawberry.type(description="One step back from an event to what led to it.")
class Step:
    depth: int = strawberry.field(description="How far back, from 1.")
    led_to: Position = strawberry.field(description="The event it led to directly.")
    event: Event = strawberry.field(description="What happened.")


def walking(info: strawberry.Info) -> Causality:
    parts = asker(info).parts
    return Causality(parts.history, parts.engine)


async def events_of(info: strawberry.Info, stream: str, first: int | None, after: int | None) -> Connection[Event]:
    """The events of one stream, for those who may read the history. Raises FORBIDDEN for others."""
    who = asker(info)
    if who.principal is None or not who.principal.may("audit"):
        raise GraphQLError(f"{who.name} may not read the history", extensions={"code": "FORBIDDEN"})
    return await page(who, Question(stream=stream), first, after, None, None)


def cause(told: dict[str, Any]) -> Cause:
    frame = None
    if told["by"] == "ocpp":
        frame = Frame(
            version=told["version"],
            action=told["action"],
            message_id=str(told["message_id"]),
            connection_id=told["connection_id"],
            payload=told.get("payload"),
            answer=told.get("answer"),
        )
    return Cause(
        by=CauseKind(told["by"]),
        message=frame,
        command_id=told.get("command_id"),
        operator=told.get("name"),
        rule=told.get("rule"),
        connection_id=told.get("connection_id"),
        gateway=told.get("gateway"),
        address=told.get("address"),
    )


@strawberry.input(description="What made the events happen that are searched; everything that is said must hold.")
class CauseInput:
    by: CauseKind | None = strawberry.field(default=None, description="Which way they came in.")
    command_id: strawberry.ID | None = strawberry.field(default=None, description="This command: its life included.")
    operator: str | None = strawberry.field(default=None, description="This operator.")
    rule: str | None = strawberry.field(default=None, description="This rule of the system.")
    message_id: str | None = strawberry.field(
        default=None, description="This OCPP message; with a stream, a station or a time, for ids repeat."
    )


async def page(
    who: Asker, question: Question, first: int | None, after: int | None, last: int | None, before: int | None
) -> Connection[Event]:
    """Forwards from `after`, or backwards from `before`; in the order of the history either way."""
    if last is not None and first is not None:
        raise GraphQLError("say first or last, not both", extensions={"code": "BAD_USER_INPUT"})
    search = Search(who.parts.history, who.parts.engine, question)
    backwards, limit = last is not None, bounded(last if last is not None else first, 100)
    low, high = after or 0, before if before is not None else END
    position = await reached(who, question)
    found = await told(partial(search.page, low, high, limit, backwards))
    nodes = [(str(row.position), event(row)) for row in found.events]

    async def beyond(low: int, high: int, descending: bool) -> bool:
        return bool((await told(partial(search.page, low, high, 1, descending))).events)

    async def earlier() -> bool:
        return found.more if backwards else low > 0 and await beyond(0, low + 1, True)

    more = found.more if not backwards else high < END and await beyond(high - 1, END, False)
    return connection(nodes, more, position, lambda: told(search.count), earlier)


async def reached(who: Asker, question: Question) -> int:
    """What the store alone answers is of now; else the read model says how far it is."""
    if question.noted:
        return await who.reads.position("mention")
    return await asyncio.to_thread(who.parts.history.head)


async def told(work: Any) -> Any:
    """In a thread; a question that is too broad is refused in words."""
    try:
        return await asyncio.to_thread(work)
    except TooBroad as error:
        reason = {"code": "TOO_BROAD", "position": error.position}
        raise GraphQLError(str(error), extensions=reason) from None


@strawberry.type
class EventQuery:
    @strawberry.field(
        description="The history: after a position (`first`) or before one (`last`), always in its own order. "
        "A cursor is a position. With more than one condition, all of them must hold."
    )
    async def events(
        self,
        info: strawberry.Info,
        first: int | None = None,
        after: Position | None = Position(0),  # noqa: B008
        last: int | None = None,
        before: Position | None = None,
        stream: strawberry.ID | None = None,
        topics: list[str] | None = None,
        station_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="Whatever concerns this station, in every stream.")
        ] = None,
        badge: Annotated[
            str | None, strawberry.argument(description="Whatever concerns this badge, in every stream.")
        ] = None,
        since: Annotated[DateTime | None, strawberry.argument(name="from", description="Recorded at or after.")] = None,
        to: Annotated[DateTime | None, strawberry.argument(description=TO)] = None,
        occurred_from: Annotated[
            DateTime | None, strawberry.argument(description="At or after, by the clock of the station.")
        ] = None,
        occurred_to: Annotated[
            DateTime | None, strawberry.argument(description="Before, by the clock of the station.")
        ] = None,
        cause: CauseInput | None = None,
    ) -> Connection[Event]:
        why = cause or CauseInput()
        question = Question(
            stream=stream,
            topics=tuple(topics or ()),
            station=station_id,
            badge=badge,
            since=since,
            to=to,
            occurred_since=occurred_from,
            occurred_to=occurred_to,
            by=why.by.value if why.by else None,
            command=why.command_id,
            operator=why.operator,
            rule=why.rule,
            message=why.message_id,
        )
        return await page(asker(info), question, first, after, last, before)

    @strawberry.field(description="The event at a position.")
    async def event(self, info: strawberry.Info, position: Position) -> Event | None:
        found = await asyncio.to_thread(asker(info).parts.history.at, [position])
        return event(found[0]) if found else None


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
