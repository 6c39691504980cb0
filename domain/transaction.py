"""A transaction (charging session): energy given to one car, from start to end."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID, uuid5

from domain.aggregate import Aggregate
from domain.event import AnyCause, Event, Refusal
from domain.meter import Reading
from domain.signature import SignedText

NAMESPACE = UUID("6c0f4c0e-7d0b-5f5e-9d53-626f726e6965")
PLAUSIBLE_POWER_W = 400_000.0
PLAUSIBLE_MARGIN_WH = 1_000.0
ODOMETER = "the register began at 0 and then showed a lifetime total"

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

        personal = "badge"
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

        personal = "badge"
        occurred_at: datetime
        badge: str | None = None
        meter_start_wh: float | None = None
        readings: tuple[Reading, ...] = ()
        seq_no: int | None = None
        verdict: str | None = None
        remote_start_id: int | None = None
        reservation_id: int | None = None

    class CountingBegan(Event, tag="transaction.counting_began.v1"):
        """Energy counts from this register, read then. `estimated`: the start value could not be true."""

        meter_start_wh: float
        at: datetime | None = None
        estimated: bool = False
        reason: str | None = None

    class Located(Event, tag="transaction.located.v1"):
        """The EVSE became known after the start (OCPP 2.x may authorize before a connector is chosen)."""

        station_id: str
        evse_id: int
        connector_id: int | None = None

    class BadgePresented(Event, tag="transaction.badge_presented.v1"):
        """The driver showed a badge during the transaction."""

        personal = "badge"
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

    class Signed(Event, tag="transaction.signed.v1"):
        """The station told what its meter has signed: it is kept word for word, and examined later."""

        station_id: str
        evse_id: int
        values: tuple[SignedText, ...]

    class ChargingStateReported(Event, tag="transaction.charging_state_reported.v1"):
        """Energy flows, pauses or waits (TransactionEvent.chargingState, OCPP 2.x)."""

        station_id: str
        evse_id: int
        state: ChargingState
        occurred_at: datetime
        connector_id: int | None = None
        offline: bool = False

    class ChargingStateRecalled(Event, tag="transaction.charging_state_recalled.v1"):
        """What the energy did at a moment, told late or after a gap: it changes nothing of what is now."""

        state: ChargingState
        occurred_at: datetime

    class Ended(Event, tag="transaction.ended.v1"):
        """The charge is over; what comes later never reopens it."""

        personal = "badge"
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

        personal = "badge"
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

    class Closed(Event, tag="transaction.closed.v1"):
        """An operator or a rule closed it, for the station never told its end; should it do so later, that counts."""

        station_id: str
        evse_id: int
        occurred_at: datetime
        reason: str
        connector_id: int | None = None

    class Corrected(Event, tag="transaction.corrected.v1"):
        """The last register before the end became known after it, and the end itself had told none."""

        meter_stop_wh: float
        at: datetime

    class GapFound(Event, tag="transaction.gap_found.v1"):
        """The station counted further than we heard: these numbers (seqNo, OCPP 2.x) are missing, `missing` in all."""

        first: int
        last: int
        missing: int

    class GapFilled(Event, tag="transaction.gap_filled.v1"):
        """A message that was missing has come; so many still are."""

        seq_no: int
        missing: int

    class Doubted(Event, tag="transaction.doubted.v1"):
        """The figures cannot be true; nothing is billed before a person has looked."""

        reason: str

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.station_id = ""
        self.evse_id = 0
        self.connector_id: int | None = None
        self.started_at: datetime | None = None
        self.began_at: datetime | None = None
        self.ended_at: datetime | None = None
        self.heard_at: datetime | None = None
        self.provisional = False
        self.inferred = False
        self.badge: str | None = None
        self.verdict: str | None = None
        self.stop_reason: str | None = None
        self.state: ChargingState | None = None
        self.state_at: datetime | None = None
        self.meter_start_wh: float | None = None
        self.counted_at: datetime | None = None
        self.estimated = False
        self.meter_stop_wh: float | None = None
        self.stop_told = False
        self.register_wh: float | None = None
        self.register_at: datetime | None = None
        self.seen: set[int] = set()
        self.last_seq_no: int | None = None
        self.gaps: list[tuple[int, int]] = []

    @property
    def transaction_id(self) -> str:
        return self.id.removeprefix("transaction/")

    @property
    def over(self) -> bool:
        return not self.open and not self.provisional

    @property
    def open(self) -> bool:
        return self.ended_at is None

    @property
    def energy_wh(self) -> float:
        """What was given so far: the last register minus the first."""
        last = self.register_wh if self.meter_stop_wh is None else self.meter_stop_wh
        return 0.0 if last is None or self.meter_start_wh is None else last - self.meter_start_wh

    def start(self, cause: AnyCause, now: datetime, **facts: Any) -> None:
        """Begin: facts are the fields of `Started`."""
        self.record(Transaction.Started, cause, now, **facts)
        self.count(facts.get("readings", ()), cause, now)

    def confirm(
        self,
        occurred_at: datetime,
        badge: str | None,
        meter_start_wh: float | None,
        readings: tuple[Reading, ...],
        seq_no: int | None,
        cause: AnyCause,
        now: datetime,
        **more: object,
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
            **more,
        )
        self.count(readings, cause, now)

    def meter(
        self,
        readings: tuple[Reading, ...],
        cause: AnyCause,
        now: datetime,
        seq_no: int | None = None,
        offline: bool = False,
    ) -> None:
        """Read the meter; after the end the readings are kept as late."""
        if seq_no is not None and seq_no in self.seen and not self.newer(readings):
            self.repeat("meter", cause, now)
            return
        last = self.last_seq_no
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
        if seq_no is not None and last is not None and seq_no != last + 1:
            self.follow(seq_no, last, cause, now)
        self.count(readings, cause, now)
        if self.ended_at is not None:
            self.correct(readings, self.ended_at, cause, now)

    def sign(self, values: tuple[SignedText, ...], cause: AnyCause, now: datetime) -> None:
        """Keep what the meter has signed."""
        facts = {"station_id": self.station_id, "evse_id": self.evse_id}
        self.record(Transaction.Signed, cause, now, values=values, **facts)

    def newer(self, readings: tuple[Reading, ...]) -> bool:
        """Has something of a later time than all before: a station that counts from 0 again, not a repetition."""
        return bool(readings) and self.register_at is not None and readings[-1].at > self.register_at

    def follow(self, seq_no: int, last: int, cause: AnyCause, now: datetime) -> None:
        """Notice what is missing between the last message and this one, and what has come after all."""
        if seq_no > last:
            missing = self.missing + seq_no - last - 1
            self.record(Transaction.GapFound, cause, now, first=last + 1, last=seq_no - 1, missing=missing)
        elif any(first <= seq_no <= end for first, end in self.gaps):
            self.record(Transaction.GapFilled, cause, now, seq_no=seq_no, missing=self.missing - 1)

    @property
    def missing(self) -> int:
        """How many of the station's messages have not come."""
        return sum(last - first + 1 for first, last in self.gaps)

    def count(self, readings: tuple[Reading, ...], cause: AnyCause, now: datetime) -> None:
        """Say from which register energy counts: the one told, while it can be true, else the earliest one read."""
        if self.meter_start_wh is not None and self.counted_at is None:
            if self.meter_start_wh == 0:
                self.suspect(readings, cause, now)
            return
        told = [r for r in readings if r.register_wh is not None and (self.ended_at is None or r.at <= self.ended_at)]
        if not told:
            return
        first = min(told, key=lambda reading: (reading.context != "Transaction.Begin", reading.at))
        if self.counted_at is None or first.at < self.counted_at:
            self.begin_at(first, self.estimated, cause, now)

    def begin_at(self, reading: Reading, estimated: bool, cause: AnyCause, now: datetime) -> None:
        self.record(
            Transaction.CountingBegan,
            cause,
            now,
            meter_start_wh=reading.register_wh,
            at=reading.at,
            estimated=estimated,
            reason=ODOMETER if estimated else None,
        )

    def suspect(self, readings: tuple[Reading, ...], cause: AnyCause, now: datetime) -> None:
        """Began at 0 and jumped further than any charger can deliver: the register is a lifetime odometer."""
        registers = [r for r in readings if r.register_wh is not None and not self.plausible(r.register_wh, r.at)]
        if registers:
            self.begin_at(min(registers, key=lambda reading: reading.at), True, cause, now)
            self.record(Transaction.Doubted, cause, now, reason=ODOMETER)

    def plausible(self, register_wh: float, at: datetime) -> bool:
        """Could a charger have given this much by then?"""
        if self.meter_start_wh is None or self.started_at is None:
            return True
        hours = max((at - self.started_at).total_seconds(), 0.0) / 3600
        return register_wh - self.meter_start_wh <= PLAUSIBLE_POWER_W * hours + PLAUSIBLE_MARGIN_WH

    def correct(self, readings: tuple[Reading, ...], until: datetime, cause: AnyCause, now: datetime) -> None:
        """Take the last register before the end from a late reading; what the end itself told is never replaced."""
        told = [r for r in readings if r.register_wh is not None and r.at <= until]
        last = max(told, key=lambda reading: reading.at, default=None)
        if last is not None and not self.stop_told and (self.register_at is None or last.at > self.register_at):
            self.record(Transaction.Corrected, cause, now, meter_stop_wh=last.register_wh, at=last.at)

    def locate(self, evse_id: int | None, connector_id: int | None, cause: AnyCause, now: datetime) -> None:
        """Learn the EVSE; one that is known is never replaced by a guess."""
        if evse_id and not self.evse_id:
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

    def report_state(
        self, state: ChargingState, occurred_at: datetime, cause: AnyCause, now: datetime, offline: bool = False
    ) -> None:
        """What the energy does; what it did before something we know already is no news, but counts for the price.

        A message that was heard before says nothing of it a second time.
        """
        early = self.state_at is not None and occurred_at < self.state_at
        if self.open and not early and state != self.state:
            self.record(
                Transaction.ChargingStateReported,
                cause,
                now,
                station_id=self.station_id,
                evse_id=self.evse_id,
                connector_id=self.connector_id,
                state=state,
                occurred_at=occurred_at,
                offline=offline,
            )
        elif any(isinstance(event, Transaction.Repeated) for event in self.pending):
            return
        elif early or not self.open or (self.gaps and self.gaps[-1][1] + 1 == self.last_seq_no):
            self.recall_state(state, occurred_at, cause, now)

    def recall_state(self, state: ChargingState, occurred_at: datetime, cause: AnyCause, now: datetime) -> None:
        """Between the start and the end, messages may be missing or late: the same state again is news there."""
        if self.ended_at is None or occurred_at < self.ended_at:
            self.record(Transaction.ChargingStateRecalled, cause, now, state=state, occurred_at=occurred_at)

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
        """End once. A second end is kept beside the first; what was closed for the station still takes a real one."""
        if not self.open and not self.provisional:
            self.end_again(occurred_at, reason, meter_stop_wh, cause, now)
            return
        last = self.last_seq_no
        self.count(readings, cause, now)
        if meter_stop_wh is not None:
            self.count((Reading(at=occurred_at, register_wh=meter_stop_wh),), cause, now)
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
        if seq_no is not None and last is not None and seq_no != last + 1:
            self.follow(seq_no, last, cause, now)
        self.doubt(cause, now)

    def end_again(
        self, occurred_at: datetime, reason: str, meter_stop_wh: float | None, cause: AnyCause, now: datetime
    ) -> None:
        """A second end changes no bill; one that tells of more energy is for a person to look at."""
        differs = (reason, meter_stop_wh) != (self.stop_reason, self.meter_stop_wh)
        self.repeat("stop", cause, now, differs=differs, reason=reason, meter_stop_wh=meter_stop_wh)
        billed = self.register_wh if self.meter_stop_wh is None else self.meter_stop_wh
        if meter_stop_wh is None or billed is None or meter_stop_wh <= billed:
            return
        if self.plausible(meter_stop_wh, occurred_at):
            words = f"a second stop tells of {meter_stop_wh:g} Wh on the register, not {billed:g}"
            self.record(Transaction.Doubted, cause, now, reason=words)

    def doubt(self, cause: AnyCause, now: datetime) -> None:
        assert self.ended_at is not None
        if self.energy_wh < 0:
            self.record(Transaction.Doubted, cause, now, reason="the meter ran backwards")
        elif self.meter_start_wh is not None and not self.plausible(
            self.meter_start_wh + self.energy_wh, self.ended_at
        ):
            self.record(Transaction.Doubted, cause, now, reason="more energy than any charger gives in that time")

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

    def close(self, reason: str, cause: AnyCause, now: datetime) -> None:
        """Close for a station that does not. Energy is what was read until now."""
        if not self.open:
            raise Refusal("this transaction is over already")
        self.record(
            Transaction.Closed,
            cause,
            now,
            station_id=self.station_id,
            evse_id=self.evse_id,
            connector_id=self.connector_id,
            occurred_at=now,
            reason=reason,
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
        self.heard_at = event.recorded_at
        match event:
            case Transaction.Metered():
                self.remember(() if event.late else event.readings, event.seq_no)
            case Transaction.Started():
                self.station_id, self.evse_id, self.connector_id = event.station_id, event.evse_id, event.connector_id
                self.started_at, self.inferred = event.occurred_at, event.inferred
                self.began_at = min(event.occurred_at, event.recorded_at)
                self.badge, self.verdict = event.badge, event.verdict
                self.meter_start_wh = event.meter_start_wh
                self.remember(event.readings, event.seq_no)
            case Transaction.StartConfirmed():
                self.inferred, self.started_at = False, event.occurred_at
                self.began_at = min(event.occurred_at, event.recorded_at)
                self.badge, self.verdict = event.badge or self.badge, event.verdict or self.verdict
                if event.meter_start_wh is not None:
                    self.meter_start_wh, self.counted_at = event.meter_start_wh, None
                self.remember(event.readings, event.seq_no)
            case Transaction.CountingBegan():
                self.meter_start_wh, self.estimated = event.meter_start_wh, event.estimated
                self.counted_at = event.at or self.register_at or event.recorded_at
            case Transaction.Located():
                self.evse_id, self.connector_id = event.evse_id, event.connector_id
            case Transaction.BadgePresented():
                self.badge = event.badge
            case Transaction.ChargingStateReported():
                self.state, self.state_at = event.state, event.occurred_at
            case Transaction.Ended():
                self.ended_at, self.stop_reason, self.provisional = event.occurred_at, event.reason, False
                self.meter_stop_wh, self.stop_told = event.meter_stop_wh, event.meter_stop_wh is not None
                self.remember(event.readings, event.seq_no)
            case Transaction.Superseded():
                self.ended_at, self.provisional, self.stop_reason = event.occurred_at, True, "Superseded"
            case Transaction.Closed():
                self.ended_at, self.provisional, self.stop_reason = event.occurred_at, True, event.reason
            case Transaction.Corrected():
                self.meter_stop_wh = self.register_wh = event.meter_stop_wh
                self.register_at = event.at
            case Transaction.GapFound():
                self.gaps = [*self.gaps, (event.first, event.last)]
            case Transaction.GapFilled():
                self.gaps = [gap for known in self.gaps for gap in without(known, event.seq_no)]

    def remember(self, readings: tuple[Reading, ...], seq_no: int | None) -> None:
        if seq_no is not None:
            self.seen.add(seq_no)
            if self.last_seq_no is None or seq_no > self.last_seq_no:
                self.last_seq_no = seq_no
        for reading in readings:
            if reading.register_wh is not None and (self.register_at is None or reading.at >= self.register_at):
                self.register_wh, self.register_at = reading.register_wh, reading.at


def without(gap: tuple[int, int], seq_no: int) -> list[tuple[int, int]]:
    """What is left of a gap when one number of it has come."""
    first, last = gap
    if not first <= seq_no <= last:
        return [gap]
    return [rest for rest in ((first, seq_no - 1), (seq_no + 1, last)) if rest[0] <= rest[1]]
