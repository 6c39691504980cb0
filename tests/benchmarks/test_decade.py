"""Long histories are made of real days, and the benchmark over them is sound."""

from __future__ import annotations

from collections import Counter

from api.bench.decade import measure_rebuild
from api.bench.option import Options
from api.bench.year import CHARGE_S, CHARGES, READING_S, days
from domain.transaction import Transaction


def test_a_day_of_a_station_is_what_its_settings_say() -> None:
    _, second = days(1, 2)
    found = Counter(type(event).__qualname__ for event in second)
    assert found["Station.HeartbeatReceived"] == 288
    assert found["Transaction.Metered"] == CHARGES * (CHARGE_S // READING_S - 1)
    assert found["Transaction.Started"] == found["Transaction.Ended"] == CHARGES
    ended = [event for event in second if isinstance(event, Transaction.Ended)]
    assert all(event.meter_stop_wh for event in ended)


def test_clock_aligned_readings_come_all_day() -> None:
    (day,) = days(1, 1, readings=False, aligned=True)
    found = Counter(type(event).__qualname__ for event in day)
    assert found["Station.Metered"] + found["Transaction.Metered"] == 96


def test_a_rebuild_is_measured_and_changes_nothing_the_second_time() -> None:
    result = measure_rebuild("sqlite", Options(events=30), lambda line: None)
    assert result.checks == {"a second rebuild would change nothing": True}
    assert result.figure("events of the history").median >= 300
