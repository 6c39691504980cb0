"""A transaction (charging session): energy given to one car, from start to end."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID, uuid5

from domain.aggregate import Aggregate
from domain.event import AnyCause, Event
from domain.meter import Reading

NAMESPACE = UUID("6c0f4c0e-7d0b-5f5e-9d53-626f726e6965")
PLAUSIBLE_POWER_W = 400_000.0
PLAUSIBLE_MARGIN_WH = 1_000.0

ChargingState = Literal["CHARGING", "EV_CONNECTED", "SUSPENDED_EV", "SUSPENDED_EVSE", "IDLE"]


def identify(station_id: str, station_transaction_id: str, started_at: datetime) -> str:
    """Our own id: the same start always gives the same one, two starts never share one."""
    return str(uuid5(NAMESPACE, f"{station_id}\n{station_transaction_id}\n{started_at.isoformat()}"))


def stream(transaction_id: str) -> str:
    return f"transaction/{transaction_id}"


class Transaction(Aggregate):
    """Energy is the last register minus the first, never a sum of samples and never the register itself."""

    class Started(Event, tag="transaction.started.v1"):
        """A charge began. `inferred`: an earlier message got lost, a later one told us of the transaction."""

        station_id: str
        station_transaction_id: str
        evse_id: int
        occurred_at: datetime
        connector_id: int | None = None
        badge: str | None = None
        verdict: str | None = None
        meter_start_wh: float | None = None
        remote_start_id: int | None = None
        reservation_id: int | None = None
        readings: tuple[Reading, ...] = ()
        seq_no: int | None = None
        offline: bool = False
        inferred: bool = False

    class StartConfirmed(Event, tag="transaction.start_confirmed.v1"):
        """The start message came after later ones: now we know when and with what it began."""

        occurred_at: datetime
        badge: str | None = None
        meter_start_wh: float | None = None
        readings: tuple[Reading, ...] = ()
        seq_no: int | None = None

    class CountingBegan(Event, tag="transaction.counting_began.v1"):
        """Energy counts from this register. `estimated`: the start value could not be true."""

        meter_start_wh: float
        estimated: bool = False
        reason: str | None = None

    class Located(Event, tag="transaction.located.v1"):
        """The EVSE became known after the start (OCPP 2.x may authorize before a connector is chosen)."""

        station_id: str
        evse_id: int
        connector_id: int | None = None

    class BadgePresented(Event, tag="transaction.badge_presented.v1"):
        """The driver showed a badge during the transaction."""

        badge: str
        verdict: str
        occurred_at: datetime

    class Metered(Event, tag="transaction.metered.v1"):
        """The meter was read. `late`: it came after the end and cannot change the total."""

        station_id: str
        readings: tuple[Reading, ...]
        seq_no: int | None = None
        offline: bool = False
        late: bool = False

    class ChargingStateReported(Event, tag="transaction.charging_state_reported.v1"):
        """Energy flows, pauses or waits (TransactionEvent.chargingState, OCPP 2.x)."""

        station_id: str
        evse_id: int
        state: ChargingState
        occurred_at: datetime
        connector_id: int | None = None

    class Ended(Event, tag="transaction.ended.v1"):
        """The charge is over; what comes later never reopens it."""

        station_id: str
        evse_id: int
        occurred_at: datetime
        reason: str
        connector_id: int | None = None
        meter_stop_wh: float | None = None
        badge: str | None = None
        readings: tuple[Reading, ...] = ()
        seq_no: int | None = None
        offline: bool = False

    class Repeated(Event, tag="transaction.repeated.v1"):
        """The station told us something again; it is kept and changes nothing, above all no bill."""

        what: Literal["start", "meter", "stop"]
        differs: bool = False
        reason: str | None = None
        meter_stop_wh: float | None = None

    class Superseded(Event, tag="transaction.superseded.v1"):
        """Another transaction began on the same EVSE while this one was open: it must have ended before."""

        station_id: str
        evse_id: int
        by_transaction_id: str
        occurred_at: datetime
        connector_id: int | None = None
        meter_stop_wh: float | None = None

    class Doubted(Event, tag="transaction.doubted.v1"):
        """The figures cannot be true; nothing is billed before a person has looked."""

        reason: str

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.station_id = ""
        self.evse_id = 0
        self.connector_id: int | None = None
        self.started_at: datetime | None = None
        self.ended_at: datetime | None = None
        self.superseded = False
        self.inferred = False
        self.badge: str | None = None
        self.stop_reason: str | None = None
        self.state: ChargingState | None = None
        self.meter_start_wh: float | None = None
        self.meter_stop_wh: float | None = None
        self.register_wh: float | None = None
        self.seen: set[int] = set()

    @property
    def transaction_id(self) -> str:
        return self.id.removeprefix("transaction/")

    @property
    def open(self) -> bool:
        return self.ended_at is None

    def start(self, cause: AnyCause, now: datetime, **facts: object) -> None:
        """Begin: facts are the fields of `Started`."""
        self.record(Transaction.Started, cause, now, **facts)
        self.count()

    def confirm(
        self,
        occurred_at: datetime,
        badge: str | None,
        meter_start_wh: float | None,
        readings: tuple[Reading, ...],
        seq_no: int | None,
        cause: AnyCause,
        now: datetime,
    ) -> None:
        """The start message arrives after all; it is news only if we had inferred the start."""
        if not self.inferred:
            self.repeat("start", cause, now)
            return
        self.record(
            Transaction.StartConfirmed,
            cause,
            now,
            occurred_at=occurred_at,
            badge=badge,
            meter_start_wh=meter_start_wh,
            readings=readings,
            seq_no=seq_no,
        )

    def meter(
        self,
        readings: tuple[Reading, ...],
        cause: AnyCause,
        now: datetime,
        seq_no: int | None = None,
        offline: bool = False,
    ) -> None:
        """Read the meter; after the end the readings are kept as late."""
        if seq_no is not None and seq_no in self.seen:
            self.repeat("meter", cause, now)
            return
        self.record(
            Transaction.Metered,
            cause,
            now,
            station_id=self.station_id,
            readings=readings,
            seq_no=seq_no,
            offline=offline,
            late=self.ended_at is not None,
        )
        self.count()

    def count(self) -> None:
        """Say from which register energy counts, as soon as one is known and whenever the first cannot be true."""
        last = self.pending[-1]
        at = moment(last)
        if self.register_wh is None or not self.open:
            return
        if self.meter_start_wh is None:
            self.record(Transaction.CountingBegan, last.cause, last.recorded_at, meter_start_wh=self.register_wh)
        elif self.implausible(self.register_wh, at):
            self.rebase(self.register_wh, last.cause, last.recorded_at)

    def implausible(self, register_wh: float, at: datetime) -> bool:
        """Began at 0 and jumped further than any charger can deliver: the register is a lifetime odometer."""
        if self.meter_start_wh != 0 or self.started_at is None:
            return False
        hours = max((at - self.started_at).total_seconds(), 0.0) / 3600
        return register_wh > PLAUSIBLE_POWER_W * hours + PLAUSIBLE_MARGIN_WH

    def rebase(self, register_wh: float, cause: AnyCause, now: datetime) -> None:
        reason = "the register began at 0 and then showed a lifetime total"
        self.record(Transaction.CountingBegan, cause, now, meter_start_wh=register_wh, estimated=True, reason=reason)
        self.record(Transaction.Doubted, cause, now, reason=reason)

    def locate(self, evse_id: int | None, connector_id: int | None, cause: AnyCause, now: datetime) -> None:
        """Learn the EVSE; one that is known is never replaced by a guess."""
        if evse_id is not None and not self.evse_id:
            self.record(
                Transaction.Located,
                cause,
                now,
                station_id=self.station_id,
                evse_id=evse_id,
                connector_id=connector_id,
            )

    def present(self, badge: str, verdict: str, occurred_at: datetime, cause: AnyCause, now: datetime) -> None:
        """A badge shown during the transaction; the same one again is no news."""
        if badge != self.badge:
            self.record(Transaction.BadgePresented, cause, now, badge=badge, verdict=verdict, occurred_at=occurred_at)

    def report_state(self, state: ChargingState, occurred_at: datetime, cause: AnyCause, now: datetime) -> None:
        if state != self.state and self.open:
            self.record(
                Transaction.ChargingStateReported,
                cause,
                now,
                station_id=self.station_id,
                evse_id=self.evse_id,
                connector_id=self.connector_id,
                state=state,
                occurred_at=occurred_at,
            )

    def end(
        self,
        occurred_at: datetime,
        reason: str,
        meter_stop_wh: float | None,
        badge: str | None,
        readings: tuple[Reading, ...],
        cause: AnyCause,
        now: datetime,
        seq_no: int | None = None,
        offline: bool = False,
    ) -> None:
        """End once. A second end is kept beside the first; only a superseded transaction still takes a real one."""
        if not self.open and not self.superseded:
            differs = (reason, meter_stop_wh) != (self.stop_reason, self.meter_stop_wh)
            self.repeat("stop", cause, now, differs=differs, reason=reason, meter_stop_wh=meter_stop_wh)
            return
        if meter_stop_wh is not None and self.implausible(meter_stop_wh, occurred_at):
            self.rebase(meter_stop_wh, cause, now)
        self.record(
            Transaction.Ended,
            cause,
            now,
            station_id=self.station_id,
            evse_id=self.evse_id,
            connector_id=self.connector_id,
            occurred_at=occurred_at,
            reason=reason,
            meter_stop_wh=meter_stop_wh,
            badge=badge,
            readings=readings,
            seq_no=seq_no,
            offline=offline,
        )
        self.doubt(cause, now)

    def doubt(self, cause: AnyCause, now: datetime) -> None:
        if (
            self.meter_start_wh is not None
            and self.meter_stop_wh is not None
            and self.meter_stop_wh < self.meter_start_wh
        ):
            self.record(Transaction.Doubted, cause, now, reason="the meter ran backwards")

    def supersede(
        self, by_transaction_id: str, occurred_at: datetime, meter_stop_wh: float | None, cause: AnyCause, now: datetime
    ) -> None:
        if self.open:
            self.record(
                Transaction.Superseded,
                cause,
                now,
                station_id=self.station_id,
                evse_id=self.evse_id,
                connector_id=self.connector_id,
                by_transaction_id=by_transaction_id,
                occurred_at=occurred_at,
                meter_stop_wh=meter_stop_wh,
            )

    def repeat(
        self,
        what: Literal["start", "meter", "stop"],
        cause: AnyCause,
        now: datetime,
        differs: bool = False,
        reason: str | None = None,
        meter_stop_wh: float | None = None,
    ) -> None:
        self.record(
            Transaction.Repeated, cause, now, what=what, differs=differs, reason=reason, meter_stop_wh=meter_stop_wh
        )

    def apply(self, event: Event) -> None:
        match event:
            case Transaction.Metered():
                self.remember(event.readings, event.seq_no)
            case Transaction.Started():
                self.station_id, self.evse_id, self.connector_id = event.station_id, event.evse_id, event.connector_id
                self.started_at, self.badge, self.inferred = event.occurred_at, event.badge, event.inferred
                self.meter_start_wh = event.meter_start_wh
                self.remember(event.readings, event.seq_no)
            case Transaction.StartConfirmed():
                self.inferred, self.started_at, self.badge = False, event.occurred_at, event.badge or self.badge
                if event.meter_start_wh is not None:
                    self.meter_start_wh = event.meter_start_wh
                self.remember((), event.seq_no)
            case Transaction.CountingBegan():
                self.meter_start_wh = event.meter_start_wh
            case Transaction.Located():
                self.evse_id, self.connector_id = event.evse_id, event.connector_id
            case Transaction.BadgePresented():
                self.badge = event.badge
            case Transaction.ChargingStateReported():
                self.state = event.state
            case Transaction.Ended():
                self.ended_at, self.stop_reason, self.superseded = event.occurred_at, event.reason, False
                self.meter_stop_wh = event.meter_stop_wh
                self.remember(event.readings, event.seq_no)
            case Transaction.Superseded():
                self.ended_at, self.superseded, self.stop_reason = event.occurred_at, True, "Superseded"

    def remember(self, readings: tuple[Reading, ...], seq_no: int | None) -> None:
        if seq_no is not None:
            self.seen.add(seq_no)
        for reading in readings:
            if reading.register_wh is not None:
                self.register_wh = reading.register_wh


def moment(event: Event) -> datetime:
    """When the station says it happened: the last reading of a metered event, else its own time."""
    if isinstance(event, Transaction.Metered):
        return event.readings[-1].at if event.readings else event.recorded_at
    occurred_at: datetime = getattr(event, "occurred_at", event.recorded_at)
    return occurred_at
