"""The load says nothing a real station could not say: every call passes the validator of the `ocpp` package."""

from __future__ import annotations

import asyncio
import json

import pytest
from ocpp.messages import Call, validate_payload

from api.bench.frame import TEXT, frame, split
from api.bench.script import CYCLE, SCRIPTS, Meter, Mixed, Script, Start


def calls(script: Script, count: int) -> list[bytes]:
    script.number = 123_456
    said = [boot() for boot in script.boot()]
    return said + [call for _ in range(count) if (call := script.next()) is not None]


@pytest.mark.parametrize(("name", "version"), [("meter", "1.6"), ("mixed", "1.6"), ("idle", "1.6"), ("start", "2.0.1")])
def test_every_call_of_the_load_is_valid(name: str, version: str) -> None:
    for call in calls(SCRIPTS[name](1), 20):
        action, payload = json.loads(b"[" + call + b"]")
        asyncio.run(validate_payload(Call("1", action, payload), version))


def test_meter_values_have_nine_samples_and_771_bytes() -> None:
    script = Meter(1)
    script.number = 123_456
    text = b'[2,"B00001-000001",' + script.next() + b"]"

    assert len(text) == 771
    assert len(json.loads(text)[3]["meterValue"][0]["sampledValue"]) == 9


def test_the_mixed_profile_is_the_published_one() -> None:
    said = [json.loads(b"[" + call + b"]")[0] for call in calls(Mixed(0), len(CYCLE))][1:]

    counts = {action: said.count(action) for action in said}
    assert counts == {
        "MeterValues": 12,
        "StatusNotification": 4,
        "Heartbeat": 2,
        "StartTransaction": 1,
        "StopTransaction": 1,
    }


def test_a_station_that_enters_the_cycle_while_charging_starts_its_transaction_before() -> None:
    assert b"StartTransaction" in calls(Mixed(CYCLE.index("meter")), 0)[-1]


def test_a_station_starts_once_in_the_storm() -> None:
    assert len(calls(Start(1), 10)) == 4


@pytest.mark.parametrize("size", [0, 5, 125, 126, 771, 60_000])
def test_a_frame_is_masked_and_carries_its_text(size: int) -> None:
    text = b"x" * size
    masked = frame(text)
    at = 2 if size < 126 else 4
    key = masked[at : at + 4]

    assert masked[0] == TEXT
    assert masked[1] & 0x80
    assert bytes(byte ^ key[i % 4] for i, byte in enumerate(masked[at + 4 :])) == text


@pytest.mark.parametrize("size", [0, 125, 126, 70_000])
def test_frames_of_a_server_are_split_wherever_the_network_cuts_them(size: int) -> None:
    short, middle, long = bytes([size % 256]), b"\x7e" + size.to_bytes(4, "big")[2:], b"\x7f" + size.to_bytes(8, "big")
    whole = bytes([TEXT]) + (short if size < 126 else middle if size < 65_536 else long) + b"y" * size

    assert split(whole + b"rest") == (TEXT, b"y" * size, b"rest")
    assert all(split(whole[:cut]) is None for cut in range(0, len(whole), 997))
