"""What may happen to a charge, and what counts as energy."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given as always
from hypothesis import strategies as st

from domain.meter import Reading
from domain.transaction import ChargingState, Transaction, identify
from tests.scenario import NOW, SOMEBODY, Step, given, refused

T = Transaction


def begin(meter_start_wh: float | None = 1000.0, at: datetime = NOW, **more: object) -> Step[T]:
    facts = {
        "station_id": "CP1",
        "station_transaction_id": "7",
        "evse_id": 1,
        "connector_id": 1,
        "badge": "04A2",
        "occurred_at": at,
        "meter_start_wh": meter_start_wh,
    }
    return lambda t: t.start(SOMEBODY, NOW, **(facts | more))


def meter(register_wh: float | None, minutes: float = 10, seq_no: int | None = None) -> Step[T]:
    reading = Reading(at=NOW + timedelta(minutes=minutes), register_wh=register_wh)
    return lambda t: t.meter((reading,), SOMEBODY, NOW, seq_no=seq_no)


def end(meter_stop_wh: float | None, minutes: float = 60, reason: str = "Local") -> Step[T]:
    at = NOW + timedelta(minutes=minutes)
    return lambda t: t.end(at, reason, meter_stop_wh, None, (), SOMEBODY, NOW)


def blank() -> Transaction:
    return Transaction("transaction/x")


def test_a_charge_begins_counting_from_the_register_it_was_told() -> None:
    given(blank()).when(begin(1000.0)).then(T.Started)


def test_a_charge_without_start_register_counts_from_the_first_one_seen() -> None:
    given(blank(), begin(None)).when(meter(5000.0)).then(T.Metered, T.CountingBegan).showing(meter_start_wh=5000.0)


def test_a_reading_without_register_does_not_begin_the_counting() -> None:
    given(blank(), begin(None)).when(meter(None)).then(T.Metered)


def test_a_lifetime_odometer_after_a_start_at_zero_is_never_billed_as_energy() -> None:
    scenario = given(blank(), begin(0.0)).when(meter(910_031.0, minutes=1))
    scenario.then(T.Metered, T.CountingBegan, T.Doubted)
    assert scenario.aggregate.meter_start_wh == 910_031.0


def test_a_plausible_register_after_a_start_at_zero_is_energy() -> None:
    given(blank(), begin(0.0)).when(meter(5_000.0, minutes=60)).then(T.Metered)


def test_an_odometer_first_seen_at_the_stop_is_doubted_before_the_end() -> None:
    given(blank(), begin(0.0)).when(end(910_031.0)).then(T.CountingBegan, T.Doubted, T.Ended)


def test_a_meter_that_ran_backwards_is_doubted() -> None:
    given(blank(), begin(1000.0)).when(end(900.0)).then(T.Ended, T.Doubted)


def test_a_second_stop_changes_nothing_but_is_kept() -> None:
    given(blank(), begin(), end(2000.0)).when(end(2000.0)).then(T.Repeated).showing(what="stop")


def test_a_second_stop_with_another_reason_is_kept_as_different() -> None:
    scenario = given(blank(), begin(), end(2000.0)).when(end(2100.0, reason="EVDisconnected"))
    scenario.then(T.Repeated, T.Doubted)
    assert (scenario.aggregate.stop_reason, scenario.aggregate.energy_wh) == ("Local", 1000.0)


def test_readings_after_the_end_are_kept_as_late() -> None:
    given(blank(), begin(), end(2000.0)).when(meter(1900.0)).then(T.Metered).showing(late=True)


def test_the_same_sequence_number_twice_is_a_repetition() -> None:
    given(blank(), begin(), meter(1100.0, seq_no=1)).when(meter(1100.0, seq_no=1)).then(T.Repeated)


def test_a_start_that_arrives_after_later_messages_confirms_the_inferred_one() -> None:
    scenario = given(blank(), begin(None, inferred=True), meter(1500.0, seq_no=1)).when(
        lambda t: t.confirm(NOW - timedelta(minutes=5), "04A2", 1000.0, (), 0, SOMEBODY, NOW)
    )
    scenario.then(T.StartConfirmed)
    assert scenario.aggregate.meter_start_wh == 1000.0


def test_a_second_start_message_is_a_repetition() -> None:
    confirm = lambda t: t.confirm(NOW, "04A2", 1000.0, (), 0, SOMEBODY, NOW)  # noqa: E731
    given(blank(), begin()).when(confirm).then(T.Repeated).showing(what="start")


def test_a_superseded_charge_still_takes_its_real_end() -> None:
    supersede = lambda t: t.supersede("other", NOW, 1500.0, SOMEBODY, NOW)  # noqa: E731
    given(blank(), begin(), supersede).when(end(1400.0)).then(T.Ended)


def test_a_charging_state_is_news_only_when_it_changes() -> None:
    charging = lambda t: t.report_state("CHARGING", NOW, SOMEBODY, NOW)  # noqa: E731
    given(blank(), begin(), charging).when(charging).then_nothing()


def test_the_same_start_has_the_same_id_and_another_start_another() -> None:
    assert identify("CP1", "7", NOW) == identify("CP1", "7", NOW)
    assert len({identify("CP1", "7", NOW), identify("CP2", "7", NOW), identify("CP1", "8", NOW)}) == 3


@always(st.lists(st.floats(1000, 90_000), max_size=12), st.booleans())
def test_replaying_the_recorded_events_gives_the_same_state(registers: list[float], ended: bool) -> None:
    lived = blank()
    begin()(lived)
    for number, register in enumerate(registers):
        meter(register, minutes=number * 30.0, seq_no=number)(lived)
    if ended:
        end(95_000.0)(lived)
    replayed = blank().replay(lived.collect_events())
    lived.pending, replayed.pending = [], []
    assert vars(replayed) == vars(lived)


def close(reason: str = "the car is gone") -> Step[T]:
    return lambda t: t.close(reason, SOMEBODY, NOW + timedelta(hours=2))


def test_what_was_closed_for_the_station_cannot_be_closed_again() -> None:
    given(blank(), begin()).when(close()).then(T.Closed).showing(reason="the car is gone")
    refused(given(blank(), begin(), close()).aggregate, close(), "over already")
    refused(given(blank(), begin(), end(2000.0)).aggregate, close(), "over already")


def test_what_was_closed_for_the_station_still_takes_its_real_end() -> None:
    scenario = given(blank(), begin(), meter(1400.0), close()).when(end(2000.0)).then(T.Ended)
    assert (scenario.aggregate.energy_wh, scenario.aggregate.stop_reason) == (1000.0, "Local")


def test_numbers_that_are_missing_are_found_and_filled_once() -> None:
    gap = given(blank(), begin(seq_no=0)).when(meter(1500.0, seq_no=4)).then(T.Metered, T.GapFound)
    gap.showing(first=1, last=3, missing=3)
    filled = given(gap.aggregate).when(meter(1200.0, seq_no=2)).then(T.Metered, T.GapFilled).showing(missing=2)
    assert filled.aggregate.gaps == [(1, 1), (3, 3)]
    given(filled.aggregate).when(meter(1200.0, seq_no=2)).then(T.Repeated)


def test_a_gap_of_two_thousand_million_numbers_is_one_fact() -> None:
    scenario = given(blank(), begin(seq_no=0)).when(meter(1500.0, seq_no=2**31 - 1))
    scenario.then(T.Metered, T.GapFound).showing(missing=2**31 - 2)


def test_an_end_without_register_takes_it_from_a_late_reading_of_before() -> None:
    late = given(blank(), begin(), meter(1500.0, 10), end(None, 60)).when(meter(1900.0, 50))
    late.then(T.Metered, T.Corrected).showing(meter_stop_wh=1900.0)
    given(late.aggregate).when(meter(1800.0, 40)).then(T.Metered)
    given(late.aggregate).when(meter(2500.0, 61)).then(T.Metered)
    assert late.aggregate.energy_wh == 900.0


def test_energy_counts_from_the_earliest_register_in_whatever_order_they_come() -> None:
    scenario = given(blank(), begin(None), meter(5500.0, 20)).when(meter(5000.0, 10))
    scenario.then(T.Metered, T.CountingBegan).showing(meter_start_wh=5000.0)
    assert scenario.aggregate.energy_wh == 500.0


def test_a_lifetime_odometer_counts_from_its_earliest_reading_too() -> None:
    scenario = given(blank(), begin(0.0), meter(910_131.0, 2)).when(meter(910_031.0, 1))
    scenario.then(T.Metered, T.CountingBegan).showing(meter_start_wh=910_031.0, estimated=True)
    assert scenario.aggregate.energy_wh == 100.0


def test_more_energy_than_any_charger_gives_is_doubted() -> None:
    given(blank(), begin()).when(end(9_000_000.0, 10)).then(T.Ended, T.Doubted)


def report(state: ChargingState, minutes: float) -> Step[T]:
    return lambda t: t.report_state(state, NOW + timedelta(minutes=minutes), SOMEBODY, NOW)


def test_a_state_of_before_changes_nothing_of_what_is_now_and_is_kept_for_the_price() -> None:
    scenario = given(blank(), begin(), report("SUSPENDED_EV", 5)).when(report("CHARGING", 4))
    scenario.then(T.ChargingStateRecalled).showing(state="CHARGING", occurred_at=NOW + timedelta(minutes=4))
    assert scenario.aggregate.state == "SUSPENDED_EV"


def test_the_same_state_is_told_again_after_a_gap_for_something_else_may_have_been_between() -> None:
    start = given(blank(), begin(seq_no=0), report("CHARGING", 0), meter(2000.0, 5, seq_no=1))
    start.when(report("CHARGING", 5)).then_nothing()
    after = given(blank(), begin(seq_no=0), report("CHARGING", 0), meter(2000.0, 5, seq_no=3))
    after.when(report("CHARGING", 5)).then(T.ChargingStateRecalled)


def test_a_state_after_the_end_is_no_news() -> None:
    given(blank(), begin(), end(2000.0)).when(report("CHARGING", 70)).then_nothing()
    given(blank(), begin(), end(2000.0)).when(report("CHARGING", 50)).then(T.ChargingStateRecalled)
