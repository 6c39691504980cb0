"""Charging profiles in the words of each version, and back."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given as always
from hypothesis import strategies as st

from adapters.ocpp import schema
from adapters.ocpp.schedule import Words, heard, moment, say, wished
from adapters.ocpp.v16 import profile as v16
from adapters.ocpp.v21 import profile as v21
from adapters.ocpp.v201 import profile as v201
from domain.event import Refusal
from domain.schedule import (
    ChargingProfile,
    FrequencyPoint,
    LimitAtSoc,
    Period,
    Schedule,
    SignalPoint,
)  # fmt: skip
from tests.scenario import NOW

PERIODS = (
    Period(limit=Decimal("16.0"), phases=3),
    Period(start_seconds=60, limit=Decimal("8.1"), phases=1, phase_to_use=2),
)
SIMPLE = ChargingProfile(
    id=7,
    purpose="TxDefaultProfile",
    stack_level=2,
    kind="Recurring",
    recurrency="Daily",
    valid_from=NOW,
    valid_to=NOW,
    schedules=(
        Schedule(unit="A", periods=PERIODS, start_schedule=NOW, duration_seconds=60, min_charging_rate=Decimal("6.0")),
    ),
)
RICH = Period(
    limit=Decimal("11.0"),
    limit_l2=Decimal("10.0"),
    limit_l3=Decimal("9.0"),
    discharge_limit=Decimal("-5.0"),
    discharge_limit_l2=Decimal("-4.0"),
    discharge_limit_l3=Decimal("-3.0"),
    setpoint=Decimal("2.0"),
    setpoint_l2=Decimal("1.0"),
    setpoint_l3=Decimal("0.5"),
    setpoint_reactive=Decimal("0.1"),
    setpoint_reactive_l2=Decimal("0.2"),
    setpoint_reactive_l3=Decimal("0.3"),
    operation_mode="LocalFrequency",
    preconditioning=True,
    evse_sleep=False,
    baseline=Decimal("100.0"),
    frequency_curve=(FrequencyPoint(frequency_hz=Decimal("50.2"), power_w=Decimal("-10.0")),),
    signal_curve=(SignalPoint(signal=-3, power_w=Decimal("10.0")),),
)
EVERYTHING = msgspec.structs.replace(
    SIMPLE,
    schedules=(
        msgspec.structs.replace(
            SIMPLE.schedules[0],
            periods=(RICH,),
            power_tolerance=Decimal("5.0"),
            limit_at_soc=LimitAtSoc(soc_percent=80, limit=Decimal("6.0")),
            use_local_time=True,
            randomized_delay_seconds=30,
        ),
    ),
    max_offline_seconds=60,
    invalid_after_offline=True,
    update_interval_seconds=30,
    updated_at=NOW,
)


@pytest.mark.parametrize(
    ("profile", "words"), [(SIMPLE, v201.PROFILE), (SIMPLE, v21.PROFILE), (EVERYTHING, v21.PROFILE)]
)
def test_what_is_said_is_heard_again_as_it_was_meant(profile: ChargingProfile, words: Words) -> None:
    assert heard(say(profile, words), words, ChargingProfile) == profile


@pytest.mark.parametrize("shape", [ChargingProfile, Schedule, Period])
def test_ocpp_21_has_a_word_for_everything(shape: Any) -> None:
    words: dict[Any, Words] = {ChargingProfile: v21.PROFILE, Schedule: v21.SCHEDULE, Period: v21.PERIOD}
    missing = set(shape.__struct_fields__) - words[shape].keys()
    assert missing <= {"transaction_id"}, "which is said by the station's own name"


def test_everything_is_valid_by_the_schema_of_ocpp_21() -> None:
    payload = {"evseId": 1, "chargingProfile": v201.written(EVERYTHING, v21.PROFILE)}
    assert schema.violation("2.1", "SetChargingProfile", "request", payload) is None


OLDER: list[tuple[ChargingProfile, Words]] = [
    (EVERYTHING, v201.PROFILE),
    (SIMPLE, v16.PROFILE),
]


@pytest.mark.parametrize(("profile", "words"), OLDER)
def test_what_a_version_has_no_word_for_is_refused_and_never_left_out(profile: ChargingProfile, words: Words) -> None:
    with pytest.raises(Refusal, match="this version of OCPP has no"):
        say(profile, words)


@always(st.decimals(0, 100_000, places=3))
def test_a_limit_is_sent_with_one_decimal_and_never_above_what_was_asked(limit: Decimal) -> None:
    sent = Decimal(str(say(Period(limit=limit), v16.PERIOD)["limit"]))
    assert limit - Decimal("0.1") < sent <= limit
    assert sent == round(sent, 1)


@always(st.integers(0, 4000))
def test_every_limit_of_one_decimal_is_valid_in_ocpp_16(tenths: int) -> None:
    period = Period(limit=Decimal(tenths) / 10)
    profile = msgspec.structs.replace(SIMPLE, schedules=(Schedule(unit="A", periods=(period,), start_schedule=NOW),))
    payload = {"connectorId": 1, "csChargingProfiles": v16.written(profile)}
    assert schema.violation("1.6", "SetChargingProfile", "request", payload) is None


@pytest.mark.parametrize("limit", ["NaN", "Infinity", "1E+400"])
def test_what_is_no_limit_is_refused(limit: str) -> None:
    with pytest.raises(Refusal):
        say(Period(limit=Decimal(limit)), v16.PERIOD)


def test_parameters_that_are_no_profile_are_refused_with_the_place() -> None:
    with pytest.raises(Refusal, match="purpose"):
        wished({"stack_level": 1}, ChargingProfile)


@pytest.mark.parametrize("text", ["", "0", "yesterday", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00+14:00"])
def test_a_time_that_is_none_is_never_taken_for_now(text: str) -> None:
    assert moment(text) is None
