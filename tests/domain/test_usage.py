"""What holds for every charge under every tariff, and what a person on site would check by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from domain.event import Event, Message
from domain.meter import Reading
from domain.price import Priced, Unpriced
from domain.restriction import Calendar
from domain.tariff import Component, Element, Limit, Restriction, Terms, faults
from domain.transaction import ODOMETER, ChargingState, Transaction, stream
from domain.usage import (
    BACKWARDS,
    BEGIN_UNKNOWN,
    END_FIRST,
    Disordered,
    Facts,
    Hold,
    Point,
    Usage,
    measure,
    point_of,
    rate,
    rate_expired,
)

PARIS = ZoneInfo("Europe/Paris")
NOON = datetime(2026, 3, 4, 11, 0, tzinfo=UTC)
CAUSE = Message(version="2.0.1", action="TransactionEvent", message_id="1", connection_id="c")
CENT = Decimal("0.01")
MINUTE = timedelta(minutes=1)


def element(restriction: Restriction | None = None, **prices: str) -> Element:
    components = tuple(
        Component(type=name.upper(), price=Decimal(price), vat_percent=Decimal(20))  # type: ignore[arg-type]
        for name, price in prices.items()
    )
    return Element(components=components, restriction=restriction)


def terms(*elements: Element, **more: Any) -> Terms:
    return Terms(currency="EUR", elements=elements, **more)


PER_KWH = terms(element(energy="0.25"))
IDLE_FEE = terms(element(energy="0.25", parking_time="3"))
DAY_AND_NIGHT = terms(
    element(Restriction(start_time="08:00", end_time="22:00"), time="2"),
    element(Restriction(start_time="22:00", end_time="08:00"), time="1"),
)


class Charge:
    """A transaction in the making, minute by minute."""

    def __init__(self, start: datetime = NOON, meter_start_wh: float | None = 1_000.0) -> None:
        self.start = start
        self.transaction = Transaction(stream("t"))
        self.transaction.start(
            CAUSE, start, station_id="CP", station_transaction_id="1", evse_id=1, occurred_at=start, badge="B",
            meter_start_wh=meter_start_wh,
        )  # fmt: skip

    def at(self, minute: float) -> datetime:
        return self.start + timedelta(minutes=minute)

    def read(self, minute: float, register_wh: float, **more: Any) -> Charge:
        at = self.at(minute)
        self.transaction.meter((Reading(at=at, register_wh=register_wh, **more),), CAUSE, at)
        return self

    def report(self, minute: float, state: ChargingState) -> Charge:
        self.transaction.report_state(state, self.at(minute), CAUSE, self.at(minute))
        return self

    def stop(self, minute: float, register_wh: float | None = None) -> Charge:
        self.transaction.end(self.at(minute), "Local", register_wh, "B", (), CAUSE, self.at(minute))
        return self

    @property
    def events(self) -> list[Event]:
        return list(self.transaction.pending)

    def price(self, under: Terms = PER_KWH, zone: ZoneInfo = PARIS, hold: Hold | None = None) -> Priced:
        found = rate(self.events, Calendar(under, zone), "T", 1, hold)
        assert isinstance(found, Priced), found
        return found

    def doubt(self, under: Terms = PER_KWH) -> str:
        found = rate(self.events, Calendar(under, PARIS), "T", 1)
        assert isinstance(found, Unpriced), found
        assert found.code == "QUARANTINED"
        return found.reason


def amounts(found: Priced) -> dict[str, Decimal]:
    """Without VAT, by what it is for, in the order of the lines."""
    return {line.subject: line.excl_vat for line in found.lines}


def test_energy_is_the_difference_of_registers() -> None:
    found = Charge().read(30, 11_000).stop(60, 21_000).price()
    assert [found.energy_kwh, found.excl_vat, found.vat, found.incl_vat] == [20, 5, 1, 6]
    (line,) = found.lines
    assert (line.subject, line.unit) == ("ENERGY", "kWh")
    assert (line.quantity, line.unit_price) == (Decimal(20), Decimal("0.25"))
    assert (line.begin, line.end, found.final) == (NOON, NOON + timedelta(hours=1), True)


def test_a_car_that_is_full_is_parked() -> None:
    charge = Charge().report(0, "CHARGING").read(60, 21_000).report(60, "SUSPENDED_EV").stop(80, 21_000)
    found = charge.price(IDLE_FEE)
    assert (found.charging_h, found.parking_h) == (Decimal(1), Decimal("0.333333"))
    assert amounts(found) == {"ENERGY": 5, "PARKING_TIME": 1}


def test_without_states_a_car_is_parked_while_the_register_stands_still() -> None:
    found = Charge().read(60, 21_000).read(70, 21_000).stop(80, 21_000).price(IDLE_FEE)
    assert (found.charging_h, found.parking_h) == (Decimal(1), Decimal("0.333333"))


def test_a_pause_of_the_station_is_not_the_fault_of_the_driver() -> None:
    charge = Charge().report(0, "CHARGING").report(30, "SUSPENDED_EVSE").read(60, 11_000).stop(60, 11_000)
    assert charge.price(IDLE_FEE).parking_h == 0


def test_energy_flows_while_the_car_charges() -> None:
    by_hour = terms(element(Restriction(max_duration_s=1800), energy="1"), element(energy="0"))
    charge = Charge().report(0, "SUSPENDED_EV").report(30, "CHARGING").stop(60, 11_000)
    assert charge.price(by_hour).excl_vat == 0
    assert Charge().stop(60, 11_000).price(by_hour).excl_vat == 5


def test_a_gap_in_the_readings_is_filled_evenly() -> None:
    split = terms(element(Restriction(max_duration_s=3600), energy="1"), element(energy="0.1"))
    found = Charge().read(10, 2_000).stop(130, 14_000).price(split)
    assert found.exact_excl_vat == Decimal("6.7")


def test_a_threshold_of_energy_is_found_within_a_reading() -> None:
    first_ten = terms(element(Restriction(max_kwh=Decimal(10)), energy="0"), element(energy="0.5"))
    assert Charge().stop(60, 26_000).price(first_ten).excl_vat == Decimal("7.50")


def test_midnight_wraps() -> None:
    start = datetime(2026, 1, 5, 20, 0, tzinfo=UTC)
    found = Charge(start).stop(12 * 60, 2_000).price(DAY_AND_NIGHT)
    assert found.excl_vat == 1 * 2 + 10 * 1 + 1 * 2


@pytest.mark.parametrize(
    ("evening", "zone", "night_h"),
    [
        (datetime(2026, 3, 28, 21, 0), PARIS, 9),
        (datetime(2026, 6, 6, 21, 0), PARIS, 10),
        (datetime(2026, 10, 24, 21, 0), PARIS, 11),
        (datetime(2026, 10, 24, 21, 0), ZoneInfo("UTC"), 10),
    ],
)
def test_the_nights_of_clock_changes_are_shorter_and_longer(evening: datetime, zone: ZoneInfo, night_h: int) -> None:
    start = evening.replace(tzinfo=zone).astimezone(UTC)
    found = Charge(start).stop((night_h + 2) * 60, 2_000).price(DAY_AND_NIGHT, zone)
    assert found.excl_vat == 2 * 1 + 1 * night_h + 2 * 1


def test_a_whole_day_has_23_24_or_25_hours() -> None:
    weekday = terms(element(Restriction(day_of_week=("SUNDAY",)), time="1"))
    for day, hours in (((2026, 3, 29), 23), ((2026, 6, 7), 24), ((2026, 10, 25), 25)):
        start = datetime(*day, tzinfo=PARIS).astimezone(UTC) - timedelta(hours=2)
        assert Charge(start).stop(30 * 60, 2_000).price(weekday).excl_vat == hours


def test_a_time_that_occurs_twice_holds_twice() -> None:
    half = terms(element(Restriction(start_time="02:00", end_time="02:30"), time="1"))
    start = datetime(2026, 10, 24, 22, 0, tzinfo=UTC)
    assert Charge(start).stop(6 * 60, 2_000).price(half).charging_h == 6
    assert Charge(start).stop(6 * 60, 2_000).price(half).excl_vat == 1


def test_a_reservation_that_was_used_is_priced_before_the_charge() -> None:
    booked = terms(element(Restriction(reservation="RESERVATION"), flat="2", time="5"), element(energy="0.25"))
    hold = Hold(NOON - 12 * MINUTE, NOON + timedelta(hours=1))
    found = Charge().stop(60, 21_000).price(booked, hold=hold)
    assert amounts(found) == {"RESERVATION_FLAT": 2, "RESERVATION_TIME": 1, "ENERGY": 5}
    assert (found.reservation_h, found.begin) == (Decimal("0.2"), NOON - 12 * MINUTE)


def test_a_reservation_that_expired_is_priced_alone_and_knows_no_least_price() -> None:
    booked = terms(element(Restriction(reservation="RESERVATION"), time="5"), min_price=Limit(excl_vat=Decimal(9)))
    found = rate_expired(Hold(NOON - 30 * MINUTE, NOON, expired=True), Calendar(booked, PARIS), "T", 1)
    assert (found.excl_vat, found.energy_kwh) == (Decimal("2.50"), Decimal(0))


def test_free_is_a_price() -> None:
    free = Terms(currency="EUR", elements=(Element(components=(Component(type="FLAT", price=Decimal(0)),)),))
    found = Charge().stop(60, 21_000).price(free)
    assert amounts(found) == {"FLAT": 0}
    assert found.energy_kwh == 20


def test_a_tariff_may_include_vat() -> None:
    found = Charge().stop(60, 21_000).price(terms(element(energy="0.30"), tax_included="YES"))
    assert (found.incl_vat, found.excl_vat, found.vat) == (Decimal(6), Decimal(5), Decimal(1))


def test_a_currency_without_cents_is_rounded_to_whole_units() -> None:
    yen = msgspec.structs.replace(terms(element(energy="33.3")), currency="JPY")
    found = Charge().stop(60, 3_500).price(yen)
    assert [str(amount) for amount in (found.excl_vat, found.vat, found.incl_vat)] == ["83", "17", "100"]


def test_the_current_of_all_phases_follows_from_power_and_voltage() -> None:
    point = point_of(Reading(at=NOON, register_wh=1.0, power_w=11_040.0, voltage_v=230.0, current_a=16.0))
    assert point is not None
    assert point.current_a == 48
    assert point_of(Reading(at=NOON, power_w=1.0)) is None


@pytest.mark.parametrize("minute", [30, 60])
def test_the_lifetime_odometer_is_never_billed(minute: int) -> None:
    charge = Charge(meter_start_wh=0.0).read(30, 910_031.0) if minute == 30 else Charge(meter_start_wh=0.0)
    assert charge.stop(60, 910_114.0).doubt() in (ODOMETER, "more energy than any charger gives in that time")


def test_a_missing_register_at_the_start_is_no_zero() -> None:
    assert Charge(meter_start_wh=None).read(10, 910_031.0).stop(60, 915_000.0).doubt() == BEGIN_UNKNOWN
    found = Charge(meter_start_wh=None).read(0.5, 910_031.0).stop(60, 915_031.0).price()
    assert found.energy_kwh == 5


def test_a_register_that_runs_backwards_is_for_a_person_to_look_at() -> None:
    assert Charge().read(10, 5_000).read(20, 3_000).stop(60, 9_000).doubt() == BACKWARDS
    assert Charge().read(10, 5_000.6).stop(60, 5_000.0).price().energy_kwh == 4


def test_more_than_a_charger_can_give_is_for_a_person_to_look_at() -> None:
    facts = Facts(Charge().read(30, 11_000).stop(60, 21_000).events)
    assert isinstance(measure(facts, Calendar(PER_KWH, PARIS), rated_w=22_000.0).priced("T", 1), Priced)
    assert isinstance(measure(facts, Calendar(PER_KWH, PARIS), rated_w=7_400.0).priced("T", 1), Unpriced)


def test_an_end_before_the_start_is_for_a_person_to_look_at() -> None:
    assert Charge().stop(-60, 1_100).doubt() == END_FIRST


def test_a_charge_closed_by_a_decision_is_priced_by_its_last_reading() -> None:
    charge = Charge().read(30, 11_000)
    charge.transaction.close("silent for a day", CAUSE, charge.at(60))
    found = charge.price()
    assert (found.energy_kwh, found.final, found.end) == (Decimal(10), True, charge.at(60))


def test_a_charge_that_runs_costs_what_is_known_so_far() -> None:
    found = Charge().report(0, "CHARGING").read(30, 11_000).report(40, "SUSPENDED_EV").price(IDLE_FEE)
    assert (found.final, found.energy_kwh, found.end) == (False, Decimal(10), NOON + 40 * MINUTE)
    assert Charge().price().incl_vat == 0


def test_nothing_is_priced_before_anything_began() -> None:
    found = rate([], Calendar(PER_KWH, PARIS), "T", 1)
    assert isinstance(found, Unpriced)
    assert found.code == "NO_START"


# What holds for every charge and every tariff.

PRICES = st.decimals(0, 10, places=2)
STEPS = st.sampled_from([1, 60, 900])
CLOCKS = st.sampled_from([None, "00:00", "02:30", "08:00", "13:37", "22:00"])
RESTRICTIONS = st.builds(
    Restriction,
    start_time=CLOCKS,
    end_time=CLOCKS,
    max_kwh=st.sampled_from([None, Decimal(3), Decimal("7.5")]),
    min_duration_s=st.sampled_from([None, 900, 3600]),
    max_power_kw=st.sampled_from([None, Decimal(8), Decimal(20)]),
    max_current_a=st.sampled_from([None, Decimal(32)]),
    day_of_week=st.sampled_from([(), ("SATURDAY", "SUNDAY"), ("MONDAY",)]),
)


@st.composite
def tariffs(draw: st.DrawFn) -> Terms:
    elements = []
    for _ in range(draw(st.integers(1, 3))):
        kinds = draw(st.sets(st.sampled_from(["ENERGY", "TIME", "PARKING_TIME", "FLAT"]), min_size=1))
        rates = st.sampled_from([None, Decimal("5.5"), Decimal(20)])
        components = tuple(
            Component(type=kind, price=draw(PRICES), vat_percent=draw(rates), step_size=draw(STEPS))  # type: ignore[arg-type]
            for kind in sorted(kinds)
        )
        elements.append(Element(components=components, restriction=draw(st.none() | RESTRICTIONS)))
    least = draw(st.none() | st.decimals(0, 5, places=2))
    most = draw(st.none() | st.decimals(5, 20, places=2))
    made = terms(
        *elements,
        tax_included=draw(st.sampled_from(["NO", "YES"])),
        min_price=None if least is None else Limit(excl_vat=least, incl_vat=least * 2),
        max_price=None if most is None else Limit(excl_vat=most, incl_vat=most * 2),
    )
    assume(not list(faults(made)))
    return made


STARTS = st.sampled_from([NOON, datetime(2026, 3, 28, 21, 13, tzinfo=UTC), datetime(2026, 10, 24, 20, 59, tzinfo=UTC)])
STRETCHES = st.lists(st.tuples(st.integers(1, 90), st.integers(0, 90) | st.just(0)), min_size=1, max_size=6)
"""Minutes, and what flows in each of them in tens of Wh."""


def charge_of(start: datetime, stretches: Sequence[tuple[int, int]], parts: int = 1) -> Charge:
    """Readings at the ends of the stretches, and `parts` - 1 of them within each."""
    charge, minute, register = Charge(start), 0.0, 1_000.0
    for minutes, tens in stretches:
        for part in range(1, parts + 1):
            charge.read(minute + minutes * part / parts, register + 10 * tens * minutes * part / parts)
        minute, register = minute + minutes, register + 10 * tens * minutes
    return charge.stop(minute, register)


@settings(max_examples=150, deadline=None)
@given(under=tariffs(), start=STARTS, stretches=STRETCHES)
def test_whatever_the_tariff_the_sums_agree_and_the_limits_hold(
    under: Terms, start: datetime, stretches: list[tuple[int, int]]
) -> None:
    found = charge_of(start, stretches).price(under)
    for line in found.lines:
        assert line.excl_vat + line.vat == line.incl_vat
        assert line.element is None or min(line.excl_vat, line.incl_vat, line.quantity) >= 0
    assert sum(line.excl_vat for line in found.lines) == found.excl_vat
    assert sum(line.incl_vat for line in found.lines) == found.incl_vat
    assert sum(tax.vat for tax in found.taxes) == found.vat == found.incl_vat - found.excl_vat
    assert 0 <= found.excl_vat <= found.incl_vat
    for limit, sign in ((under.min_price, 1), (under.max_price, -1)):
        if limit is not None and limit.excl_vat is not None and limit.incl_vat is not None:
            assert sign * found.excl_vat >= sign * limit.excl_vat
            assert sign * found.incl_vat >= sign * limit.incl_vat
    slack = CENT * (len(found.lines) + 1)
    assert abs(found.excl_vat - found.exact_excl_vat) <= slack
    assert abs(found.incl_vat - found.exact_incl_vat) <= slack


@settings(max_examples=80, deadline=None)
@given(under=tariffs(), start=STARTS, stretches=STRETCHES, parts=st.sampled_from([2, 4, 8]))
def test_more_readings_do_not_change_the_price(
    under: Terms, start: datetime, stretches: list[tuple[int, int]], parts: int
) -> None:
    once, often = (charge_of(start, stretches, n).price(under) for n in (1, parts))
    assert once == often


@settings(max_examples=60, deadline=None)
@given(under=tariffs(), start=STARTS, stretches=STRETCHES, order=st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_change_the_price(
    under: Terms, start: datetime, stretches: list[tuple[int, int]], order: Any
) -> None:
    charge = charge_of(start, stretches, 2)
    shuffled = [*charge.events]
    order.shuffle(shuffled)
    assert rate(shuffled, Calendar(under, PARIS), "T", 1) == charge.price(under)


@settings(max_examples=60, deadline=None)
@given(under=tariffs(), start=STARTS, stretches=STRETCHES)
def test_the_live_cost_is_the_bill_at_every_moment(
    under: Terms, start: datetime, stretches: list[tuple[int, int]]
) -> None:
    charge, calendar = charge_of(start, stretches), Calendar(under, PARIS)
    live = Usage(calendar, start)
    live.read(Point(start, point_of(Reading(at=start, register_wh=1_000.0)).wh))  # type: ignore[union-attr]
    for number, event in enumerate(charge.events[1:], 2):
        if isinstance(event, Transaction.Metered):
            for point in map(point_of, event.readings):
                assert point is not None
                live.read(point)
            assert live.priced("T", 1) == rate(charge.events[:number], calendar, "T", 1)
    assert charge.transaction.ended_at is not None
    live.end(charge.transaction.ended_at)
    assert live.priced("T", 1) == rate(charge.events, calendar, "T", 1)


@settings(max_examples=60, deadline=None)
@given(stretches=STRETCHES, price=PRICES)
def test_more_energy_never_costs_less(stretches: list[tuple[int, int]], price: Decimal) -> None:
    under = terms(element(energy=str(price)))
    totals = [charge_of(NOON, [(m, w + more) for m, w in stretches]).price(under).incl_vat for more in (0, 1, 5)]
    assert all(low <= high for low, high in pairwise(totals))


def test_what_comes_too_late_is_told_apart() -> None:
    live = Usage(Calendar(PER_KWH, PARIS), NOON)
    live.read(Point(NOON + MINUTE, point_of(Reading(at=NOON, register_wh=5.0)).wh))  # type: ignore[union-attr]
    live.report(NOON + 2 * MINUTE, "CHARGING")
    steps: list[Callable[[], None]] = [
        lambda: live.read(Point(NOON, live.rating.wh)),
        lambda: live.report(NOON + MINUTE, "IDLE"),
        lambda: live.end(NOON),
    ]
    for late in steps:
        with pytest.raises(Disordered):
            late()
