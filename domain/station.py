"""A station (borne): its registration, its connection, and everything it says outside a transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from domain.aggregate import Aggregate
from domain.event import AnyCause, Connection, Event, Refusal
from domain.meter import Reading

Policy = Literal["accept", "pending", "reject"]
Registration = Literal["Accepted", "Pending", "Rejected"]
ConnectorStatus = Literal[
    "AVAILABLE", "PREPARING", "CHARGING", "SUSPENDED_EV", "SUSPENDED_EVSE", "FINISHING", "OCCUPIED", "RESERVED",
    "UNAVAILABLE", "FAULTED",
]  # fmt: skip

CLOSED_REMEMBERED = 32
ORPHANS_REMEMBERED = 500
ANSWERS: dict[str, Registration] = {"accept": "Accepted", "pending": "Pending", "reject": "Rejected"}


def stream(station_id: str) -> str:
    return f"station/{station_id}"


class Notice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of an OCPP 2.x NotifyEvent: a component's variable did something."""

    event_id: int
    at: datetime
    trigger: str
    component: str
    variable: str
    actual_value: str
    cleared: bool = False
    evse_id: int | None = None
    connector_id: int | None = None
    component_instance: str | None = None
    variable_instance: str | None = None
    origin: str | None = None
    monitor_id: int | None = None
    severity: int | None = None
    caused_by: int | None = None
    station_transaction_id: str | None = None
    tech_code: str | None = None
    tech_info: str | None = None


class KnownTransaction(msgspec.Struct, frozen=True):
    """Where a transaction of this station is: its stream, its EVSE, whether energy may still flow."""

    transaction_id: str
    station_transaction_id: str
    evse_id: int
    connector_id: int | None
    open: bool


