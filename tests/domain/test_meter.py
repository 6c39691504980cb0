"""How the samples of one instant become one reading."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.meter import CONTEXTS, FIELDS, LOCATION_RANKS, OUTLET, PERIODIC, REGISTER, UPSTREAM, Reading, Sample, read
from tests.scenario import NOW

POWER, CURRENT, VOLTAGE = "Power.Active.Import", "Current.Import", "Voltage"
PHASES = (None, "L1", "L2", "L3", "N", "L1-N", "L2-N", "L3-N", "L1-L2", "L2-L3", "L3-L1")
UNITS = (None, "Wh", "kWh", "W", "kW", "A", "V", "Percent", "Celsius", "Fahrenheit", "K", "varh")


def sample(
    value: float,
    measurand: str = REGISTER,
    phase: str | None = None,
    context: str = PERIODIC,
    location: str = OUTLET,
    unit: str | None = None,
    multiplier: int = 0,
) -> Sample:
    return value, measurand, phase, context, location, unit, multiplier


SAMPLES = st.lists(
    st.builds(
        sample,
        st.floats(-1e9, 1e9).map(lambda value: round(value, 3)),
        st.sampled_from([*FIELDS, "RPM"]),
        st.sampled_from(PHASES),
        st.sampled_from(CONTEXTS),
        st.sampled_from([*LOCATION_RANKS, UPSTREAM]),
        st.sampled_from(UNITS),
        st.integers(-3, 3),
    ),
    max_size=12,
)


def shown(*samples: Sample) -> Reading:
    reading = read(NOW, samples)
    assert reading is not None
    return reading


def test_one_reading_tells_everything_that_was_sampled_at_one_instant() -> None:
    reading = shown(
        sample(1500.0),
        sample(7.4, POWER, unit="kW"),
        sample(32.0, CURRENT),
        sample(230.0, VOLTAGE),
        sample(46.0, "SoC", location="EV", unit="Percent"),
        sample(11_000.0, "Power.Offered"),
        sample(16.0, "Current.Offered"),
        sample(50.0, "Frequency", unit="Hertz"),
        sample(21.5, "Temperature", location="Body"),
        sample(3.0, "Energy.Active.Export.Register", unit="kWh"),
        sample(100.0, "Power.Active.Export"),
    )
    assert reading == Reading(
        at=NOW,
        register_wh=1500.0,
        power_w=7400.0,
        current_a=32.0,
        voltage_v=230.0,
        soc_percent=46.0,
        offered_w=11_000.0,
        offered_a=16.0,
        frequency_hz=50.0,
        temperature_c=21.5,
        exported_wh=3000.0,
        exported_w=100.0,
    )


def test_samples_that_say_nothing_we_know_give_no_reading() -> None:
    assert read(NOW, []) is None
    assert read(NOW, [sample(1200.0, "RPM"), sample(5.0, "Energy.Active.Import.Interval")]) is None


@pytest.mark.parametrize(
    ("value", "unit", "multiplier", "register_wh"),
    [
        (1500.0, None, 0, 1500.0),
        (12.345, "kWh", 0, 12345.0),
        (123456789.123, "kWh", 0, 123456789123.0),
        (0.1, "kWh", 0, 100.0),
        (1.1, "MWh", 0, 1_100_000.0),
        (12.345, "Wh", 3, 12345.0),
        (12345.0, "kWh", -3, 12345.0),
        (4.35, "kwh", 0, 4350.0),
        (1e-7, "kWh", 0, 0.0001),
    ],
)
def test_energy_is_converted_to_wh_exactly(value: float, unit: str | None, multiplier: int, register_wh: float) -> None:
    assert shown(sample(value, unit=unit, multiplier=multiplier)).register_wh == register_wh


@given(st.decimals(0, 10**9, places=3, allow_nan=False))
def test_no_digit_of_a_meter_is_lost_between_kwh_and_wh(kwh: Decimal) -> None:
    assert shown(sample(float(kwh), unit="kWh")).register_wh == float(kwh * 1000)


@pytest.mark.parametrize(("measurand", "unit"), [(REGISTER, "W"), (POWER, "Wh"), (POWER, "A"), (CURRENT, "varh")])
def test_a_unit_that_cannot_measure_the_thing_is_not_believed(measurand: str, unit: str) -> None:
    assert read(NOW, [sample(7.0, measurand, unit=unit)]) is None


@pytest.mark.parametrize("multiplier", [400, -400, 10**9, -(10**9), 14])
def test_an_absurd_power_of_ten_is_not_believed_and_costs_no_time(multiplier: int) -> None:
    assert read(NOW, [sample(99.0, multiplier=multiplier)]) in (None, Reading(at=NOW, register_wh=0.0))


def test_temperatures_come_in_degrees_celsius() -> None:
    assert shown(sample(212.0, "Temperature", unit="Fahrenheit")).temperature_c == 100.0
    assert shown(sample(300.0, "Temperature", unit="K")).temperature_c == 26.85
    assert shown(sample(2.0, "Temperature", unit="Celcius", multiplier=1)).temperature_c == 20.0


def test_a_total_wins_over_its_phases() -> None:
    phases = [sample(1000.0, POWER, line) for line in ("L1", "L2", "L3")]
    assert shown(sample(2990.0, POWER), *phases).power_w == 2990.0


def test_energy_and_power_of_the_phases_are_added() -> None:
    lines = ("L1", "L2", "L3")
    reading = shown(*(sample(0.1, m, line) for m in (REGISTER, POWER, "Power.Offered") for line in lines))
    assert (reading.register_wh, reading.power_w, reading.offered_w) == (0.3, 0.3, 0.3)


def test_of_the_currents_the_highest_line_counts_and_never_the_neutral() -> None:
    lines = [sample(10.7, CURRENT, "L1"), sample(10.9, CURRENT, "L2"), sample(10.6, CURRENT, "L3")]
    assert shown(*lines, sample(99.0, CURRENT, "N")).current_a == 10.9
    assert read(NOW, [sample(99.0, CURRENT, "N")]) is None


def test_voltage_is_the_mean_to_neutral_else_between_lines() -> None:
    lines = [sample(229.8, VOLTAGE, "L1"), sample(230.4, VOLTAGE, "L2"), sample(230.1, VOLTAGE, "L3")]
    neutral = [sample(229.0, VOLTAGE, "L1-N"), sample(231.0, VOLTAGE, "L2-N")]
    between = [sample(400.0, VOLTAGE, "L1-L2"), sample(402.0, VOLTAGE, "L2-L3")]
    assert shown(*lines, *neutral, *between).voltage_v == 230.1
    assert shown(*neutral, *between).voltage_v == 230.0
    assert shown(*between).voltage_v == 401.0


def test_what_is_measured_at_the_outlet_wins_even_over_a_total_elsewhere() -> None:
    outlet = [sample(1000.0, POWER, "L1"), sample(1100.0, POWER, "L2")]
    assert shown(sample(2500.0, POWER, location="Inlet"), *outlet).power_w == 2100.0
    assert shown(sample(2500.0, POWER, location="Inlet"), sample(9.0, POWER, location="EV")).power_w == 2500.0


def test_the_meter_of_the_building_and_the_register_of_the_car_are_never_the_connector() -> None:
    assert read(NOW, [sample(9e6, location=UPSTREAM), sample(40_000.0, location="EV")]) is None
    assert shown(sample(40.0, POWER, location="EV")).power_w == 40.0


def test_of_two_values_for_the_same_thing_the_lower_is_billed() -> None:
    assert shown(sample(1001.0), sample(1000.0), sample(1002.0)).register_wh == 1000.0


@pytest.mark.parametrize("context", CONTEXTS)
def test_the_context_is_kept(context: str) -> None:
    assert shown(sample(1.0, context=context)).context == context


def test_begin_and_end_in_one_meter_value_are_read_as_the_end() -> None:
    reading = shown(sample(100.0, context="Transaction.Begin"), sample(900.0, context="Transaction.End"))
    assert (reading.context, reading.register_wh) == ("Transaction.End", 900.0)


def test_values_without_context_beside_a_begin_are_part_of_that_reading() -> None:
    reading = shown(sample(100.0, context="Transaction.Begin"), sample(7.0, POWER), sample(99.0))
    assert (reading.context, reading.register_wh, reading.power_w) == ("Transaction.Begin", 100.0, 7.0)


def test_the_two_names_of_an_offer_mean_the_same() -> None:
    assert shown(sample(11.0, "Power.Import.Offered", unit="kW")).offered_w == 11_000.0
    assert shown(sample(16.0, "Current.Import.Offered")).offered_a == 16.0


@given(SAMPLES, st.randoms(use_true_random=False))
def test_the_order_of_samples_does_not_matter(samples: list[Sample], random: object) -> None:
    shuffled = list(samples)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert read(NOW, shuffled) == read(NOW, samples)


@given(SAMPLES)
def test_a_sample_said_twice_changes_nothing(samples: list[Sample]) -> None:
    assert read(NOW, samples + samples) == read(NOW, samples)
