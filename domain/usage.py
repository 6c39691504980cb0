"""Usage: what a charge used, moment by moment, from its events; in order, or brought into order.

A register holds until the next one: between two of them energy flows evenly over the time in which the car was
charging. A car charges while the station says so (a pause that the station itself imposes counts as charging: the car
waits for us, not we for it); where a station never says what the car does (OCPP 1.6), it charges while the register
grows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from domain.event import Event
from domain.meter import Reading
from domain.price import Priced, Unpriced
from domain.rating import ZERO, Rating, Stretch
from domain.restriction import Calendar
from domain.transaction import ODOMETER, PLAUSIBLE_MARGIN_WH, PLAUSIBLE_POWER_W, ChargingState, Transaction

TOLERANCE_WH = Fraction(1)
"""A station may round its last register to whole Wh, below the reading before."""
PROMPT = timedelta(minutes=1)
"""A register read so soon after the start is that of the start."""
PLAUSIBLE_FACTOR = Fraction(11, 10)
VOLTS = 230.0
CHARGING: frozenset[ChargingState] = frozenset({"CHARGING", "SUSPENDED_EVSE"})
BACKWARDS = "the register ran backwards"
TOO_MUCH = "more energy than any charger gives in that time"
END_FIRST = "it ended before it began, by the station's clock"
BEGIN_UNKNOWN = "the register at the start is missing, and the first one read is too large to begin at 0"
NO_START = Unpriced(code="NO_START", reason="nothing says when it began")


class Disordered(Exception):
    """Something older came than what is reckoned with already: read the whole history of the charge, and start anew."""


class Hold(NamedTuple):
    """A reservation before the charge, or instead of one (`expired`)."""

    begin: datetime
    end: datetime
    expired: bool = False


class Point(NamedTuple):
    """A register at an instant."""

    at: datetime
    wh: Fraction
    current_a: float | None = None


class Facts:
    """What the events of one transaction say, in whatever order they came."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self.station_id = ""
        self.evse_id = 0
        self.badge: str | None = None
        self.began_at: datetime | None = None
        self.heard_at: datetime | None = None
        self.started_at: datetime | None = None
        self.ended_at: datetime | None = None
        self.meter_start_wh: float | None = None
        self.counted_at: datetime | None = None
        self.meter_stop_wh: float | None = None
        self.reservation_id: int | None = None
        self.doubt: str | None = None
        self.accepted = False
        """A person has decided the figures: they are not doubted again."""
        self.readings: list[Reading] = []
        self.states: dict[datetime, ChargingState] = {}
        self.told = False
        for event in events:
            self.learn(event)

    @property
    def over(self) -> bool:
        return self.ended_at is not None

    def learn(self, event: Event) -> None:
        """One more event of this transaction."""
        match event:
            case Transaction.Metered():
                self.readings += event.readings
            case Transaction.ChargingStateReported() | Transaction.ChargingStateRecalled():
                self.states[event.occurred_at] = event.state
            case Transaction.Started():
                self.station_id, self.heard_at = event.station_id, event.recorded_at
                self.evse_id = event.evse_id
                self.begin(event.occurred_at, event)
            case Transaction.StartConfirmed():
                self.begin(event.occurred_at, event)
            case Transaction.CountingBegan():
                self.meter_start_wh, self.counted_at = event.meter_start_wh, event.at
            case Transaction.Located():
                self.evse_id = event.evse_id
            case Transaction.BadgePresented():
                self.badge = self.badge or event.badge
            case Transaction.Ended():
                self.ended_at, self.told = event.occurred_at, True
                self.meter_stop_wh = event.meter_stop_wh
                self.badge = self.badge or event.badge
                self.readings += event.readings
            case Transaction.Superseded() | Transaction.Closed():
                self.ended_at = event.occurred_at
            case Transaction.Corrected():
                self.meter_stop_wh = event.meter_stop_wh
            case Transaction.Doubted():
                self.doubt = event.reason

    def begin(self, occurred_at: datetime, event: Transaction.Started | Transaction.StartConfirmed) -> None:
        self.started_at = occurred_at
        self.began_at = min(occurred_at, event.recorded_at)
        self.badge = event.badge or self.badge
        if event.meter_start_wh is not None:
            self.meter_start_wh, self.counted_at = event.meter_start_wh, None
        self.reservation_id = event.reservation_id or self.reservation_id
        self.readings += event.readings

    def points(self) -> list[Point]:
        """Registers by time, from the one energy counts from to the one it counts to."""
        assert self.started_at is not None
        start = self.started_at
        found: dict[datetime, Point] = {}
        for point in map(point_of, self.readings):
            known = None if point is None else found.get(point.at)
            if point is not None and (known is None or point.wh < known.wh):
                found[point.at] = point
        if self.meter_start_wh is not None:
            begin = max(self.counted_at or start, start)
            found = {at: point for at, point in found.items() if at > begin}
            found[begin] = Point(begin, exactly(self.meter_start_wh))
        end = self.ended_at
        if end is not None:
            found = {at: point for at, point in found.items() if at <= end}
            if self.meter_stop_wh is not None:
                at = max(end, start)
                current = found[at].current_a if at in found else None
                found[at] = Point(at, exactly(self.meter_stop_wh), current)
        return [found[at] for at in sorted(found) if at >= start]


