"""Stations and their connectors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from enum import Enum
from types import SimpleNamespace
from typing import Any

import strawberry

from api.graphql.command import Command, ask, deadline, said
from api.graphql.context import Asker, asker
from api.graphql.page import Connection, bounded, connection
from api.graphql.scalar import DateTime, Json, Position
from api.graphql.transaction import Transaction, transactions_page
from domain.catalog import CATALOG, Recorded
from domain.event import Event
from domain.station import Station as StationAggregate
from domain.station import stream
from domain.transaction import stream as transaction_stream
from projections import station as view
from projections import transaction as history
from projections.page import cursor
from projections.projection import fold

TOPICS = tuple(view.PROJECTION.topics)


@strawberry.enum(description="OCPP versions that Bornier speaks.")
class OcppVersion(Enum):
    OCPP16 = "1.6"
    OCPP201 = "2.0.1"
    OCPP21 = "2.1"


@strawberry.enum(description="What a connector is doing, whatever the OCPP version.")
class ConnectorStatus(Enum):
    AVAILABLE = "AVAILABLE"
    PREPARING = "PREPARING"
    CHARGING = "CHARGING"
    SUSPENDED_EV = "SUSPENDED_EV"
    SUSPENDED_EVSE = "SUSPENDED_EVSE"
    FINISHING = "FINISHING"
    OCCUPIED = "OCCUPIED"
    RESERVED = "RESERVED"
    UNAVAILABLE = "UNAVAILABLE"
    FAULTED = "FAULTED"


@strawberry.type(description="One plug of a station.")
class Connector:
    evse_id: int = strawberry.field(description="The EVSE; in OCPP 1.6 the connector's own number.")
    connector_id: int = strawberry.field(description="As the station numbers it; 0: it did not say which.")
    status: ConnectorStatus = strawberry.field(description="What it is doing.")
    error_code: str | None = strawberry.field(description="The station's error code, if it reports one.")
    reason: str | None = strawberry.field(description="What else the station says of it.")
    since: DateTime = strawberry.field(description="Since when, by the station's clock.")


@strawberry.type(description="A rule of OCPP that a station does not keep to; it is understood nevertheless.")
class Quirk:
    rule: str = strawberry.field(description="The lenient rule that was needed (docs/tolerance.md).")
    first_seen_at: DateTime = strawberry.field(description="When it was needed first.")


@strawberry.type(description="A charging station.")
class Station:
    id: strawberry.ID = strawberry.field(description="The last segment of its WebSocket address.")
    vendor: str | None = strawberry.field(description="Who made it.")
    model: str | None = strawberry.field(description="Its model.")
    serial_number: str | None = strawberry.field(description="Its serial number.")
    firmware_version: str | None = strawberry.field(description="Its firmware.")
    ocpp_version: OcppVersion | None = strawberry.field(description="The OCPP version of its latest connection.")
    connected: bool = strawberry.field(description="Its WebSocket is open.")
    last_seen_at: DateTime | None = strawberry.field(description="When it last said anything.")
    booted_at: DateTime | None = strawberry.field(description="When it last booted.")
    boot_status: str | None = strawberry.field(description="What we answered: Accepted, Pending or Rejected.")
    registered: bool = strawberry.field(description="An operator has made it known.")
    site: str | None = strawberry.field(description="The site it belongs to.")
    status: ConnectorStatus | None = strawberry.field(description="What the station says of itself as a whole.")
    error_code: str | None = strawberry.field(description="The error code of the station as a whole.")
    position: Position = strawberry.field(description="The latest event that changed it.")
    known: strawberry.Private[list[Any] | None] = None
    moment: strawberry.Private[datetime | None] = None

    @strawberry.field(description="Its connectors, by EVSE and number.")
    async def connectors(self, info: strawberry.Info) -> list[Connector]:
        rows = self.known if self.known is not None else await asker(info).reads.connectors.load(self.id)
        return [connector(row, activity) for row, activity in view.plugs(rows)]

    @strawberry.field(description="The rules of OCPP that it does not keep to, as far as we have seen.")
    async def quirks(self, info: strawberry.Info) -> list[Quirk]:
        rows = await asker(info).reads.quirks.load(self.id)
        return [Quirk(rule=row.rule, first_seen_at=row.first_seen_at) for row in rows]

    @strawberry.field(description="Its transactions, the newest start first.")
    async def transactions(
        self, info: strawberry.Info, first: int | None = 10, after: str | None = None
    ) -> Connection[Transaction]:
        reads, limit = asker(info).reads, bounded(first, 10)
        if after is None and self.moment is None:
            found = await reads.transactions.load((self.id, limit))
        else:
            found = await reads.run(lambda c: history.transactions(c, limit, after, self.id, until=self.moment))
        return transactions_page(
            found, self.position, lambda: reads.run(lambda c: history.count(c, self.id, until=self.moment))
        )


def connector(row: Any, said: Any) -> Connector:
    """What the station said; where it only said "occupied", what its transaction says."""
    active = said.activity is not None and row.status in (None, "OCCUPIED")
    return Connector(
        evse_id=row.evse_id,
        connector_id=row.connector_id,
        status=ConnectorStatus(said.activity if active else row.status or "AVAILABLE"),
        error_code=row.error_code,
        reason=row.reason,
        since=said.activity_at if active or row.status_at is None else row.status_at,
    )


def station(row: Any, known: list[Any] | None = None, moment: datetime | None = None) -> Station:
    return Station(
        id=row.id,
        vendor=row.vendor,
        model=row.model,
        serial_number=row.serial_number,
        firmware_version=row.firmware_version,
        ocpp_version=OcppVersion(row.ocpp_version) if row.ocpp_version else None,
        connected=bool(row.connected),
        last_seen_at=row.last_seen_at,
        booted_at=row.booted_at,
        boot_status=row.boot_status,
        registered=bool(row.registered),
        site=row.site,
        status=ConnectorStatus(row.status) if row.status else None,
        error_code=row.error_code,
        position=Position(row.position or 0),
        known=known,
        moment=moment,
    )


async def past(who: Asker, station_id: str, moment: datetime) -> Station | None:
    """The station as the history knew it then: only events recorded by that time, its transactions' included."""
    rows = await who.reads.told(stream(station_id))
    events = recorded_by(rows, moment)
    for _, event in list(events):
        if isinstance(event, StationAggregate.TransactionOpened):
            more = await who.reads.told(transaction_stream(event.transaction_id))
            events += recorded_by(more, moment)
    changes = fold(view.PROJECTION, sorted(events, key=lambda pair: pair[0]))
    values = changes.rows("station").get((station_id,))
    if values is None:
        return None
    blank = dict.fromkeys(column.name for column in view.STATION.columns)
    empty = dict.fromkeys(column.name for column in view.CONNECTOR.columns)
    connectors = [
        SimpleNamespace(**(empty | {"station_id": key[0], "evse_id": key[1], "connector_id": key[2]} | values))
        for key, values in sorted(changes.rows("connector").items())
    ]
    return station(SimpleNamespace(**(blank | {"id": station_id} | values)), connectors, moment)


