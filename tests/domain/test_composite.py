"""The composite schedule: published vectors, and what must hold for any stack of profiles."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given as always
from hypothesis import strategies as st

from domain.composite import OF_STATION, Slot, composite, excess, limit_at, station_composite, within
from domain.schedule import ChargingProfile, Kind, Period, Purpose, Schedule, Unit
from domain.stack import FOREIGN, Placed

VECTORS = json.loads((Path(__file__).parent.parent / "golden" / "energy" / "composite-vectors.json").read_text())
BEGIN = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def placed(said: dict[str, Any], number: int) -> Placed:
    schedule = said["schedule"]
    periods = (
        Period(start_seconds=start, limit=Decimal(str(limit)), phases=phases)
        for start, limit, phases in schedule["periods"]
    )
    return Placed(
        evse_id=said["evse"],
        profile=ChargingProfile(
            id=number,
            purpose=said["purpose"],
            stack_level=said["stackLevel"],
            kind=said["kind"],
            recurrency=said["recurrency"],
            valid_from=moment(said.get("validFrom")),
            valid_to=moment(said.get("validTo")),
            schedules=(
                Schedule(
                    unit=schedule["unit"],
                    periods=tuple(periods),
                    start_schedule=moment(schedule.get("startSchedule")),
                    duration_seconds=schedule.get("duration"),
                ),
            ),
        ),
    )


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_the_published_vectors_are_met(vector: dict[str, Any]) -> None:
    starts_at = datetime.fromisoformat(vector["t0"])
    running = vector["tx_start"] and datetime.fromisoformat(vector["tx_start"])
    running = starts_at if vector["simulate_tx"] else running
    profiles = [placed(said, number) for number, said in enumerate(vector["profiles"], 1)]
    ends_at = datetime.fromisoformat(vector["t1"])
    slots = composite(profiles, 1, starts_at, ends_at, vector["unit"], running)
    seen = [[round((slot.starts_at - starts_at).total_seconds()), slot.limit] for slot in slots]
    assert [[at, None if limit is None else float(limit)] for at, limit in seen] == vector["expected"]


SECONDS = st.integers(-7200, 7200)
LIMITS = st.decimals(0, 64, places=1) | st.just(Decimal(0))
PERIODS = st.lists(st.tuples(st.integers(1, 3600), LIMITS, st.sampled_from([None, 1, 3])), min_size=1, max_size=4)


@st.composite
def stacked(draw: st.DrawFn) -> Placed:
    """Some profile that may be installed."""
    purpose: Purpose = draw(st.sampled_from([*OF_STATION, "TxDefaultProfile", "TxProfile"]))
    kinds = ["Absolute", "Recurring", *([] if purpose in OF_STATION else ["Relative"])]
    kind: Kind = draw(st.sampled_from(kinds))
    steps = draw(PERIODS)
    starts = [0, *sorted({start for start, *_ in steps})]
    periods = (
        Period(start_seconds=start, limit=limit, phases=phases)
        for start, (_, limit, phases) in zip(starts, steps, strict=False)
    )
    schedule = Schedule(
        unit=draw(st.sampled_from(["A", "W"])),
        periods=tuple(periods),
        start_schedule=None if kind == "Relative" else BEGIN + timedelta(seconds=draw(SECONDS)),
        duration_seconds=draw(st.none() | st.integers(1, 7200)),
    )
    validity = draw(st.none() | st.tuples(SECONDS, st.integers(1, 3600)))
    since = None if validity is None else BEGIN + timedelta(seconds=validity[0])
    profile = ChargingProfile(
        id=draw(st.integers(1, 9)),
        purpose=purpose,
        stack_level=draw(st.integers(0, 3)),
        kind=kind,
        recurrency="Daily" if kind == "Recurring" else None,
        schedules=(schedule,),
        valid_from=since,
        valid_to=None if since is None or validity is None else since + timedelta(seconds=validity[1]),
    )
    source = draw(st.sampled_from(["EMS", "SO"])) if purpose in FOREIGN else "CSO"
    return Placed(evse_id=0 if purpose in OF_STATION else draw(st.integers(0, 1)), profile=profile, source=source)


def told(placed: Placed, at: datetime, running: datetime) -> Period | None:
    """What one profile says at one moment, by the letter of the specification and without any sweep."""
    profile, schedule = placed.profile, placed.profile.schedules[0]
    if (profile.valid_from or at) > at or (profile.valid_to is not None and profile.valid_to <= at):
        return None
    start = schedule.start_schedule or running
    if profile.kind == "Recurring":
        start += (at - start) // timedelta(days=1) * timedelta(days=1)
    passed = (at - start).total_seconds()
    if passed < 0 or (schedule.duration_seconds is not None and passed >= schedule.duration_seconds):
        return None
    return [period for period in schedule.periods if period.start_seconds <= passed][-1]


def amperes(placed: Placed, period: Period) -> Decimal:
    assert period.limit is not None
    unit = placed.profile.schedules[0].unit
    return period.limit if unit == "A" else period.limit / (230 * (period.phases or 3))


def naive(profiles: list[Placed], at: datetime, running: datetime) -> Decimal | None:
    """The composite limit at one moment, one profile after the other."""
    best: dict[tuple[str, str], tuple[tuple[int, bool], Decimal]] = {}
    for placed in profiles:
        if (period := told(placed, at, running)) is not None:
            layer = (placed.profile.purpose, placed.source)
            here = ((placed.profile.stack_level, placed.evse_id != 0), amperes(placed, period))
            known = best.get(layer)
            if known is None or here[0] > known[0] or (here[0] == known[0] and here[1] < known[1]):
                best[layer] = here
    if ("TxProfile", "CSO") in best:
        best.pop(("TxDefaultProfile", "CSO"), None)
    return min((limit for _, limit in best.values()), default=None)


STACKS = st.lists(stacked(), max_size=6)
MOMENTS = st.integers(0, 7199)


@always(STACKS, MOMENTS, SECONDS)
def test_at_every_moment_it_is_the_lowest_of_what_each_purpose_says(
    profiles: list[Placed], second: int, ran: int
) -> None:
    running, at = BEGIN + timedelta(seconds=min(ran, 0)), BEGIN + timedelta(seconds=second)
    slots = composite(profiles, 1, BEGIN, BEGIN + 2 * HOUR, "A", running)
    assert limit_at(slots, at) == naive(profiles, at, running)


@always(STACKS, st.randoms(use_true_random=False))
def test_the_order_of_the_profiles_does_not_matter(profiles: list[Placed], chance: Any) -> None:
    shuffled = list(profiles)
    chance.shuffle(shuffled)
    whole = composite(profiles, 1, BEGIN, BEGIN + 2 * HOUR, "W", BEGIN)
    assert composite(shuffled, 1, BEGIN, BEGIN + 2 * HOUR, "W", BEGIN) == whole


def test_of_two_in_the_same_place_one_counts_whatever_their_order() -> None:
    periods = [
        Period(start_seconds=0, limit=Decimal(0), phases=3),
        Period(start_seconds=0, limit=Decimal(0)),
        Period(start_seconds=0, limit=Decimal(0), limit_l2=Decimal(9)),
    ]
    pair = [
        Placed(1, ChargingProfile(id=number, purpose="TxProfile", stack_level=0, kind="Relative",
                                  schedules=(Schedule(unit="A", periods=(period,)),)))
        for number, period in enumerate(periods, 1)
    ]  # fmt: skip
    found = {composite(order, 1, BEGIN, BEGIN + HOUR, "W", BEGIN) for order in permutations(pair)}
    assert found == {(Slot(BEGIN, Decimal(0), 3),)}


@always(STACKS, st.integers(1, 7199), MOMENTS)
def test_a_window_in_two_parts_says_what_the_whole_says(profiles: list[Placed], cut: int, second: int) -> None:
    middle, at = BEGIN + timedelta(seconds=cut), BEGIN + timedelta(seconds=second)
    whole = composite(profiles, 1, BEGIN, BEGIN + 2 * HOUR, "A", BEGIN)
    first = composite(profiles, 1, BEGIN, middle, "A", BEGIN)
    second_part = composite(profiles, 1, middle, BEGIN + 2 * HOUR, "A", BEGIN)
    assert limit_at(first if at < middle else second_part, at) == limit_at(whole, at)


def simple(purpose: Purpose, limit: str | None, unit: Unit = "A", evse_id: int = 0, **more: Any) -> Placed:
    period = Period(limit=None if limit is None else Decimal(limit), **more)
    schedule = Schedule(unit=unit, periods=(period,), start_schedule=BEGIN - HOUR)
    profile = ChargingProfile(id=1, purpose=purpose, stack_level=0, kind="Absolute", schedules=(schedule,))
    return Placed(evse_id=evse_id, profile=profile)


def limits(profiles: list[Placed], unit: Unit = "A", priority: bool = False) -> list[Decimal | None]:
    return [slot.limit for slot in composite(profiles, 1, BEGIN, BEGIN + HOUR, unit, BEGIN, priority)]


def test_without_a_charge_only_the_limits_of_the_station_hold() -> None:
    profiles = [simple("ChargingStationMaxProfile", "32"), simple("TxDefaultProfile", "10")]
    assert [slot.limit for slot in composite(profiles, 1, BEGIN, BEGIN + HOUR, "A", None)] == [32]


def test_nothing_is_unlimited_and_zero_is_a_limit() -> None:
    assert limits([]) == [None]
    assert limits([simple("TxProfile", "0"), simple("ChargingStationMaxProfile", "32")]) == [0]


def test_a_tx_profile_may_raise_what_the_default_says() -> None:
    assert limits([simple("TxDefaultProfile", "10"), simple("TxProfile", "16", evse_id=1)]) == [16]


def test_priority_overrules_a_tx_profile_only_while_it_is_on() -> None:
    profiles = [simple("TxProfile", "6", evse_id=1), simple("PriorityCharging", "32")]
    assert limits(profiles) == [6]
    assert limits(profiles, priority=True) == [32]


def test_local_generation_comes_on_top() -> None:
    assert limits([simple("TxDefaultProfile", "5000", "W"), simple("LocalGeneration", "2000", "W")], "W") == [7000]


def test_an_idle_period_lets_nothing_flow_and_a_setpoint_is_a_limit() -> None:
    assert limits([simple("TxDefaultProfile", None, operation_mode="Idle")]) == [0]
    assert limits([simple("TxDefaultProfile", None, setpoint=Decimal(9))]) == [9]
    assert limits([simple("TxDefaultProfile", None, setpoint=Decimal(-9))]) == [0]


def test_limits_of_single_phases_count_as_the_lowest_in_amperes_and_in_all_in_watts() -> None:
    phases: dict[str, Any] = {"limit_l2": Decimal(8), "limit_l3": Decimal(6)}
    assert limits([simple("TxDefaultProfile", "10", **phases)]) == [6]
    assert limits([simple("TxDefaultProfile", "10", **phases)], "W") == [24 * 230]


def test_a_station_gets_the_sum_of_its_charges_within_its_own_limit() -> None:
    profiles = [simple("TxDefaultProfile", "10")]
    running = {1: BEGIN, 2: BEGIN}
    both = station_composite(profiles, running, BEGIN, BEGIN + HOUR, "A")
    profiles.append(simple("ChargingStationMaxProfile", "16"))
    capped = station_composite(profiles, running, BEGIN, BEGIN + HOUR, "A")
    assert both == (Slot(BEGIN, Decimal(20)),)
    assert capped == (Slot(BEGIN, Decimal(16)),)


def test_fifty_profiles_over_a_day_take_milliseconds() -> None:
    many = [
        Placed(
            evse_id=1,
            profile=ChargingProfile(
                id=number,
                purpose="TxDefaultProfile",
                stack_level=number,
                kind="Recurring",
                recurrency="Daily",
                schedules=(
                    Schedule(
                        unit="A",
                        start_schedule=BEGIN + timedelta(minutes=28 * number),
                        duration_seconds=1200,
                        periods=tuple(Period(start_seconds=60 * n, limit=Decimal(6 + n)) for n in range(10)),
                    ),
                ),
            ),
        )
        for number in range(50)
    ]
    began = time.perf_counter()
    slots = composite(many, 1, BEGIN, BEGIN + 24 * HOUR, "A", BEGIN)
    assert len(slots) > 400
    assert time.perf_counter() - began < 0.5, "a hundred times what it takes"


def plan(limit: str) -> Schedule:
    return Schedule(unit="A", duration_seconds=600, periods=(Period(limit=Decimal(limit)),))


def test_a_plan_is_within_its_limits_or_says_where_it_is_not() -> None:
    allowed = [simple("TxDefaultProfile", "10")]
    assert excess(allowed, 1, plan("10"), BEGIN, BEGIN) is None
    assert excess(allowed, 1, plan("10.1"), BEGIN, BEGIN) == "10.1 A after 0 s is more than 10 A"
    assert excess([], 1, plan("99"), BEGIN, BEGIN) is None


def test_a_station_that_allows_more_than_expected_is_noticed_but_rounding_is_not() -> None:
    said = (Period(limit=Decimal(16)), Period(start_seconds=60, limit=Decimal(8)))
    assert within(said, (Period(limit=Decimal(16)), Period(start_seconds=60, limit=Decimal("7.95"))))
    assert not within(said, (Period(limit=Decimal(16)), Period(start_seconds=30, limit=Decimal(8))))
    assert within(said, (Period(),))
