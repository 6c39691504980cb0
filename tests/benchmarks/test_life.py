"""A station of the fleet lives as OCPP wants it, in each version, and says only what is valid."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest
from ocpp.messages import Call, validate_payload

from api.bench.life import CHARGING, FLEET, METER_S, Life, Life16, Life21, Life201, life


class Told(Exception):
    """Enough was said."""


class Ear:
    """A line that answers at once and on which time does not pass, only counts."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.said: list[tuple[str, dict[str, Any]]] = []
        self.passed_s = 0.0

    async def say(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        self.said.append((action, payload))
        if len(self.said) >= self.most:
            raise Told
        return {"transactionId": 4711} if action == "StartTransaction" else {}

    async def rest(self, seconds: float) -> None:
        self.passed_s += seconds


def ear(living: Life, most: int = 300) -> Ear:
    """What a station says while it arrives, works and beats."""
    made = Ear(most)

    async def live() -> None:
        await living.arrive(made)
        await living.work(made)

    with contextlib.suppress(Told):
        asyncio.run(live())
    return made


@pytest.mark.parametrize("kind", [Life16, Life201, Life21])
def test_every_call_of_a_life_is_valid(kind: type[Life]) -> None:
    for action, payload in ear(kind(1)).said:
        asyncio.run(validate_payload(Call("1", action, payload), kind.version))


def test_a_session_of_ocpp_1_6_goes_from_preparing_to_available() -> None:
    said = [(action, payload.get("status")) for action, payload in ear(Life16(1)).said]
    begin, end = said.index(("StatusNotification", "Preparing")), said.index(("StatusNotification", "Finishing"))

    assert said[begin : begin + 4] == [
        ("StatusNotification", "Preparing"),
        ("Authorize", None),
        ("StartTransaction", None),
        ("StatusNotification", "Charging"),
    ]
    assert {action for action, _ in said[begin + 4 : end]} == {"MeterValues"}
    assert said[end : end + 3] == [
        ("StatusNotification", "Finishing"),
        ("StopTransaction", None),
        ("StatusNotification", "Available"),
    ]


def test_the_events_of_a_transaction_of_ocpp_2_have_one_id_and_count_up() -> None:
    events = [payload for action, payload in ear(Life201(1)).said if action == "TransactionEvent"]
    first = [each for each in events if each["transactionInfo"]["transactionId"] == "F00001-1"]

    assert [each["seqNo"] for each in first] == list(range(len(first)))
    assert [first[0]["eventType"], first[-1]["eventType"]] == ["Started", "Ended"]
    assert len({each["transactionInfo"]["transactionId"] for each in events}) > 1


def test_registers_only_grow() -> None:
    meters = [payload for action, payload in ear(Life16(1)).said if action == "MeterValues"]
    registers = [int(each["meterValue"][0]["sampledValue"][0]["value"]) for each in meters]

    assert registers == sorted(set(registers))


def test_the_fleet_charges_as_much_in_the_end_as_in_the_beginning() -> None:
    """The share of time in sessions is the share of stations that begin in one."""
    lives = [life(index) for index in range(400)]
    heard = [ear(living, 120) for living in lives]
    metering_s = sum(METER_S * sum(a in ("MeterValues", "TransactionEvent") for a, _ in each.said) for each in heard)

    assert sum(living.charges for living in lives) / len(lives) == pytest.approx(CHARGING, abs=0.06)
    assert metering_s / sum(each.passed_s for each in heard) == pytest.approx(CHARGING, abs=0.06)


def test_of_ten_stations_six_speak_1_6() -> None:
    assert [kind.version for kind in FLEET] == ["1.6"] * 6 + ["2.0.1"] * 3 + ["2.1"]
    assert life(12_345).version == "1.6"
