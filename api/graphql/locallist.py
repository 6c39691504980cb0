"""Local lists: which badges stations know by themselves, in which version, and bringing them in step."""

from __future__ import annotations

from enum import Enum
from typing import Any

import strawberry

from api.graphql.command import Command, ask, deadline, requested, said
from api.graphql.context import Asker, asker
from api.graphql.page import Connection, bounded, connection
from api.graphql.scalar import DateTime, Position
from domain.event import Operator
from domain.locallist import Limits, stream
from projections import locallist as view
from projections.page import cursor


@strawberry.enum(description="Where the local list of a station is; SYNCHRONISED and ABANDONED end a synchronisation.")
class LocalListStatus(Enum):
    REQUESTED = "REQUESTED"
    SENDING = "SENDING"
    INSTALLED = "INSTALLED"
    REFUSED = "REFUSED"
    SYNCHRONISED = "SYNCHRONISED"
    ABANDONED = "ABANDONED"


@strawberry.type(description="The local authorization list of a station, as far as we know.")
class LocalList:
    station_id: strawberry.ID = strawberry.field(description="The station.")
    version: int | None = strawberry.field(
        description="The version it has: 0 for no list, -1 for a station without lists (OCPP 1.6); null while unknown."
    )
    status: LocalListStatus | None = strawberry.field(description="Where it is; null before the first message.")
    error: str | None = strawberry.field(description="Why the station did not take it, in words.")
    automatic: bool | None = strawberry.field(
        description="Kept in step when badges change; null: as the setting BORNIER_LOCAL_LISTS says."
    )
    entries: int | None = strawberry.field(description="How many badges were on it when it was last in step.")
    left: int | None = strawberry.field(description="How many entries are left for later messages.")
    command_id: strawberry.ID | None = strawberry.field(description="The command that carries the latest message.")
    job_id: strawberry.ID | None = strawberry.field(description="The job of the latest synchronisation.")
    requested_at: DateTime | None = strawberry.field(description="When a synchronisation was last asked for.")
    changed_at: DateTime = strawberry.field(description="When something last happened to it.")
    position: Position = strawberry.field(description="The latest event that changed it.")


NAMES = (
    "station_id", "version", "error", "automatic", "entries", "left", "command_id", "job_id", "requested_at",
    "changed_at", "position",
)  # fmt: skip


def local_list(row: Any) -> LocalList:
    status = LocalListStatus(row.status) if row.status else None
    return LocalList(status=status, **{name: getattr(row, name) for name in NAMES})


async def told(who: Asker, station_id: str) -> LocalList:
    """A local list as the history tells it: whoever asked for something sees it at once."""
    return local_list(await who.reads.retold(view.PROJECTION, view.LIST, stream(station_id)))


@strawberry.type
class LocalListQuery:
    @strawberry.field(description="Local lists of stations, in the order of the stations.")
    async def local_lists(
        self,
        info: strawberry.Info,
        first: int | None = 50,
        after: str | None = None,
        station_id: strawberry.ID | None = None,
    ) -> Connection[LocalList]:
        reads, limit = asker(info).reads, bounded(first)
        position = await reads.position("locallist")
        found = await reads.run(lambda c: view.lists(c, limit, after, station_id))
        nodes = [(cursor(row.station_id), local_list(row)) for row in found.rows]
        return connection(nodes, found.more, position, lambda: reads.run(lambda c: view.count(c, station_id)))


@strawberry.input(description="Send one message with badges for the local list of a station.")
class SendLocalListInput:
    station_id: strawberry.ID = said("The station.")
    full: bool = said("Replace the list, instead of changing it.", default=False)
    badges: list[str] | None = said("Badges to put on it, each as the policy judges it there now.", default=None)
    all: bool = said("Every registered badge that may charge there, instead of `badges`.", default=False)
    remove: list[str] | None = said("Badges to take off it; not with `full`.", default=None)
    version: int | None = said("The version of the list afterwards; the next one when absent.", default=None)
    deadline_seconds: int | None = deadline()


@strawberry.input(description="Bring the local list of a station in step with the badges, in one message or many.")
class SyncLocalListInput:
    station_id: strawberry.ID = said("The station.")
    full: bool = said("From scratch, whatever we believe is on it.", default=False)
    max_items: int | None = said("Entries in one message; what the station has said when absent.", default=None)
    max_bytes: int | None = said("Bytes in one message; what the station has said when absent.", default=None)
    max_entries: int | None = said("Entries on the list; what the station has said when absent.", default=None)
    deadline_seconds: int | None = said("How long each message may wait for the station, in seconds.", default=None)


@strawberry.input(description="Keep the local list of a station in step whenever badges change, or no longer.")
class KeepLocalListInput:
    station_id: strawberry.ID = said("The station.")
    automatic: bool = said("Keep it in step.", default=True)


@strawberry.input(description="Ask a station for the version of its local list.")
class GetLocalListVersionInput:
    station_id: strawberry.ID = said("The station.")
    deadline_seconds: int | None = deadline()


@strawberry.type
class LocalListMutation:
    @strawberry.mutation(description="Send one message for the local list of a station: a full list or a change.")
    async def send_local_list(self, info: strawberry.Info, input: SendLocalListInput) -> Command:
        who, badges = asker(info), None if input.all else input.badges or []
        sent = await who.parts.lists.send(
            input.station_id, input.full, badges, input.remove or [], input.version, input.deadline_seconds, who.name
        )
        return requested(*sent, None)

    @strawberry.mutation(description="Bring a local list in step: full or differential, in parts, again if refused.")
    async def sync_local_list(self, info: strawberry.Info, input: SyncLocalListInput) -> LocalList:
        who = asker(info)
        limits = Limits(items=input.max_items, size_bytes=input.max_bytes, entries=input.max_entries)
        await who.parts.lists.request(
            input.station_id, input.full, input.deadline_seconds, limits, who.name, Operator(name=who.name)
        )
        return await told(who, input.station_id)

    @strawberry.mutation(description="Keep a local list in step by itself from now on, or no longer.")
    async def keep_local_list(self, info: strawberry.Info, input: KeepLocalListInput) -> LocalList:
        who = asker(info)
        await who.parts.lists.automate(input.station_id, input.automatic, Operator(name=who.name))
        return await told(who, input.station_id)

    @strawberry.mutation(description="Ask a station which version of the local list it has: 0 means none.")
    async def get_local_list_version(self, info: strawberry.Info, input: GetLocalListVersionInput) -> Command:
        return await ask(info, "getLocalListVersion", input)
