"""What a station's charging profiles become, and what a car is offered."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.need import Needs
from domain.profile import PATIENCE, Profile, Running
from domain.schedule import ChargingProfile, Period, Schedule, ScheduleUpdate, values
from domain.stack import Criteria
from tests.domain.test_stack import FREE, SCHEDULE, of, profile, tx
from tests.scenario import NOW, SOMEBODY, Step, given, refused

P = Profile
TWO = timedelta(hours=2)


def blank() -> Profile:
    return Profile("profile/CP1")


def install(wanted: ChargingProfile, evse_id: int = 1, exclusive: bool = True, offered: bool = False) -> Step[P]:
    return lambda p: p.install(evse_id, wanted, exclusive, SOMEBODY, NOW, offered)


def clear(**criteria: Any) -> Step[P]:
    return lambda p: p.clear(Criteria(**criteria), True, SOMEBODY, NOW)


def ask(**criteria: Any) -> Step[P]:
    facts = {"request_id": 1, "criteria": Criteria(**criteria)}
    return lambda p: p.record(P.ReportRequested, SOMEBODY, NOW, **facts)


def report(*wanted: ChargingProfile, more: bool = False, evse_id: int = 1, source: str = "CSO") -> Step[P]:
    return lambda p: p.report(1, evse_id, source, wanted, more, SOMEBODY, NOW)


def check(wanted: ChargingProfile, evse_id: int = 1, exclusive: bool = True) -> Step[P]:
    return lambda p: p.check(evse_id, wanted, exclusive)


NEEDS = Needs(transfer="AC_three_phase", max_current_a=Decimal(32))


def need(needs: Needs = NEEDS, status: str = "Accepted", **more: Any) -> Step[P]:
    facts: dict[str, Any] = {"evse_id": 1, "needs": needs, "status": status, "occurred_at": NOW, "transaction_id": "t"}
    return lambda p: p.record(P.NeedsReported, SOMEBODY, NOW, **(facts | more))


def plan(limit: int) -> Step[P]:
    schedule = Schedule(unit="A", periods=(Period(limit=Decimal(limit)),))
    return lambda p: p.plan(1, schedule, NOW, "t", NOW, SOMEBODY, NOW)


def test_a_profile_in_a_place_that_is_taken_is_refused_where_the_station_would_refuse_it() -> None:
    known = given(blank(), install(profile(id=1))).aggregate
    refused(known, check(profile(id=2)), "K01.FR.06")
    known.check(1, profile(id=1), True)
    known.check(1, profile(id=2), False)
    assert known.choose(1, profile()) == 1
    assert known.choose(2, profile()) is None


def test_ocpp_16_replaces_what_is_in_the_same_place() -> None:
    scenario = given(blank(), install(profile(id=1), exclusive=False)).when(install(profile(id=2), exclusive=False))
    scenario.then(P.Installed).showing(replaced_ids=(1,))
    assert list(scenario.aggregate.placed) == [2]


def test_the_profile_of_an_ended_charge_is_gone_when_the_next_one_gets_its_own() -> None:
    scenario = given(blank(), install(tx(id=1))).when(install(tx(id=2, transaction_id="u", stack_level=5)))
    scenario.then(P.Installed).showing(replaced_ids=(1,))


def test_more_than_one_schedule_is_for_cars_that_told_their_needs() -> None:
    wanted = tx(id=1, schedules=(SCHEDULE, SCHEDULE))
    refused(blank(), check(wanted), "K01.FR.34")
    refused(given(blank(), need(transaction_id="u")).aggregate, check(wanted), "K01.FR.34")
    given(blank(), need()).aggregate.check(1, wanted, True)


def test_clearing_forgets_what_matches_but_never_what_others_set() -> None:
    foreign = profile(id=-3, purpose="ChargingStationExternalConstraints")
    known = given(blank(), install(profile(id=1)), install(profile(id=2, stack_level=1)), report(foreign, source="EMS"))
    known.when(clear(evse_id=1)).then(P.Cleared).showing(profile_ids=(1, 2))
    assert list(known.aggregate.placed) == [-3]


def test_a_complete_report_tells_what_is_lost() -> None:
    known = given(
        blank(), install(profile(id=1)), install(profile(id=2, stack_level=1)), ask(purpose="TxDefaultProfile")
    )
    known.when(report(profile(id=3, stack_level=2), more=True)).then(P.Reported)
    known.when(report(profile(id=2, stack_level=1))).then(P.Reported, P.Lost).showing(profile_ids=(1,))


def test_a_report_nobody_asked_for_tells_nothing_of_what_is_not_in_it() -> None:
    given(blank(), install(profile(id=1))).when(report(profile(id=3, stack_level=2))).then(P.Reported)


def test_a_dynamic_profile_takes_new_values_and_keeps_the_others() -> None:
    wanted = profile(id=4, kind="Dynamic", schedules=(FREE,))
    update = ScheduleUpdate(discharge_limit=Decimal(-5))
    known = (
        given(blank(), install(wanted)).when(lambda p: p.adjust(4, update, SOMEBODY, NOW)).then(P.Adjusted).aggregate
    )
    there = known.dynamic(4)
    assert there is not None
    assert values(there) == ScheduleUpdate(limit=Decimal(16), discharge_limit=Decimal(-5))
    given(known).when(lambda p: p.adjust(9, update, SOMEBODY, NOW)).then_nothing()


def test_what_others_limit_counts_in_what_we_expect_until_it_is_released() -> None:
    wall = {"evse_id": 0, "source": "EMS", "schedules": of(Period(limit=Decimal(7)), start_schedule=None)}
    known = given(blank(), install(profile(id=1)), lambda p: p.record(P.Limited, SOMEBODY, NOW, **wall)).aggregate
    running = {1: Running("t", NOW)}
    assert [period.limit for period in known.expect(1, running, "A", NOW, 60)] == [7]
    known.record(P.LimitReleased, SOMEBODY, NOW, evse_id=0, source="EMS")
    assert [period.limit for period in known.expect(1, running, "A", NOW, 60)] == [16]
    assert [period.limit for period in known.expect(0, running, "A", NOW, 60)] == [16]


def test_a_charge_that_goes_first_is_expected_to_get_its_priority_profile() -> None:
    first = profile(id=2, purpose="PriorityCharging", schedules=of(Period(limit=Decimal(32))))
    known = given(blank(), install(profile(id=1)), install(first, 0)).aggregate
    running = {1: Running("t", NOW)}
    known.record(P.PriorityStarted, SOMEBODY, NOW, transaction_id="t")
    assert [period.limit for period in known.expect(1, running, "A", NOW, 60)] == [32]
    known.record(P.PriorityStopped, SOMEBODY, NOW, transaction_id="t")
    assert [period.limit for period in known.expect(1, running, "A", NOW, 60)] == [16]


def test_a_car_is_offered_what_it_can_take_within_what_is_installed() -> None:
    offer = given(blank(), install(profile(id=1)), need()).aggregate.offer(1, NOW, NOW)
    assert offer is not None
    assert (offer.purpose, offer.transaction_id, offer.schedules[0].periods[0].limit) == ("TxProfile", "t", Decimal(16))
    free = given(blank(), need()).aggregate.offer(1, NOW, NOW)
    assert free is not None
    assert free.schedules[0].periods == (Period(limit=Decimal(32)),)


def test_the_operator_has_the_last_word_over_an_offer() -> None:
    offer = given(blank(), install(tx(id=5, stack_level=2)), need()).aggregate.offer(1, NOW, NOW)
    assert offer is not None
    assert offer.id == 5


def test_an_earlier_offer_does_not_bind_the_next_one() -> None:
    earlier = tx(id=9, schedules=of(Period(limit=Decimal(6))))
    offer = given(blank(), install(earlier, offered=True), need()).aggregate.offer(1, NOW, NOW)
    assert offer is not None
    assert offer.schedules[0].periods == (Period(limit=Decimal(32)),)


def test_a_car_that_does_not_listen_is_not_asked_for_ever() -> None:
    known = given(blank(), install(profile(id=1)), need()).aggregate
    for _ in range(PATIENCE):
        known.plan(1, Schedule(unit="A", periods=(Period(limit=Decimal(20)),)), NOW, "t", NOW, SOMEBODY, NOW)
    assert known.offer(1, NOW, NOW) is not None
    given(known).when(plan(20)).then(P.PlanReported).showing(reason="20 A after 0 s is more than 16 A")
    assert known.offer(1, NOW, NOW) is None
    given(known).when(plan(16)).then(P.PlanReported).showing(accepted=True)
    assert known.offer(1, NOW, NOW) is not None


def test_nobody_is_offered_anything_without_needs_or_without_a_charge() -> None:
    assert blank().offer(1, NOW, NOW) is None
    assert given(blank(), need(transaction_id=None)).aggregate.offer(1, NOW, NOW) is None


def falling() -> ChargingProfile:
    steps = (Period(start_seconds=60 * n, limit=Decimal(20 - n)) for n in range(5))
    return profile(id=1, schedules=of(*steps))


def test_an_offer_has_no_more_periods_than_the_car_can_read_and_never_more_power() -> None:
    offer = given(blank(), install(falling()), need(max_periods=3)).aggregate.offer(1, NOW, NOW)
    assert offer is not None
    assert [(p.start_seconds, p.limit) for p in offer.schedules[0].periods] == [
        (0, Decimal(20)),
        (60, Decimal(19)),
        (120, Decimal(16)),
    ]


def test_an_offer_ends_when_the_car_leaves() -> None:
    leaving = Needs(transfer="AC_three_phase", max_current_a=Decimal(32), departs_at=NOW + TWO)
    offer = given(blank(), need(leaving)).aggregate.offer(1, NOW, NOW)
    assert offer is not None
    assert offer.schedules[0].duration_seconds == TWO.total_seconds()


MOST = [
    (Needs(transfer="AC_single_phase", max_current_a=Decimal(16)), (16, "A")),
    (Needs(transfer="DC", max_current_a=Decimal(100), max_voltage_v=Decimal(400)), (40_000, "W")),
    (Needs(transfer="DC", max_current_a=Decimal(100), max_power_w=Decimal(30_000)), (30_000, "W")),
    (Needs(transfer="AC_BPT", max_power_w=Decimal(11_000)), (11_000, "W")),
    (Needs(transfer="DC"), None),
]


@pytest.mark.parametrize(("needs", "most"), MOST)
def test_the_most_a_car_can_take_is_read_from_what_it_told(needs: Needs, most: Any) -> None:
    assert needs.most == most
