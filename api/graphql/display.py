"""Messages on the screens of stations (OCPP 2.x)."""

from __future__ import annotations

from enum import Enum
from typing import Any

import strawberry

from api.graphql.command import Command, ask, deadline, said
from api.graphql.context import asker
from api.graphql.page import Connection, bounded, connection
from api.graphql.scalar import DateTime, Json, Position
from projections import display as view
from projections.page import cursor


@strawberry.type(description="A message on the screen of a station.")
class DisplayMessage:
    message_id: int = strawberry.field(description="Its id on the station.")
    priority: str | None = strawberry.field(description="AlwaysFront, InFront or NormalCycle.")
    state: str | None = strawberry.field(description="Shown in this state of the station only.")
    content: str | None = strawberry.field(description="What is shown.")
    format: str | None = strawberry.field(description="ASCII, HTML, URI, UTF8, QRCODE.")
    language: str | None = strawberry.field(description="Its language.")
    translations: Json | None = strawberry.field(description="The same in other languages (OCPP 2.1).")
    starts_at: DateTime | None = strawberry.field(description="Shown from then on.")
    ends_at: DateTime | None = strawberry.field(description="Removed by the station then.")
    station_transaction_id: str | None = strawberry.field(
        description="Shown during this transaction of the station, and removed with it."
    )
    display: str | None = strawberry.field(description="The component that shows it, if there are several.")
    evse_id: int | None = strawberry.field(description="The EVSE that shows it.")
    present: bool = strawberry.field(description="It is there: neither removed nor missing in a later whole list.")
    seen_at: DateTime | None = strawberry.field(description="When we last heard that it is there.")
    removed_at: DateTime | None = strawberry.field(description="When it was removed.")
    position: Position = strawberry.field(description="The latest event that changed it.")


SAME = (
    "message_id", "priority", "state", "content", "format", "language", "translations", "starts_at", "ends_at",
    "station_transaction_id", "display", "evse_id", "seen_at", "removed_at", "position",
)  # fmt: skip


def message(row: Any) -> DisplayMessage:
    return DisplayMessage(present=bool(row.present), **{name: getattr(row, name) for name in SAME})


@strawberry.type
class DisplayQuery:
    @strawberry.field(description="Messages on the screen of a station by id.")
    async def display_messages(
        self,
        info: strawberry.Info,
        station_id: strawberry.ID,
        present: bool | None = None,
        first: int | None = 50,
        after: str | None = None,
    ) -> Connection[DisplayMessage]:
        reads, limit = asker(info).reads, bounded(first)
        position = await reads.position("display")
        found = await reads.run(lambda c: view.messages(c, limit, after, station_id, present))
        nodes = [(cursor(row.message_id), message(row)) for row in found.rows]
        return connection(nodes, found.more, position, lambda: reads.run(lambda c: view.count(c, station_id, present)))


@strawberry.enum(description="How important a message is.")
class MessagePriority(Enum):
    ALWAYS_FRONT = strawberry.enum_value("AlwaysFront", description="Alone on the screen.")
    IN_FRONT = strawberry.enum_value("InFront", description="Before the normal ones.")
    NORMAL_CYCLE = strawberry.enum_value("NormalCycle", description="In turn with others.")


@strawberry.enum(description="In which state of the station a message is shown.")
class MessageState(Enum):
    CHARGING = "Charging"
    FAULTED = "Faulted"
    IDLE = "Idle"
    UNAVAILABLE = "Unavailable"
    SUSPENDED = strawberry.enum_value("Suspended", description="Since OCPP 2.1.")
    DISCHARGING = strawberry.enum_value("Discharging", description="Since OCPP 2.1.")


@strawberry.enum(description="How a message is written.")
class MessageFormat(Enum):
    ASCII = "ASCII"
    HTML = "HTML"
    URI = "URI"
    UTF8 = "UTF8"
    QRCODE = strawberry.enum_value("QRCODE", description="Since OCPP 2.1.")


@strawberry.input(description="What is shown, in one language.")
class MessageTextInput:
    content: str = said("The text.")
    format: MessageFormat = said("How it is written.", default=MessageFormat.UTF8)
    language: str | None = said("Its language (RFC 5646), such as fr.", default=None)


@strawberry.input(description="Show a message on a station.")
class SetDisplayMessageInput:
    station_id: strawberry.ID = said("The station.")
    text: MessageTextInput = said("What is shown.")
    priority: MessagePriority = said("How important it is.", default=MessagePriority.NORMAL_CYCLE)
    message_id: int | None = said("In the place of the message of this id; a new id when absent.", default=None)
    state: MessageState | None = said("In this state only.", default=None)
    starts_at: DateTime | None = said("From then on.", default=None)
    ends_at: DateTime | None = said("Until then.", default=None)
    transaction_id: strawberry.ID | None = said("During this transaction.", default=None)
    evse_id: int | None = said("On the screen of this EVSE.", default=None)
    display: str | None = said("On this display component.", default=None)
    translations: list[MessageTextInput] | None = said("The same in other languages (OCPP 2.1).", default=None)
    deadline_seconds: int | None = deadline()


@strawberry.input(description="Have a station tell which messages it shows; all when nothing is chosen.")
class GetDisplayMessagesInput:
    station_id: strawberry.ID = said("The station.")
    message_ids: list[int] | None = said("Of these ids.", default=None)
    priority: MessagePriority | None = said("Of this priority.", default=None)
    state: MessageState | None = said("For this state.", default=None)
    deadline_seconds: int | None = deadline()


@strawberry.input(description="Remove a message from a station.")
class ClearDisplayMessageInput:
    station_id: strawberry.ID = said("The station.")
    message_id: int = said("Its id.")
    deadline_seconds: int | None = deadline()


@strawberry.type
class DisplayMutation:
    @strawberry.mutation(description="Show a message on a station (OCPP 2.x).")
    async def set_display_message(self, info: strawberry.Info, input: SetDisplayMessageInput) -> Command:
        return await ask(info, "setDisplayMessage", input)

    @strawberry.mutation(description="Have a station tell its messages (OCPP 2.x); see displayMessages and reports.")
    async def get_display_messages(self, info: strawberry.Info, input: GetDisplayMessagesInput) -> Command:
        return await ask(info, "getDisplayMessages", input)

    @strawberry.mutation(description="Remove a message from a station (OCPP 2.x).")
    async def clear_display_message(self, info: strawberry.Info, input: ClearDisplayMessageInput) -> Command:
        return await ask(info, "clearDisplayMessage", input)