def point_of(reading: Reading) -> Point | None:
    """The register of a reading. Current: the sum over the phases, by power and voltage where both were measured."""
    if reading.register_wh is None:
        return None
    current = reading.current_a
    if reading.power_w is not None and reading.voltage_v:
        current = reading.power_w / reading.voltage_v
    return Point(reading.at, exactly(reading.register_wh), current)


def exactly(number: float) -> Fraction:
    """What a float was meant to say: 0.1 is a tenth."""
    return Fraction(int(number)) if number == int(number) else Fraction(Decimal(repr(number)))


class Usage:
    """A running price: registers and states one after the other. Raises Disordered for what comes too late."""

    def __init__(self, calendar: Calendar, begin: datetime, rated_w: float | None = None) -> None:
        self.rating = Rating(calendar, begin)
        self.ceiling_w = Fraction(int(rated_w)) * PLAUSIBLE_FACTOR if rated_w else Fraction(int(PLAUSIBLE_POWER_W))
        self.first: Point | None = None
        self.last: Point | None = None
        self.state: ChargingState | None = None
        self.pending: list[tuple[datetime, ChargingState]] = []
        self.ended = False
        self.moved = True
        self.doubt: str | None = None

    @property
    def until(self) -> datetime:
        """Up to when everything is known."""
        return max(self.rating.until, self.pending[-1][0] if self.pending else self.rating.until)

    def report(self, at: datetime, state: ChargingState) -> None:
        """From now on the car charges, or does not."""
        at = max(at, self.rating.begin)
        if self.ended or at < self.until:
            raise Disordered
        self.pending.append((at, state))

    def read(self, point: Point) -> None:
        """The register showed so much."""
        point = point._replace(at=max(point.at, self.rating.begin))
        if self.ended or point.at < self.until or (self.last is not None and point.at == self.last.at):
            raise Disordered
        energy_wh = ZERO if self.last is None else point.wh - self.last.wh
        if energy_wh < -TOLERANCE_WH:
            self.doubt = self.doubt or BACKWARDS
            energy_wh = ZERO
        self.move(point.at, energy_wh, point.current_a, known=self.last is not None)
        self.first, self.last = self.first or point, point
        hours = Fraction((point.at - self.rating.begin) // timedelta(microseconds=1), 3_600_000_000)
        if self.rating.wh > self.ceiling_w * hours + Fraction(int(PLAUSIBLE_MARGIN_WH)):
            self.doubt = self.doubt or TOO_MUCH

    def move(self, to: datetime, energy_wh: Fraction, current_a: float | None, known: bool) -> None:
        """On to an instant, through the states that were reported on the way."""
        pieces = list(self.pieces(to, energy_wh, known))
        flowing = [piece for piece in pieces if piece[2]] or pieces
        lengths = sum(((end - begin) // timedelta(microseconds=1) for begin, end, _ in flowing), 0)
        for piece in pieces:
            begin, end, charging = piece
            share = ZERO
            if piece in flowing and energy_wh:
                length = (end - begin) // timedelta(microseconds=1)
                share = energy_wh * length / lengths if lengths else energy_wh / len(flowing)
            self.rating.advance(Stretch(begin, end, share, charging, self.current(begin, end, share, current_a)))
        self.state = self.pending[-1][1] if self.pending else self.state
        self.pending.clear()

    def pieces(self, to: datetime, energy_wh: Fraction, known: bool) -> Iterator[tuple[datetime, datetime, bool]]:
        begin, state = self.rating.until, self.state
        for at, after in [*self.pending, (to, self.state)]:
            if at > begin or (at == to and begin == to):
                yield begin, at, self.charging(state, energy_wh, known)
            begin, state = at, after

    def charging(self, state: ChargingState | None, energy_wh: Fraction, known: bool) -> bool:
        """By the state; where none was told, by the register; where that is unknown, too, as it was before."""
        if state is not None:
            return state in CHARGING
        if known:
            self.moved = energy_wh > 0
        return self.moved

    def current(self, begin: datetime, end: datetime, energy_wh: Fraction, told: float | None) -> float:
        """The sum over the phases, in A: as told, else by the mean power at 230 V."""
        if told is not None:
            return told
        seconds = (end - begin).total_seconds()
        return float(energy_wh) * 3600 / seconds / VOLTS if seconds else 0.0

    def end(self, at: datetime) -> None:
        """The charge is over."""
        at = max(at, self.rating.begin)
        if self.ended or at < self.until:
            raise Disordered
        if at > self.rating.until or not self.rating.started:
            self.move(at, ZERO, None, known=False)
        self.ended = True

    def priced(self, tariff_id: str, version: int) -> Priced | Unpriced:
        """What it costs, up to the last thing known."""
        if self.doubt is not None:
            return Unpriced(code="QUARANTINED", reason=self.doubt)
        rating = self.rating
        if self.pending or not rating.started:
            ahead = self.copy()
            ahead.move(self.until, ZERO, None, known=False)
            rating = ahead.rating
        return rating.priced(tariff_id, version, self.ended)

    def copy(self) -> Usage:
        twin = Usage.__new__(Usage)
        twin.__dict__.update(self.__dict__)
        twin.rating, twin.pending = self.rating.copy(), list(self.pending)
        return twin


def measure(facts: Facts, calendar: Calendar, hold: Hold | None = None, rated_w: float | None = None) -> Usage:
    """Everything that is known of a transaction, in order. The facts must say when it began."""
    assert facts.started_at is not None
    usage = Usage(calendar, facts.started_at, rated_w)
    usage.doubt = facts.doubt
    if hold is not None:
        usage.rating.reserve(hold.begin, min(hold.end, facts.started_at), hold.expired)
    points = facts.points()
    usage.doubt = usage.doubt or begin_doubt(facts, points)
    ended_at = facts.ended_at
    if ended_at is not None and ended_at < facts.started_at:
        usage.doubt = usage.doubt or END_FIRST
    steps: list[tuple[datetime, int, Point | ChargingState]] = [(point.at, 1, point) for point in points]
    steps += [(at, 0, state) for at, state in facts.states.items() if ended_at is None or at <= ended_at]
    for at, _, step in sorted(steps, key=lambda step: step[:2]):
        if isinstance(step, Point):
            usage.read(step)
        else:
            usage.report(at, step)
    if ended_at is not None:
        usage.end(ended_at)
    if facts.accepted:
        usage.doubt = None
    return usage


def begin_doubt(facts: Facts, points: list[Point]) -> str | None:
    """Never bill the lifetime odometer: the register at the start must be known where the next one is large."""
    if not points or facts.started_at is None:
        return None
    lost = facts.meter_start_wh is None or facts.counted_at is not None
    late = points[0].at - facts.started_at > PROMPT
    if lost and late and implausible(points[0], facts.started_at):
        return BEGIN_UNKNOWN
    if facts.meter_start_wh == 0 and len(points) > 1 and implausible(points[1], facts.started_at):
        return ODOMETER
    return None


def implausible(point: Point, since: datetime) -> bool:
    """No charger could have brought the register from 0 to this since then."""
    hours = Fraction((point.at - since) // timedelta(microseconds=1), 3_600_000_000)
    return point.wh > Fraction(int(PLAUSIBLE_POWER_W)) * hours + Fraction(int(PLAUSIBLE_MARGIN_WH))


def rate(
    events: Iterable[Event] | Facts,
    calendar: Calendar,
    tariff_id: str,
    version: int,
    hold: Hold | None = None,
    rated_w: float | None = None,
) -> Priced | Unpriced:
    """What a transaction costs under a version of a tariff: the same for its events in any order of arrival."""
    facts = events if isinstance(events, Facts) else Facts(events)
    if facts.started_at is None:
        return NO_START
    return measure(facts, calendar, hold, rated_w).priced(tariff_id, version)


def rate_expired(hold: Hold, calendar: Calendar, tariff_id: str, version: int) -> Priced:
    """What a reservation costs that nobody came for."""
    rating = Rating(calendar, hold.end)
    rating.reserve(hold.begin, hold.end, expired=True)
    return rating.priced(tariff_id, version, final=True)