class Station(Aggregate):
    """One charging station, known by the last segment of its WebSocket address."""

    lasting = True

    class Registered(Event, tag="station.registered.v1"):
        """An operator made the station known, so that it is accepted when it boots."""

        site: str | None = None
        strict: bool = False

    class Connected(Event, tag="station.connected.v1"):
        """A WebSocket of the station opened on a gateway."""

        connection_id: str
        gateway: str
        ocpp_version: str
        address: str | None = None

    class Disconnected(Event, tag="station.disconnected.v1"):
        """That WebSocket is gone."""

        connection_id: str
        reason: str
        close_code: int | None = None

    class Booted(Event, tag="station.booted.v1"):
        """The station said who it is, and we said whether it may work (BootNotification)."""

        status: Registration
        vendor: str
        model: str
        reason: str | None = None
        serial_number: str | None = None
        firmware_version: str | None = None
        iccid: str | None = None
        imsi: str | None = None
        meter_type: str | None = None
        meter_serial_number: str | None = None

    class HeartbeatReceived(Event, tag="station.heartbeat_received.v1"):
        """The station is alive and asked for the time."""

    class StatusReported(Event, tag="station.status_reported.v1"):
        """A connector changed state; EVSE 0 is the station itself (StatusNotification)."""

        evse_id: int
        connector_id: int
        status: ConnectorStatus
        occurred_at: datetime
        error_code: str | None = None
        reason: str | None = None
        vendor_error_code: str | None = None

    class EventNotified(Event, tag="station.event_notified.v1"):
        """The station reported events of its components (NotifyEvent, OCPP 2.x)."""

        occurred_at: datetime
        seq_no: int
        notices: tuple[Notice, ...]
        to_be_continued: bool = False

    class SecurityEventReported(Event, tag="station.security_event_reported.v1"):
        """Something touching security happened on the station (SecurityEventNotification)."""

        personal = "badge"
        kind: str
        occurred_at: datetime
        detail: str | None = None

    class DataTransferred(Event, tag="station.data_transferred.v1"):
        """A vendor's own message (DataTransfer)."""

        personal = "badge"
        vendor_id: str
        status: str
        vendor_message_id: str | None = None
        content: Any = None

    class FirmwareProgressed(Event, tag="station.firmware_progressed.v1"):
        """A firmware update went one step on (FirmwareStatusNotification)."""

        status: str
        request_id: int | None = None
        reason: str | None = None

    class DiagnosticsProgressed(Event, tag="station.diagnostics_progressed.v1"):
        """A diagnostics upload went one step on (DiagnosticsStatusNotification, OCPP 1.6)."""

        status: str

    class LogUploadProgressed(Event, tag="station.log_upload_progressed.v1"):
        """A log upload went one step on (LogStatusNotification)."""

        status: str
        request_id: int | None = None
        reason: str | None = None

    class BadgeChecked(Event, tag="station.badge_checked.v1"):
        """A badge was presented and we said whether it may charge (Authorize)."""

        personal = "badge"
        badge: str
        verdict: str
        kind: str | None = None
        reason: str | None = None

    class BadgeDoubted(Event, tag="station.badge_doubted.v1"):
        """A charge that began offline was told late, with a badge that is refused now or would have been refused then.

        `verdict` is as of now, `verdict_then` as of the start by the station's clock, concurrent use left aside.
        """

        personal = "badge"
        badge: str
        transaction_id: str
        occurred_at: datetime
        verdict: str
        verdict_then: str
        reason: str | None = None

    class Metered(Event, tag="station.metered.v1"):
        """Meter values outside any transaction we know; `station_transaction_id` is what the station named."""

        evse_id: int
        readings: tuple[Reading, ...]
        station_transaction_id: str | None = None

    class TransactionOpened(Event, tag="station.transaction_opened.v1"):
        """A transaction began on an EVSE; its own stream tells the rest."""

        transaction_id: str
        station_transaction_id: str
        evse_id: int
        connector_id: int | None = None

    class TransactionLocated(Event, tag="station.transaction_located.v1"):
        """The EVSE of a transaction became known after its start (OCPP 2.x)."""

        transaction_id: str
        evse_id: int
        connector_id: int | None = None

    class TransactionClosed(Event, tag="station.transaction_closed.v1"):
        """A transaction of this station ended."""

        transaction_id: str

    class TransactionNamed(Event, tag="station.transaction_named.v1"):
        """The station uses an id of its own for a transaction, not the one that was agreed."""

        transaction_id: str
        station_transaction_id: str

    class TransactionOrphaned(Event, tag="station.transaction_orphaned.v1"):
        """The station ended a transaction nobody knows; kept for an operator to bind."""

        station_transaction_id: str
        occurred_at: datetime
        meter_stop_wh: float | None = None
        reason: str | None = None
        readings: tuple[Reading, ...] = ()

    class OrphanBound(Event, tag="station.orphan_bound.v1"):
        """An operator said which transaction an orphaned end belongs to (`orphan`: its version in this stream)."""

        orphan: int
        transaction_id: str

    class QuirkNoticed(Event, tag="station.quirk_noticed.v1"):
        """The station does not keep to a rule of OCPP, and we understood it nevertheless; told once per rule."""

        rule: str

    class AnswerRefused(Event, tag="station.answer_refused.v1"):
        """The station could not use an answer of ours (CALLRESULTERROR, OCPP 2.1)."""

        personal = "badge"
        message_id: str
        code: str
        description: str = ""
        details: Any = None

    class MessageReceived(Event, tag="station.message_received.v1"):
        """A valid message that needs nothing more than to be kept (its action and payload are in the cause)."""

    class MessageRefused(Event, tag="station.message_refused.v1"):
        """A message we could not accept: its raw text, the error code we answered, and why."""

        personal = "badge"
        raw: str
        code: str
        reason: str
        unanswered: bool = False

    unheeded = (HeartbeatReceived, Metered, MessageReceived)

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.registered = False
        self.site: str | None = None
        self.connection_id: str | None = None
        self.gateway: str | None = None
        self.ocpp_version: str | None = None
        self.boot: Registration | None = None
        self.strict = False
        self.serial_number: str | None = None
        self.transactions: dict[str, KnownTransaction] = {}
        self.names: dict[str, str] = {}
        self.connectors: set[int] = set()
        self.orphans: dict[int, Station.TransactionOrphaned] = {}
        self.quirks: set[str] = set()
        self.closed_at: datetime | None = None

    @property
    def station_id(self) -> str:
        return self.id.removeprefix("station/")

    def register(self, site: str | None, cause: AnyCause, now: datetime, strict: bool = False) -> None:
        if self.registered:
            raise Refusal("this station is already registered")
        self.record(Station.Registered, cause, now, site=site, strict=strict)

    def connect(self, cause: Connection, ocpp_version: str, now: datetime) -> None:
        """A socket opened; whatever was open before is over."""
        self.disconnect("a newer connection took over", cause, now, 1000)
        self.record(
            Station.Connected,
            cause,
            now,
            connection_id=cause.connection_id,
            gateway=cause.gateway,
            ocpp_version=ocpp_version,
            address=cause.address,
        )

    def disconnect(self, reason: str, cause: AnyCause, now: datetime, close_code: int | None = None) -> None:
        """The socket is gone; no close code when it broke without one."""
        if self.connection_id is not None:
            gone = self.connection_id
            self.record(Station.Disconnected, cause, now, connection_id=gone, reason=reason, close_code=close_code)

    def admission(self, unknown: Policy) -> Registration:
        """May the station work? OCPP 2.0.1 B01-B03, OCPP 1.6 section 4.2."""
        return "Accepted" if self.registered else ANSWERS[unknown]

    def find(self, station_transaction_id: str) -> KnownTransaction | None:
        """The transaction the station means, open or lately closed, by the id agreed or by one of its own."""
        return self.transactions.get(self.names.get(station_transaction_id, station_transaction_id))

    def name(self, known: KnownTransaction, station_transaction_id: str, cause: AnyCause, now: datetime) -> None:
        """Learn an id of the station's own; 0 and -1 are no ids, they say that it has none."""
        if station_transaction_id not in ("0", "-1"):
            self.record(
                Station.TransactionNamed,
                cause,
                now,
                transaction_id=known.transaction_id,
                station_transaction_id=station_transaction_id,
            )

    def notice(self, rule: str, cause: AnyCause, now: datetime) -> None:
        """It does not keep to a rule; once is enough to say so."""
        if rule not in self.quirks:
            self.record(Station.QuirkNoticed, cause, now, rule=rule)

    def bind(self, orphan: int, transaction_id: str, cause: AnyCause, now: datetime) -> TransactionOrphaned:
        """An operator knows which transaction an orphaned end belongs to."""
        found = self.orphans.get(orphan)
        if found is None:
            raise Refusal("this station has no such orphan, or it is bound already")
        self.record(Station.OrphanBound, cause, now, orphan=orphan, transaction_id=transaction_id)
        return found

    @property
    def lone_connector(self) -> int | None:
        """The only connector it has ever spoken of."""
        return next(iter(self.connectors)) if len(self.connectors) == 1 else None

    def open_on(self, evse_id: int) -> KnownTransaction | None:
        """The open transaction of an EVSE; EVSE 0 is the station itself, which charges nobody."""
        return (
            next((s for s in self.transactions.values() if s.open and s.evse_id == evse_id), None) if evse_id else None
        )

    def closed_on(self, evse_id: int) -> KnownTransaction | None:
        """The latest transaction of an EVSE that is over."""
        return next((s for s in reversed(self.transactions.values()) if not s.open and s.evse_id == evse_id), None)

    def apply(self, event: Event) -> None:
        match event:
            case Station.HeartbeatReceived() | Station.Metered() | Station.MessageReceived():
                pass  # often, and nothing to remember
            case Station.StatusReported():
                if event.connector_id:
                    self.connectors.add(event.connector_id)
            case Station.Registered():
                self.registered, self.site, self.strict = True, event.site, event.strict
            case Station.Connected():
                self.connection_id, self.gateway = event.connection_id, event.gateway
                self.ocpp_version = event.ocpp_version
            case Station.Disconnected():
                self.connection_id = None
            case Station.Booted():
                self.boot, self.serial_number = event.status, event.serial_number
            case Station.TransactionOpened():
                self.transactions.pop(event.station_transaction_id, None)
                self.transactions[event.station_transaction_id] = KnownTransaction(
                    event.transaction_id, event.station_transaction_id, event.evse_id, event.connector_id, True
                )
            case Station.TransactionLocated():
                for known in self.transactions.values():
                    if known.transaction_id == event.transaction_id:
                        self.transactions[known.station_transaction_id] = msgspec.structs.replace(
                            known, evse_id=event.evse_id, connector_id=event.connector_id
                        )
            case Station.TransactionClosed():
                self.transactions = without(self.transactions, event.transaction_id)
                self.names = {name: known for name, known in self.names.items() if known in self.transactions}
                self.closed_at = event.recorded_at
            case Station.TransactionNamed():
                for named in self.transactions.values():
                    if named.transaction_id == event.transaction_id:
                        self.names[event.station_transaction_id] = named.station_transaction_id
            case Station.TransactionOrphaned():
                self.orphans[event.originator_version] = event
                if len(self.orphans) > ORPHANS_REMEMBERED:
                    del self.orphans[next(iter(self.orphans))]
            case Station.OrphanBound():
                self.orphans.pop(event.orphan, None)
            case Station.QuirkNoticed():
                self.quirks.add(event.rule)


def without(transactions: dict[str, KnownTransaction], transaction_id: str) -> dict[str, KnownTransaction]:
    """The same index with one transaction closed, and only the latest closed ones kept."""
    marked = [
        msgspec.structs.replace(s, open=False) if s.transaction_id == transaction_id else s
        for s in transactions.values()
    ]
    stale = [s.station_transaction_id for s in marked if not s.open][:-CLOSED_REMEMBERED]
    return {s.station_transaction_id: s for s in marked if s.station_transaction_id not in stale}