def recorded_by(rows: Any, moment: datetime) -> list[tuple[int, Event]]:
    def decoded(row: Recorded) -> tuple[int, Event]:
        return row.position, CATALOG.decode(row.topic, row.state)

    return [pair for pair in map(decoded, rows) if pair[1].recorded_at <= moment]


@strawberry.type
class StationQuery:
    @strawberry.field(description="One station, now or as the history knew it at a time.")
    async def station(
        self,
        info: strawberry.Info,
        id: strawberry.ID,
        as_of: DateTime | None = None,
    ) -> Station | None:
        who = asker(info)
        if as_of is not None:
            return await past(who, id, as_of)
        row = (await who.reads.run(lambda c: view.by_id(c, [id]))).get(id)
        return station(row) if row is not None else await past(who, id, datetime.now(UTC))

    @strawberry.field(description="Stations by id.")
    async def stations(
        self,
        info: strawberry.Info,
        first: int | None = 50,
        after: str | None = None,
        search: str | None = None,
        site: strawberry.ID | None = None,
        connected: bool | None = None,
    ) -> Connection[Station]:
        reads, limit = asker(info).reads, bounded(first)
        wanted = (search, site, connected)
        position = await reads.position("station")
        found = await reads.run(lambda c: view.stations(c, limit, after, *wanted))
        nodes = [(cursor(row.id), station(row)) for row in found.rows]
        return connection(nodes, found.more, position, lambda: reads.run(lambda c: view.count(c, *wanted)))


