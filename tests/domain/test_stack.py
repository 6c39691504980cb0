"""What may be put into the stack of charging profiles."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.event import Refusal
from domain.schedule import ChargingProfile, Period, Schedule
from domain.stack import Criteria, Placed, check, check_start, clash, over, rivals
from tests.scenario import NOW

HOUR = timedelta(hours=1)
PERIOD = Period(limit=Decimal(16))
SCHEDULE = Schedule(unit="A", start_schedule=NOW, periods=(PERIOD,))
FREE = Schedule(unit="A", periods=(PERIOD,))


def profile(**facts: Any) -> ChargingProfile:
    sound: dict[str, Any] = {
        "purpose": "TxDefaultProfile",
        "stack_level": 0,
        "kind": "Absolute",
        "schedules": (SCHEDULE,),
    }
    return ChargingProfile(**(sound | facts))


def tx(**facts: Any) -> ChargingProfile:
    return profile(**({"purpose": "TxProfile", "transaction_id": "t"} | facts))


def of(*periods: Period, **facts: Any) -> tuple[Schedule, ...]:
    said: dict[str, Any] = {"unit": "A", "start_schedule": NOW, "periods": periods}
    return (Schedule(**(said | facts)),)


SOUND = [
    (0, profile()),
    (1, profile()),
    (1, tx(kind="Relative", schedules=(FREE,))),
    (0, profile(purpose="ChargingStationMaxProfile")),
    (0, profile(kind="Recurring", recurrency="Weekly")),
    (1, profile(kind="Dynamic", schedules=(FREE,), update_interval_seconds=30)),
    (0, profile(purpose="PriorityCharging")),
    (1, profile(schedules=of(Period(limit=Decimal(6), phases=1, phase_to_use=2)))),
]


@pytest.mark.parametrize(("evse_id", "wanted"), SOUND)
def test_a_sound_profile_may_be_sent(evse_id: int, wanted: ChargingProfile) -> None:
    check(evse_id, wanted)


IDLE = Period(operation_mode="Idle", limit=Decimal(1))
BROKEN = [
    (0, profile(purpose="ChargingStationExternalConstraints"), "K01.FR.22"),
    (0, profile(id=-1), "K11.FR.06"),
    (1, tx(transaction_id=None), "K01.FR.03"),
    (0, profile(transaction_id="t"), "K01.FR.03"),
    (0, tx(), "K01.FR.16"),
    (1, profile(purpose="ChargingStationMaxProfile"), "EVSE 0"),
    (0, profile(purpose="ChargingStationMaxProfile", kind="Relative", schedules=(FREE,)), "K01.FR.38"),
    (0, profile(schedules=()), "one to three"),
    (0, profile(schedules=(SCHEDULE,) * 4), "one to three"),
    (0, profile(schedules=of()), "K01.FR.31"),
    (0, profile(schedules=of(Period(start_seconds=1))), "K01.FR.31"),
    (0, profile(schedules=of(PERIOD, PERIOD)), "K01.FR.35"),
    (0, profile(schedules=of(PERIOD, duration_seconds=0)), "a second"),
    (0, profile(kind="Recurring"), "recurrency"),
    (0, profile(recurrency="Daily"), "recurrency"),
    (0, profile(schedules=(FREE,)), "K01.FR.40"),
    (0, profile(kind="Relative"), "K01.FR.41"),
    (0, profile(valid_from=NOW, valid_to=NOW), "after validFrom"),
    (0, profile(schedules=of(Period(limit=Decimal("-1")))), "negative"),
    (0, profile(schedules=of(Period(limit=Decimal("NaN")))), "number"),
    (0, profile(schedules=of(Period(limit=Decimal("Infinity")))), "number"),
    (0, profile(schedules=of(Period(discharge_limit=Decimal(1)))), "not positive"),
    (0, profile(schedules=of(Period(limit=Decimal(1), phases=3, phase_to_use=1))), "K01.FR.19"),
    (0, profile(schedules=of(IDLE)), "Idle"),
    (0, profile(update_interval_seconds=1), "K28.FR.04"),
    (0, profile(kind="Dynamic", schedules=of(PERIOD, Period(start_seconds=1))), "K28.FR.01"),
    (0, profile(purpose="PriorityCharging", schedules=of(PERIOD, duration_seconds=1)), "K01.FR.70"),
    (0, profile(purpose="PriorityCharging", schedules=of(Period(operation_mode="Idle"))), "K01.FR.71"),
    (0, profile(purpose="ChargingStationMaxProfile", schedules=of(PERIOD, randomized_delay_seconds=5)), "K01.FR.95"),
]


@pytest.mark.parametrize(("evse_id", "wanted", "reason"), BROKEN)
def test_what_breaks_a_requirement_is_refused_with_its_name(evse_id: int, wanted: ChargingProfile, reason: str) -> None:
    with pytest.raises(Refusal, match=reason):
        check(evse_id, wanted)


def test_a_remote_start_carries_a_tx_profile_without_transaction() -> None:
    check_start(tx(transaction_id=None, kind="Relative", schedules=(FREE,)))
    with pytest.raises(Refusal, match="TxProfile"):
        check_start(profile())
    with pytest.raises(Refusal, match="none yet"):
        check_start(tx())
    with pytest.raises(Refusal, match="one schedule"):
        check_start(tx(transaction_id=None, schedules=(SCHEDULE, SCHEDULE)))


def there(evse_id: int = 1, **facts: Any) -> Placed:
    return Placed(evse_id=evse_id, profile=profile(**({"id": 1} | facts)))


def test_two_profiles_in_one_place_at_one_time_are_rivals() -> None:
    assert rivals(there(), 1, profile(id=2))
    assert not rivals(there(), 2, profile(id=2))
    assert not rivals(there(), 1, profile(id=2, stack_level=1))
    assert not rivals(there(valid_to=NOW), 1, profile(id=2, valid_from=NOW))
    assert not rivals(there(valid_from=NOW), 1, profile(id=2, valid_to=NOW))
    assert rivals(there(valid_to=NOW), 1, profile(id=2, valid_from=NOW - HOUR))


def test_a_default_of_one_level_is_on_the_station_or_on_an_evse() -> None:
    assert clash(there(0), 1, profile(id=2))
    assert clash(there(1), 0, profile(id=2))
    assert not clash(there(1), 2, profile(id=2))
    assert not clash(there(0), 1, profile(id=2, stack_level=1))


def test_a_tx_profile_of_another_transaction_on_that_evse_is_over() -> None:
    known = Placed(evse_id=1, profile=tx(id=1))
    assert over(known, 1, tx(id=2, transaction_id="u"))
    assert not over(known, 1, tx(id=2))
    assert not over(known, 2, tx(id=2, transaction_id="u"))


def test_criteria_match_what_is_said_and_nothing_else_counts() -> None:
    known = there(1, stack_level=3)
    assert Criteria().match(known)
    assert Criteria(evse_id=1, purpose="TxDefaultProfile", stack_level=3, ids=(1, 2), sources=("CSO",)).match(known)
    wrong = (
        Criteria(evse_id=0), Criteria(purpose="TxProfile"), Criteria(stack_level=2), Criteria(ids=(2,)),
        Criteria(sources=("EMS",)),
    )  # fmt: skip
    assert not any(criteria.match(known) for criteria in wrong)
