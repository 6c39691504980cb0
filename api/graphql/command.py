"""Commands: asking stations to do something, and following what becomes of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import strawberry
from graphql import GraphQLError

from api.graphql.answer import result
from api.graphql.context import Asker, asker
from api.graphql.event import Event, events_of
from api.graphql.page import Connection, bounded, connection
from api.graphql.result import CommandResult
from api.graphql.scalar import DateTime, Json, Position
from api.graphql.transaction import Transaction, transaction
from domain.command import Command as Aggregate
from domain.command import stream
from projections import command as view
from projections import transaction as charge
from projections.page import cursor

TOPICS = tuple(view.PROJECTION.topics)


@strawberry.enum(description="Where a command is in its life; all but the first two are final.")
class CommandStatus(Enum):
    REQUESTED = "REQUESTED"
    SENT = "SENT"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    EXPIRED = "EXPIRED"


@strawberry.type(description="What somebody asked of a station, and what became of it.")
class Command:
    id: strawberry.ID = strawberry.field(description="Its id.")
    station_id: strawberry.ID = strawberry.field(description="The station it is for.")
    action: str = strawberry.field(description="What was asked: the name of the mutation.")
    parameters: Json = strawberry.field(description="With which parameters.")
    status: CommandStatus = strawberry.field(description="Where it is.")
    requested_by: str = strawberry.field(description="Who asked.")
    requested_at: DateTime = strawberry.field(description="When.")
    deadline: DateTime = strawberry.field(description="When it expires if it could not be sent.")
    sent_at: DateTime | None = strawberry.field(description="When it went out to the station.")
    answered_at: DateTime | None = strawberry.field(description="When the station answered.")
    answer: Json | None = strawberry.field(description="The station's answer, as it said it.")
    error: str | None = strawberry.field(description="Why it was not accepted, in words.")
    position: Position = strawberry.field(description="The latest event that changed it; 0 right after asking.")

    given_up_at: DateTime | None = strawberry.field(
        description="When an accepted remote start was given up, because no charge had begun in time."
    )
    transaction_id: strawberry.Private[str | None] = None

    @strawberry.field(description="The transaction that a remote start led to; null while there is none.")
    async def transaction(self, info: strawberry.Info) -> Transaction | None:
        known = self.transaction_id
        if known is None:
            return None
        row = (await asker(info).reads.run(lambda c: charge.by_id(c, [known]))).get(known)
        return transaction(row) if row is not None and row.started_at is not None else None

    @strawberry.field(description="Its events, each with the OCPP message behind it; for auditors.")
    async def events(
        self, info: strawberry.Info, first: int | None = None, after: Position | None = None
    ) -> Connection[Event]:
        return await events_of(info, stream(self.id), first, after)

    @strawberry.field(description="The station's answer in one shape for all versions; null while there is none.")
    def result(self) -> CommandResult | None:
        return result(self.action, self.answer)


NAMES = (
    "id", "station_id", "action", "parameters", "requested_by", "requested_at", "deadline", "sent_at", "answered_at",
    "answer", "error", "position", "given_up_at", "transaction_id",
)  # fmt: skip


def command(row: Any) -> Command:
    return Command(status=CommandStatus(row.status), **{name: getattr(row, name) for name in NAMES})


async def just_asked(who: Asker, command_id: str) -> Command | None:
    """A command the read model does not show yet, told by the history: whoever asked may look at once."""
    row = await who.reads.retold(view.PROJECTION, view.COMMAND, stream(command_id))
    return command(row) if row is not None else None


@strawberry.type
class CommandQuery:
    @strawberry.field(description="One command.")
    async def command(self, info: strawberry.Info, id: strawberry.ID) -> Command | None:
        row = (await asker(info).reads.run(lambda c: view.by_id(c, [id]))).get(id)
        return command(row) if row is not None else await just_asked(asker(info), id)

    @strawberry.field(description="Commands, the newest first.")
    async def commands(
        self,
        info: strawberry.Info,
        first: int | None = 50,
        after: str | None = None,
        station_id: strawberry.ID | None = None,
        status: CommandStatus | None = None,
    ) -> Connection[Command]:
        reads, limit = asker(info).reads, bounded(first)
        wanted = (station_id, status.value if status else None)
        position = await reads.position("command")
        found = await reads.run(lambda c: view.commands(c, limit, after, *wanted))
        nodes = [(cursor(row.requested_at, row.id), command(row)) for row in found.rows]
        return connection(nodes, found.more, position, lambda: reads.run(lambda c: view.count(c, *wanted)))


@strawberry.type
class CommandSubscription:
    @strawberry.subscription(description="A command whenever it changes, from a position on.")
    async def command_changed(
        self,
        info: strawberry.Info,
        id: strawberry.ID | None = None,
        after: Position | None = None,
    ) -> AsyncGenerator[Command, None]:
        who = asker(info)
        history = who.parts.history
        start = after if after is not None else await asyncio.to_thread(history.head)
        async for batch in history.follow(start, TOPICS, f"command/{id}" if id is not None else None):
            await who.reads.caught_up("command", batch[-1].position)
            ids = list(dict.fromkeys(row.stream.removeprefix("command/") for row in batch))
            rows = await who.reads.run(lambda c, ids=ids: view.by_id(c, ids))  # type: ignore[misc]
            for row in (rows[found] for found in ids if found in rows):
                yield command(row)


DEADLINE = "How long it may wait for the station, in seconds; the setting BORNIER_COMMAND_DEADLINE_S when absent."


def deadline() -> Any:
    return strawberry.field(default=None, description=DEADLINE)


def said(description: str, **default: Any) -> Any:
    return strawberry.field(description=description, **default)


async def ask(info: strawberry.Info, action: str, wish: Any, station_id: str | None = None, **more: Any) -> Command:
    """Request a command; what the caller left out is not in its parameters, what we know of it (`more`) is."""
    parameters = plain(wish) | more
    target, wait = parameters.pop("station_id", station_id), parameters.pop("deadline_seconds", None)
    who = asker(info)
    return requested(*await who.parts.orders.request(target, action, parameters, who.name, wait))


def requested(command_id: str, event: Aggregate.Requested, refusal: str | None) -> Command:
    """A command that has just been asked for."""
    return Command(
        id=strawberry.ID(command_id),
        station_id=strawberry.ID(event.station_id),
        action=event.action,
        parameters=Json(view.shown(event.parameters)),
        status=CommandStatus.REQUESTED if refusal is None else CommandStatus.REJECTED,
        requested_by=event.requested_by,
        requested_at=DateTime(event.recorded_at),
        deadline=DateTime(event.deadline),
        sent_at=None,
        answered_at=None,
        answer=None,
        error=refusal,
        given_up_at=None,
        position=Position(0),
    )


def plain(wish: Any) -> Any:
    """An input as JSON."""
    if isinstance(wish, Enum):
        return wish.value
    if isinstance(wish, Decimal):
        return str(wish)
    if isinstance(wish, datetime):
        return wish.isoformat()
    if isinstance(wish, list):
        return [plain(item) for item in wish]
    if hasattr(wish, "__strawberry_definition__"):
        return {name: plain(value) for name, value in vars(wish).items() if value is not None}
    return wish


@strawberry.input(description="Send any message of the station's OCPP version, written by hand.")
class SendMessageInput:
    station_id: strawberry.ID = said("The station.")
    action: str = said("The action, such as ClearCache.")
    payload: Json = said("The payload: a JSON object. Passwords are refused, for commands are kept.")
    unchecked: bool = said(
        "Send it even if the schema of the version does not know it; for administrators only.", default=False
    )
    deadline_seconds: int | None = deadline()


@strawberry.type
class CommandMutation:
    @strawberry.mutation(description="Send any message of the station's OCPP version; its answer is in the command.")
    async def send_message(self, info: strawberry.Info, input: SendMessageInput) -> Command:
        principal = asker(info).principal
        if input.unchecked and not (principal and principal.may("unchecked")):
            raise GraphQLError("only an administrator may send unchecked", extensions={"code": "FORBIDDEN"})
        return await ask(info, "sendMessage", input)
