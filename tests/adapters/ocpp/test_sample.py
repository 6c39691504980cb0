"""Meter values and times as stations write them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ocpp.v16 import enums as v16
from ocpp.v21 import enums as v21
from ocpp.v201 import enums as v201

from adapters.ocpp.sample import readings2, readings16, when
from domain.meter import CONTEXT_RANKS, LOCATION_RANKS, UPSTREAM, Reading

FIELD = Path(__file__).parents[2] / "golden" / "ocpp" / "field-frames.jsonl"
ARRIVAL = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
NOON = "2024-05-01T12:00:00Z"
AT = datetime(2024, 5, 1, 12, 0, tzinfo=UTC)


def heard16(*values: dict[str, Any]) -> tuple[Reading, ...]:
    return readings16([{"timestamp": NOON, "sampledValue": list(values)}], ARRIVAL)


def heard2(*values: dict[str, Any]) -> tuple[Reading, ...]:
    return readings2([{"timestamp": NOON, "sampledValue": list(values)}], ARRIVAL)


def test_a_bare_value_is_the_energy_register_in_wh() -> None:
    assert heard16({"value": "1500"}) == heard2({"value": 1500}) == (Reading(at=AT, register_wh=1500.0),)


@pytest.mark.parametrize(("text", "current_a"), [("2e+01", 20.0), ("46.0", 46.0), (" 7 ", 7.0), ("-1.5", -1.5)])
def test_numbers_are_read_however_they_are_written(text: str, current_a: float) -> None:
    assert heard16({"value": text, "measurand": "Current.Import", "unit": "A"})[0].current_a == current_a


@pytest.mark.parametrize("text", ["", " ", "n/a", "NaN", "inf", "-Infinity", "1e400", "1,5", "0x10"])
def test_what_is_no_number_is_no_sample(text: str) -> None:
    assert heard16({"value": text}) == ()


def test_signed_data_is_never_taken_for_a_number() -> None:
    assert heard16({"value": "12345678", "format": "SignedData"}) == ()
    assert heard16({"value": "12345678", "format": "SignedData"}, {"value": "7"})[0].register_wh == 7.0


def test_a_number_with_a_signature_beside_it_is_a_number() -> None:
    signature = {"signedMeterData": "c2ln", "signingMethod": "", "encodingMethod": "OCMF", "publicKey": ""}
    assert heard2({"value": 7, "signedMeterValue": signature})[0].register_wh == 7.0


def test_units_and_powers_of_ten_mean_the_same_energy() -> None:
    same = [
        heard16({"value": "12.345", "unit": "kWh"}),
        heard2({"value": 12.345, "unitOfMeasure": {"unit": "kWh"}}),
        heard2({"value": 12.345, "unitOfMeasure": {"multiplier": 3}}),
        heard2({"value": 12345, "unitOfMeasure": {"unit": "Wh", "multiplier": 0}}),
        heard2({"value": 1.2345, "unitOfMeasure": {"unit": "kWh", "multiplier": 1}}),
    ]
    assert {readings[0].register_wh for readings in same} == {12345.0}


def test_no_samples_give_no_reading() -> None:
    assert heard16() == heard2() == ()


def test_each_meter_value_is_a_reading_at_its_own_time() -> None:
    values = [{"timestamp": f"2024-05-01T12:0{m}:00Z", "sampledValue": [{"value": str(m)}]} for m in range(3)]
    assert [(r.at.minute, r.register_wh) for r in readings16(values, ARRIVAL)] == [(0, 0.0), (1, 1.0), (2, 2.0)]


def test_every_context_and_location_of_every_version_has_its_rank() -> None:
    contexts = [*v16.ReadingContext, *v201.ReadingContextEnumType, *v21.ReadingContextEnumType]
    locations = [*v16.Location, *v201.LocationEnumType, *v21.LocationEnumType]
    assert {str(context.value) for context in contexts} == set(CONTEXT_RANKS)
    assert {str(location.value) for location in locations} == {*LOCATION_RANKS, UPSTREAM}


def test_what_real_stations_sent_is_understood() -> None:
    lines = [json.loads(line) for line in FIELD.read_text().splitlines()]
    frames = {line["device"].split(",")[0]: line["frame"] for line in lines if line["frame"][2] == "MeterValues"}

    def heard(device: str) -> list[Reading]:
        return list(readings16(frames[device][3]["meterValue"], ARRIVAL))

    assert heard("ABB Terra DC") == [
        Reading(
            at=ARRIVAL,
            register_wh=364208.0,
            power_w=19343.0,
            soc_percent=46.0,
            offered_a=29.9,
            current_a=29.0,
            voltage_v=667.0,
        )
    ]
    at = datetime(2021, 3, 17, 19, 24, 54, tzinfo=UTC)
    assert heard("Wallbox Pulsar") == [Reading(at=at, register_wh=333.0, current_a=20.0, offered_a=32.0)]
    assert heard("Heidelberg Amperfied connect.business") == heard("unnamed charger") == []


@pytest.mark.parametrize(
    "text",
    [
        "2024-05-01T12:00:00Z",
        "2024-05-01T12:00:00z",
        " 2024-05-01T12:00:00Z ",
        "2024-05-01T12:00:00",
        "2024-05-01 12:00:00+00:00",
        "2024-05-01T14:00:00+02:00",
        "2024-05-01T14:00:00+0200",
        "2024-05-01T12:00:00.0Z",
        "2024-05-01T12:00:00.000000000Z",
    ],
)
def test_a_time_is_utc_however_it_is_written(text: str) -> None:
    assert when(text, ARRIVAL) == AT
    assert when(text, ARRIVAL).tzinfo is UTC


@pytest.mark.parametrize("digits", range(1, 10))
def test_up_to_nine_decimals_are_cut_to_microseconds(digits: int) -> None:
    fraction = "123456789"[:digits]
    expected = AT.replace(microsecond=int(fraction[:6].ljust(6, "0")))
    assert when(f"2024-05-01T12:00:00.{fraction}Z", ARRIVAL) == expected
    assert when(f"2024-05-01T14:00:00.{fraction}+02:00", ARRIVAL) == expected


@pytest.mark.parametrize("text", [None, "", "0", "yesterday", "2024-05-01T12:00:60Z", "0001-01-01T00:00:00+05:00"])
def test_a_time_that_cannot_be_read_is_the_arrival(text: str | None) -> None:
    assert when(text, ARRIVAL) == ARRIVAL


@given(st.text())
def test_no_text_in_place_of_a_time_makes_us_fail(text: str) -> None:
    assert when(text, ARRIVAL).tzinfo is UTC


@given(st.datetimes(datetime(2009, 1, 2), datetime(2999, 1, 1)))
def test_a_time_we_wrote_is_read_back(naive: datetime) -> None:
    at = naive.replace(tzinfo=UTC)
    assert when(orjson.loads(orjson.dumps(at)), ARRIVAL) == at