@strawberry.type
class StationSubscription:
    @strawberry.subscription(description="A station whenever it changes, from a position on.")
    async def station_changed(
        self,
        info: strawberry.Info,
        id: strawberry.ID | None = None,
        after: Position | None = None,
    ) -> AsyncGenerator[Station, None]:
        who = asker(info)
        start = after if after is not None else await asyncio.to_thread(who.parts.history.head)
        async for batch in who.parts.history.follow(start, TOPICS):
            await who.reads.caught_up("station", batch[-1].position)
            ids = [found for found in dict.fromkeys(station_of(row) for row in batch) if id in (None, found)]
            rows = await who.reads.run(lambda c, ids=ids: view.by_id(c, ids))  # type: ignore[misc]
            for found in ids:
                if found in rows:
                    yield station(rows[found])


def station_of(row: Recorded) -> str:
    """The station an event is about: its stream says so, or the event of its transaction does."""
    if row.stream.startswith("station/"):
        return row.stream.removeprefix("station/")
    return str(getattr(CATALOG.decode(row.topic, row.state), "station_id", ""))


@strawberry.enum(description="How hard a station restarts (OCPP 2.x: HARD = Immediate, SOFT = OnIdle).")
class ResetKind(Enum):
    HARD = "HARD"
    SOFT = "SOFT"
    IMMEDIATE_AND_RESUME = strawberry.enum_value(
        "IMMEDIATE_AND_RESUME", description="At once, and go on with the transactions afterwards (OCPP 2.1)."
    )


@strawberry.input(description="Restart a station.")
class ResetInput:
    station_id: strawberry.ID = said("The station.")
    kind: ResetKind = said("How hard.", default=ResetKind.SOFT)
    evse_id: int | None = said("Only this EVSE (OCPP 2.x).", default=None)
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
    evse_id: int | None = said("About this EVSE (OCPP 1.6: connector).", default=None)
    connector_id: int | None = said("About this connector of the EVSE (OCPP 2.x).", default=None)
    extended: bool = said("Use ExtendedTriggerMessage where TriggerMessage would do (OCPP 1.6).", default=False)
    custom_trigger: str | None = said("The vendor's name of a CustomTrigger (OCPP 2.1).", default=None)
    deadline_seconds: int | None = deadline()


@strawberry.input(description="Send a vendor's own message to a station.")
class DataTransferInput:
    station_id: strawberry.ID = said("The station.")
    vendor_id: str = said("The vendor, such as com.example.")
    message_id: str | None = said("Which of the vendor's messages.", default=None)
    data: Json | None = said("Its content: any JSON; a station of OCPP 1.6 gets it as text.", default=None)
    deadline_seconds: int | None = deadline()


@strawberry.input(description="How a station reaches the mobile network.")
class AccessPointInput:
    name: str = said("The name of the access point (APN).")
    authentication: str = said("NONE, PAP, CHAP or AUTO.", default="AUTO")
    user: str | None = said("Who the station is there.", default=None)
    preferred_network: str | None = said("The operator's network it prefers (MCC and MNC).", default=None)
    only_preferred_network: bool | None = said("Never use another one.", default=None)


@strawberry.input(
    description="Where a station finds its CSMS (OCPP 2.x). Passwords, PINs and the keys of a VPN have no place here: "
    "what is sent is kept for ever in the history, so a station has to be given them on site."
)
class SetNetworkProfileInput:
    station_id: strawberry.ID = said("The station.")
    slot: int = said("Which profile of the station to overwrite.")
    url: str = said("The address of the CSMS, without the station's id.")
    security_profile: int = said("0 to 3: none, password, TLS with password, TLS with certificates.")
    interface: str = said("Wired0 to Wired3, Wireless0 to Wireless3; OCPP 2.1 also Any.", default="Wired0")
    message_timeout_s: int = said("How long the station waits for an answer, in seconds.", default=30)
    ocpp_version: str | None = said("OCPP16, OCPP201 or OCPP21; that of the specification when absent.", default=None)
    identity: str | None = said("Who the station is there, if not by its usual id (OCPP 2.1).", default=None)
    apn: AccessPointInput | None = said("The access point of a mobile network.", default=None)
    deadline_seconds: int | None = deadline()


@strawberry.type
class StationMutation:
    @strawberry.mutation(description="Restart a station.")
    async def reset(self, info: strawberry.Info, input: ResetInput) -> Command:
        return await ask(info, "reset", input)

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

    @strawberry.mutation(description="Send a vendor's own message.")
    async def data_transfer(self, info: strawberry.Info, input: DataTransferInput) -> Command:
        return await ask(info, "dataTransfer", input)

    @strawberry.mutation(description="Tell a station where its CSMS is (OCPP 2.x).")
    async def set_network_profile(self, info: strawberry.Info, input: SetNetworkProfileInput) -> Command:
        return await ask(info, "setNetworkProfile", input)
