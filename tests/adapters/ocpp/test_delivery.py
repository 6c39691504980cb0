"""However a station's messages are delivered, the same was charged: twice, with lost answers, late or out of order.

What a station may do: send a message again with its id or a new one, reconnect and send again what was not answered,
send its queue late, and (OCPP 2.x) send the events of one transaction in any order, for they are numbered.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.desk import Desk
from tests.history import TOKEN, event2, meter16, start16, status16, stop16

GOLDEN = Path(__file__).parents[2] / "golden" / "ocpp" / "recorded"
Message = tuple[str, dict[str, Any]]
WAYS = ("once", "again with its id", "again with a new id", "the answer is lost", "late")
SLOWLY = settings(max_examples=40, deadline=None)


def recorded(name: str, cp: str) -> list[Message]:
    lines = [json.loads(line) for line in (GOLDEN / name).read_text().splitlines()]
    frames = [line["frame"] for line in lines if (line["dir"], line["cp"]) == ("in", cp)]
    return [(frame[2], frame[3]) for frame in frames if frame[0] == 2]


def day16() -> list[Message]:
    """Two charges on one connector and one on another; the station uses the numbers it is given."""
    return [
        ("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"}),
        ("StatusNotification", status16("Preparing", 0)),
        ("StartTransaction", start16(1, 1000)),
        ("MeterValues", meter16(1, 2, 1500)),
        ("StartTransaction", start16(3, 50, "B2", 2)),
        ("MeterValues", meter16(1, 4, 2500)),
        ("MeterValues", meter16(2, 5, 80) | {"connectorId": 2}),
        ("StopTransaction", stop16(1, 9, 3000)),
        ("StopTransaction", stop16(2, 10, 150)),
        ("StartTransaction", start16(11, 3000)),
        ("StopTransaction", stop16(3, 19, 3300, "EVDisconnected")),
    ]


def day2(register_at_start: bool, register_at_end: bool) -> list[list[Message]]:
    """Two transactions under one id on one EVSE, each a list of numbered events."""
    return [
        [
            ("TransactionEvent", event2("Started", 0, at, register if register_at_start else None, **TOKEN)),
            ("TransactionEvent", event2("Updated", 1, at + 1, register + 100, "Charging")),
            ("TransactionEvent", event2("Updated", 2, at + 2, register + 250)),
            ("TransactionEvent", event2("Updated", 3, at + 3, register + 300, "SuspendedEV")),
            ("TransactionEvent", event2("Ended", 4, at + 4, register + 310 if register_at_end else None)),
        ]
        for at, register in ((1, 500), (20, 900))
    ]


async def delivered(version: str, messages: list[Message], ways: list[str]) -> tuple[list[Any], list[str]]:
    """What was charged, and what of the messages is not in the history."""
    async with Desk(version) as desk:
        numbers: dict[str, int] = {}
        for place, ((action, payload), way) in enumerate(zip(messages, ways, strict=True)):
            if way == "late":
                desk.now += timedelta(hours=7)
            said = payload
            if version == "1.6" and "transactionId" in payload:
                said = payload | {"transactionId": numbers[str(payload["transactionId"])]}
            answer = await desk.say(action, said, f"i{place}")
            if action == "StartTransaction":
                numbers[str(len(numbers) + 1)] = answer["transactionId"]
            if way == "the answer is lost":
                await desk.reconnect()
            if way in ("again with its id", "the answer is lost"):
                assert await desk.say(action, said, f"i{place}") == answer
            if way == "again with a new id":
                assert fixed(await desk.say(action, said, f"j{place}")) == fixed(answer)
        heard = Counter(action for action, _ in set(desk.said()))
        lost = [action for action, count in Counter(action for action, _ in messages).items() if heard[action] < count]
        charged = sorted((t.energy_wh, t.open, t.started_at, t.missing) for t in desk.transactions())
        return charged, lost


def fixed(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer without the time of day."""
    return {name: value for name, value in answer.items() if name != "currentTime"}


def ways(count: int) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(WAYS), min_size=count, max_size=count)


@SLOWLY
@given(ways(11))
def test_a_day_of_1_6_charges_the_same_however_it_is_delivered(plan: list[str]) -> None:
    charged, lost = asyncio.run(delivered("1.6", day16(), plan))
    assert [(energy, open_) for energy, open_, *_ in charged] == [(100, False), (300, False), (2000, False)]
    assert lost == []


@SLOWLY
@given(st.data(), st.sampled_from(["2.0.1", "2.1"]), st.booleans(), st.booleans())
def test_a_day_of_2_x_charges_the_same_however_it_is_delivered(
    data: st.DataObject, version: str, start_told: bool, end_told: bool
) -> None:
    energy = (310 if end_told else 300) - (0 if start_told else 100)
    boot: Message = ("BootNotification", {"reason": "PowerUp", "chargingStation": {"vendorName": "V", "model": "M"}})
    first, second = (data.draw(st.permutations(events)) for events in day2(start_told, end_told))
    if second[0][1]["eventType"] != "Started":  # under a used id only a start tells of another transaction
        second = sorted(second, key=lambda message: message[1]["eventType"] != "Started")
    messages = [boot, *first, *second]
    charged, lost = asyncio.run(delivered(version, messages, data.draw(ways(len(messages)))))
    assert [(wh, open_, missing) for wh, open_, _, missing in charged] == [(energy, False, 0)] * 2
    assert lost == []


@SLOWLY
@given(st.data(), st.sampled_from([("1.6", "microocpp-16.jsonl", "MO16"), ("2.0.1", "microocpp-201.jsonl", "MO201")]))
def test_a_recorded_conversation_charges_the_same_however_it_is_delivered(
    data: st.DataObject, trace: tuple[str, str, str]
) -> None:
    version, name, cp = trace
    messages = [
        (action, payload | ({"transactionId": 1} if "transactionId" in payload else {}))
        for action, payload in recorded(name, cp)
    ]
    plain = asyncio.run(delivered(version, messages, ["once"] * len(messages)))
    assert asyncio.run(delivered(version, messages, data.draw(ways(len(messages))))) == plain
