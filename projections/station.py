"""Live stations: what is out there, is it connected, what is each connector doing?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Connection, Index, Integer, Row, Table, Text, func, or_, select

from domain.event import Event, Message
from domain.station import Station
from domain.transaction import Transaction
from projections.change import Changes
from projections.page import Page, key, page
from projections.projection import Projection
from projections.table import METADATA, UtcTime

STATION = Table(
    "station",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("site", Text),
    Column("registered", Boolean),
    Column("vendor", Text),
    Column("model", Text),
    Column("serial_number", Text),
    Column("firmware_version", Text),
    Column("iccid", Text),
    Column("imsi", Text),
    Column("meter_type", Text),
    Column("meter_serial_number", Text),
    Column("ocpp_version", Text),
    Column("connected", Boolean),
    Column("connection_id", Text),
    Column("gateway", Text),
    Column("address", Text),
    Column("last_seen_at", UtcTime),
    Column("booted_at", UtcTime),
    Column("boot_status", Text),
    Column("status", Text),
    Column("error_code", Text),
    Column("status_at", UtcTime),
    Column("position", BigInteger),
    Index("station_by_site", "site", "id"),
)
CONNECTOR = Table(
    "connector",
    METADATA,
    Column("station_id", Text, primary_key=True),
    Column("evse_id", Integer, primary_key=True),
    Column("connector_id", Integer, primary_key=True),
    Column("status", Text),
    Column("status_at", UtcTime),
    Column("error_code", Text),
    Column("reason", Text),
    Column("activity", Text),
    Column("activity_at", UtcTime),
)
LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)
ACTIVITY = {
    "CHARGING": "CHARGING",
    "SUSPENDED_EV": "SUSPENDED_EV",
    "SUSPENDED_EVSE": "SUSPENDED_EVSE",
    "EV_CONNECTED": "OCCUPIED",
    "IDLE": "OCCUPIED",
}


def registered(changes: Changes, event: Station.Registered, position: int) -> None:
    put(changes, event, position, registered=True, site=event.site)


def connected(changes: Changes, event: Station.Connected, position: int) -> None:
    put(
        changes,
        event,
        position,
        connected=True,
        connection_id=event.connection_id,
        gateway=event.gateway,
        ocpp_version=event.ocpp_version,
        address=event.address,
        last_seen_at=event.recorded_at,
    )


def disconnected(changes: Changes, event: Station.Disconnected, position: int) -> None:
    put(changes, event, position, connected=False, connection_id=None)


def booted(changes: Changes, event: Station.Booted, position: int) -> None:
    said = {
        name: getattr(event, name)
        for name in ("vendor", "model", "serial_number", "firmware_version", "iccid", "imsi", "meter_type")
    }
    put(
        changes,
        event,
        position,
        **said,
        meter_serial_number=event.meter_serial_number,
        booted_at=event.recorded_at,
        boot_status=event.status,
        last_seen_at=event.recorded_at,
    )


def status_reported(changes: Changes, event: Station.StatusReported, position: int) -> None:
    heard(changes, event, position)
    at = min(event.occurred_at, event.recorded_at)  # a clock that is ahead must not outlast what comes later
    if event.evse_id == 0:
        changes.newest(
            "station",
            (station_of(event),),
            "status_at",
            at,
            status=event.status,
            error_code=event.error_code,
        )
        return
    changes.newest(
        "connector",
        (station_of(event), event.evse_id, event.connector_id),
        "status_at",
        at,
        status=event.status,
        error_code=event.error_code,
        reason=event.reason,
    )


def heard(changes: Changes, event: Event, position: int) -> None:
    """The station said something: it is alive."""
    if isinstance(event.cause, Message):
        put(changes, event, position, last_seen_at=event.recorded_at)


def metered(changes: Changes, event: Transaction.Metered, position: int) -> None:
    changes.put("station", (event.station_id,), last_seen_at=event.recorded_at, position=position)


def charging_state(changes: Changes, event: Transaction.ChargingStateReported, position: int) -> None:
    """What was so while the station was offline is not what is now."""
    if not event.offline:
        act(changes, event, ACTIVITY[event.state])


def ended(
    changes: Changes, event: Transaction.Ended | Transaction.Superseded | Transaction.Closed, position: int
) -> None:
    """No energy flows any more; what the connector does next, the station will say."""
    act(changes, event, None)


def act(changes: Changes, event: Any, activity: str | None) -> None:
    """Said of the connector, or of the EVSE as a whole (connector 0) where the station did not say which."""
    if event.evse_id:
        plug, at = (event.station_id, event.evse_id, event.connector_id or 0), min(event.occurred_at, event.recorded_at)
        changes.newest("connector", plug, "activity_at", at, activity=activity)


def put(changes: Changes, event: Event, position: int, **values: Any) -> None:
    changes.put("station", (station_of(event),), position=position, **values)


def station_of(event: Event) -> str:
    return event.originator_id.removeprefix("station/")


PROJECTION = Projection(
    name="station",
    tables={"station": STATION, "connector": CONNECTOR},
    handlers={
        Station.Registered: registered,
        Station.Connected: connected,
        Station.Booted: booted,
        Station.HeartbeatReceived: heard,
        Station.StatusReported: status_reported,
        Station.EventNotified: heard,
        Station.SecurityEventReported: heard,
        Station.DataTransferred: heard,
        Station.FirmwareProgressed: heard,
        Station.DiagnosticsProgressed: heard,
        Station.LogUploadProgressed: heard,
        Station.BadgeChecked: heard,
        Station.Metered: heard,
        Station.TransactionOpened: heard,
        Transaction.Metered: metered,
        Transaction.ChargingStateReported: charging_state,
        Transaction.Ended: ended,
        Transaction.Superseded: ended,
        Transaction.Closed: ended,
        Station.TransactionClosed: heard,
        Station.TransactionOrphaned: heard,
        Station.TransactionNamed: heard,
        Station.TransactionLocated: heard,
        Station.QuirkNoticed: heard,
        Station.AnswerRefused: heard,
        Station.MessageReceived: heard,
        Station.MessageRefused: heard,
        Station.Disconnected: disconnected,
    },
)


def stations(
    connection: Connection,
    first: int,
    after: str | None = None,
    search: str | None = None,
    site: str | None = None,
    connected: bool | None = None,
) -> Page:
    """Stations by id."""
    query = matching(search, site, connected).order_by(STATION.c.id).limit(first + 1)
    if after is not None:
        query = query.where(STATION.c.id > key(after, tuple[str])[0])
    return page(list(connection.execute(query)), first)


def count(connection: Connection, search: str | None, site: str | None, connected: bool | None) -> int:
    found = connection.execute(select(func.count()).select_from(matching(search, site, connected).subquery())).scalar()
    return int(found or 0)


def matching(search: str | None, site: str | None, connected: bool | None) -> Any:
    query = select(STATION)
    if search:
        pattern = f"%{search.replace('%', '')}%"
        columns = (STATION.c.id, STATION.c.vendor, STATION.c.model, STATION.c.serial_number)
        query = query.where(or_(*(column.ilike(pattern) for column in columns)))
    if site is not None:
        query = query.where(STATION.c.site == site)
    if connected is not None:
        query = query.where(STATION.c.connected.is_(True) if connected else STATION.c.connected.is_not(True))
    return query


def by_id(connection: Connection, ids: Sequence[str]) -> dict[str, Row[Any]]:
    return {row.id: row for row in connection.execute(select(STATION).where(STATION.c.id.in_(ids)))}


def connectors(connection: Connection, station_ids: Sequence[str]) -> dict[str, list[Row[Any]]]:
    """The connectors of several stations, in order of EVSE and number."""
    query = select(CONNECTOR).where(CONNECTOR.c.station_id.in_(station_ids))
    found: dict[str, list[Row[Any]]] = {station_id: [] for station_id in station_ids}
    for row in connection.execute(query.order_by(CONNECTOR.c.evse_id, CONNECTOR.c.connector_id)):
        found[row.station_id].append(row)
    return found


def plugs(rows: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    """The connectors of one station, each with what tells its activity.

    What is known of an EVSE as a whole (connector 0) is its connector's where it has one; while no connector of it has
    ever been named it stands for itself. Never is one guessed.
    """
    for evse_id, found in groupby(rows, lambda row: row.evse_id):
        here = list(found)
        whole = [row for row in here if evse_id and row.connector_id == 0 and row.status is None]
        named = [row for row in here if row not in whole]
        for row in named or whole:
            yield row, max([row, *whole], key=lambda said: said.activity_at or LONG_AGO) if len(named) == 1 else row


def gateways(connection: Connection) -> list[str]:
    """The gateways that hold stations, as far as they said."""
    query = select(STATION.c.gateway).where(STATION.c.connected.is_(True)).distinct()
    return [name for name in connection.execute(query).scalars() if name is not None]


def connected_to(connection: Connection, gateway: str) -> list[str]:
    """The stations that a gateway held when it last spoke."""
    query = select(STATION.c.id).where(STATION.c.connected.is_(True), STATION.c.gateway == gateway)
    return list(connection.execute(query).scalars())
