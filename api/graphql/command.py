"""Commands: asking stations to do something, and following what becomes of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from enum import Enum
from types import SimpleNamespace
from typing import Any

import strawberry

from api.graphql.context import Asker, asker
from api.graphql.page import Connection, bounded, connection
from api.graphql.scalar import DateTime, Json, Position
from domain.catalog import CATALOG
from domain.command import stream
from domain.event import Refusal
from projections import command as view
from projections import transaction as transactions
from projections.page import cursor
from projections.projection import fold

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


@strawberry.enum(description="How hard a station restarts (OCPP 2.x: HARD = Immediate, SOFT = OnIdle).")
class ResetKind(Enum):
    HARD = "HARD"
    SOFT = "SOFT"


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


NAMES = (
    "id", "station_id", "action", "parameters", "requested_by", "requested_at", "deadline", "sent_at", "answered_at",
    "answer", "error", "position",
)  # fmt: skip


def command(row: Any) -> Command:
    return Command(status=CommandStatus(row.status), **{name: getattr(row, name) for name in NAMES})


async def just_asked(who: Asker, command_id: str) -> Command | None:
    """A command the read model does not show yet, told by the history: whoever asked may look at once."""
    rows = await asyncio.to_thread(who.parts.history.stream, stream(command_id))
    changes = fold(view.PROJECTION, [(row.position, CATALOG.decode(row.topic, row.state)) for row in rows])
    values = changes.rows("command").get((command_id,))
    blank = dict.fromkeys(view.COMMAND.columns.keys())
    return command(SimpleNamespace(**(blank | values | {"id": command_id}))) if values is not None else None


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


@strawberry.input(description="Start a charge.")
class RemoteStartInput:
    station_id: strawberry.ID = said("The station.")
    badge: str = said("The badge that pays.")
    evse_id: int | None = said("The EVSE (OCPP 1.6: connector); the station chooses when absent.", default=None)
    deadline_seconds: int | None = deadline()


@strawberry.input(description="Stop a charge.")
class RemoteStopInput:
    transaction_id: strawberry.ID = said("Bornier's id of the transaction.")
    deadline_seconds: int | None = deadline()


@strawberry.input(description="Restart a station.")
class ResetInput:
    station_id: strawberry.ID = said("The station.")
    kind: ResetKind = said("How hard.", default=ResetKind.SOFT)
    evse_id: int | None = said("Only this EVSE (OCPP 2.x).", default=None)
    deadline_seconds: int | None = deadline()


@strawberry.input(description="Unlock a cable.")
class UnlockConnectorInput:
    station_id: strawberry.ID = said("The station.")
    evse_id: int = said("The EVSE (OCPP 1.6: connector).")
    connector_id: int | None = said("The connector of that EVSE (OCPP 2.x), 1 when absent.", default=None)
    deadline_seconds: int | None = deadline()


@strawberry.input(description="Take a station, an EVSE or a connector out of service, or back.")
class ChangeAvailabilityInput:
    station_id: strawberry.ID = said("The station.")
    operative: bool = said("True: in service; false: out of service.")
    evse_id: int | None = said("The EVSE; the whole station when absent.", default=None)
    connector_id: int | None = said("The connector of that EVSE (OCPP 2.x).", default=None)
    deadline_seconds: int | None = deadline()


@strawberry.input(description="Ask a station to send a message now.")
class TriggerMessageInput:
    station_id: strawberry.ID = said("The station.")
    message: str = said("The OCPP message, such as StatusNotification.")
    evse_id: int | None = said("About this EVSE.", default=None)
    connector_id: int | None = said("About this connector (OCPP 2.x).", default=None)
    deadline_seconds: int | None = deadline()


@strawberry.input(description="Read configuration keys (OCPP 1.6).")
class GetConfigurationInput:
    station_id: strawberry.ID = said("The station.")
    keys: list[str] | None = said("Which keys; all when absent.", default=None)
    deadline_seconds: int | None = deadline()


@strawberry.input(description="Write a configuration key (OCPP 1.6).")
class ChangeConfigurationInput:
    station_id: strawberry.ID = said("The station.")
    key: str = said("The key.")
    value: str = said("Its new value.")
    deadline_seconds: int | None = deadline()


@strawberry.input(description="A variable of the device model (OCPP 2.x).")
class VariableInput:
    component: str = said("Name of the component.")
    variable: str = said("Name of the variable.")
    component_instance: str | None = said("Instance of the component.", default=None)
    variable_instance: str | None = said("Instance of the variable.", default=None)
    attribute_type: str | None = said("Actual, Target, MinSet or MaxSet; Actual when absent.", default=None)
    evse_id: int | None = said("EVSE of the component.", default=None)
    connector_id: int | None = said("Connector of the component.", default=None)


@strawberry.input(description="A variable and the value it shall have (OCPP 2.x).")
class VariableValueInput(VariableInput):
    value: str = said("The new value.")


@strawberry.input(description="Read variables (OCPP 2.x).")
class GetVariablesInput:
    station_id: strawberry.ID = said("The station.")
    variables: list[VariableInput] = said("Which variables.")
    deadline_seconds: int | None = deadline()


@strawberry.input(description="Write variables (OCPP 2.x).")
class SetVariablesInput:
    station_id: strawberry.ID = said("The station.")
    variables: list[VariableValueInput] = said("Which variables, and their values.")
    deadline_seconds: int | None = deadline()


async def ask(info: strawberry.Info, action: str, wish: Any, station_id: str | None = None) -> Command:
    """Request a command; what the caller left out is not in its parameters."""
    parameters = plain(wish)
    target, wait = parameters.pop("station_id", station_id), parameters.pop("deadline_seconds", None)
    who = asker(info)
    command_id, event, refusal = await who.parts.orders.request(target, action, parameters, who.name, wait)
    return Command(
        id=strawberry.ID(command_id),
        station_id=strawberry.ID(event.station_id),
        action=action,
        parameters=parameters,
        status=CommandStatus.REQUESTED if refusal is None else CommandStatus.REJECTED,
        requested_by=event.requested_by,
        requested_at=DateTime(event.recorded_at),
        deadline=DateTime(event.deadline),
        sent_at=None,
        answered_at=None,
        answer=None,
        error=refusal,
        position=Position(0),
    )


def plain(wish: Any) -> Any:
    """An input as JSON."""
    if isinstance(wish, Enum):
        return wish.value
    if isinstance(wish, list):
        return [plain(item) for item in wish]
    if hasattr(wish, "__strawberry_definition__"):
        return {name: plain(value) for name, value in vars(wish).items() if value is not None}
    return wish


async def station_of(info: strawberry.Info, transaction_id: str) -> str:
    rows = await asker(info).reads.run(lambda c: transactions.by_id(c, [transaction_id]))
    if transaction_id not in rows:
        raise Refusal(f"there is no transaction {transaction_id}")
    return str(rows[transaction_id].station_id)


@strawberry.type
class CommandMutation:
    @strawberry.mutation(description="Start a charge with a badge.")
    async def remote_start(self, info: strawberry.Info, input: RemoteStartInput) -> Command:
        return await ask(info, "remoteStart", input)

    @strawberry.mutation(description="Stop a running charge.")
    async def remote_stop(self, info: strawberry.Info, input: RemoteStopInput) -> Command:
        return await ask(info, "remoteStop", input, await station_of(info, input.transaction_id))

    @strawberry.mutation(description="Restart a station.")
    async def reset(self, info: strawberry.Info, input: ResetInput) -> Command:
        return await ask(info, "reset", input)

    @strawberry.mutation(description="Unlock a stuck cable.")
    async def unlock_connector(self, info: strawberry.Info, input: UnlockConnectorInput) -> Command:
        return await ask(info, "unlockConnector", input)

    @strawberry.mutation(description="Take something out of service, or back.")
    async def change_availability(
        self,
        info: strawberry.Info,
        input: ChangeAvailabilityInput,
    ) -> Command:
        return await ask(info, "changeAvailability", input)

    @strawberry.mutation(description="Ask a station to send a message now.")
    async def trigger_message(self, info: strawberry.Info, input: TriggerMessageInput) -> Command:
        return await ask(info, "triggerMessage", input)

    @strawberry.mutation(description="Read configuration keys (OCPP 1.6).")
    async def get_configuration(self, info: strawberry.Info, input: GetConfigurationInput) -> Command:
        return await ask(info, "getConfiguration", input)

    @strawberry.mutation(description="Write a configuration key (OCPP 1.6).")
    async def change_configuration(
        self,
        info: strawberry.Info,
        input: ChangeConfigurationInput,
    ) -> Command:
        return await ask(info, "changeConfiguration", input)

    @strawberry.mutation(description="Read variables of the device model (OCPP 2.x).")
    async def get_variables(self, info: strawberry.Info, input: GetVariablesInput) -> Command:
        return await ask(info, "getVariables", input)

    @strawberry.mutation(description="Write variables of the device model (OCPP 2.x).")
    async def set_variables(self, info: strawberry.Info, input: SetVariablesInput) -> Command:
        return await ask(info, "setVariables", input)
