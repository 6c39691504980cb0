"""What stations write that is not valid: what it means, and by which rule. What can mean two things is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from adapters.ocpp import schema
from adapters.ocpp.repair import repair
from adapters.ocpp.rule import RULES, title
from adapters.ocpp.schema import Kind
from tests.adapters.ocpp import corpus
from tests.desk import Desk

GOLDEN = Path(__file__).parents[2] / "golden" / "ocpp"
AT = "2026-11-23T10:00:00Z"
METER: dict[str, Any] = {"connectorId": 1, "meterValue": [{"timestamp": AT, "sampledValue": [{"value": "1"}]}]}
STATUS: dict[str, Any] = {"connectorId": 1, "errorCode": "NoError", "status": "Available", "timestamp": AT}
STOP: dict[str, Any] = {"transactionId": 1, "meterStop": 5, "timestamp": AT}
START: dict[str, Any] = {"connectorId": 1, "idTag": "A", "meterStart": 0, "timestamp": AT}
BOOT: dict[str, Any] = {"chargePointVendor": "V", "chargePointModel": "M"}
EVENT: dict[str, Any] = {
    "eventType": "Started", "timestamp": AT, "triggerReason": "CablePluggedIn", "seqNo": 0,
    "transactionInfo": {"transactionId": "t"},
}  # fmt: skip


def sampled(*samples: Any) -> dict[str, Any]:
    return METER | {"meterValue": [{"timestamp": AT, "sampledValue": list(samples)}]}


def without(payload: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in payload.items() if key != name}


# version, action, what is said, what is meant (None: as said), rule
SEEN: list[tuple[str, str, Any, Any, str]] = [
    ("1.6", "MeterValues", METER | {"meterValue": METER["meterValue"][0]}, METER, "object for list"),
    ("1.6", "MeterValues", sampled({"value": 1}), METER, "number for text"),
    ("1.6", "MeterValues", sampled({"value": 2.5}), sampled({"value": "2.5"}), "number for text"),
    ("1.6", "MeterValues", sampled({"value": None}), None, "empty sample"),
    ("1.6", "MeterValues", sampled({"unit": "Wh"}), None, "empty sample"),
    ("1.6", "MeterValues", sampled(), None, "empty list"),
    ("1.6", "MeterValues", METER | {"meterValue": []}, None, "empty list"),
    ("1.6", "MeterValues", METER | {"meterValue": [{"timestamp": AT}]}, sampled(), "missing samples"),
    ("1.6", "MeterValues", METER | {"transactionId": "7"}, METER | {"transactionId": 7}, "text for number"),
    ("1.6", "MeterValues", METER | {"connectorId": 1.0}, METER, "point in whole number"),
    ("1.6", "MeterValues", without(METER, "connectorId"), METER | {"connectorId": 3}, "missing connector"),
    ("1.6", "MeterValues", METER | {"transactionId": None}, METER, "null for nothing"),
    ("1.6", "MeterValues", sampled({"value": "1", "unit": "kwh"}), sampled({"value": "1", "unit": "kWh"}),
     "word in other case"),
    ("1.6", "MeterValues", sampled({"value": "1", "measurand": "Humidity"}), None, "unknown word"),
    ("1.6", "MeterValues", sampled({"value": "1", "unit": ""}), METER, "empty value"),
    ("1.6", "MeterValues", METER | {"vendor": 1}, METER, "unknown field"),
    ("1.6", "StatusNotification", STATUS | {"errorCode": "Error"},
     STATUS | {"errorCode": "OtherError", "vendorErrorCode": "Error"}, "unknown error code"),
    ("1.6", "StatusNotification", without(STATUS, "errorCode"), STATUS, "missing error code"),
    ("1.6", "StatusNotification", STATUS | {"info": "x" * 80}, None, "long text"),
    ("1.6", "StatusNotification", STATUS | {"status": "available"}, STATUS, "word in other case"),
    ("1.6", "StartTransaction", START | {"idTag": "x" * 40}, None, "long text"),
    ("1.6", "StartTransaction", without(START, "timestamp"), START | {"timestamp": ""}, "missing time"),
    ("1.6", "StartTransaction", without(START, "idTag") | {"idtag": "A"}, START, "field in other case"),
    ("1.6", "StartTransaction", START | {"meterStart": 12.5}, None, "point in whole number"),
    ("1.6", "StopTransaction", STOP | {"reason": "Vandalism"}, None, "unknown word"),
    ("1.6", "StopTransaction", STOP | {"reason": ""}, STOP, "empty value"),
    ("1.6", "StopTransaction", without(STOP, "meterStop"), None, "missing register"),
    ("1.6", "StopTransaction", without(STOP, "transactionId"), STOP | {"transactionId": -1}, "missing number"),
    ("1.6", "BootNotification", without(BOOT, "chargePointModel"), BOOT | {"chargePointModel": ""}, "missing name"),
    ("1.6", "DataTransfer", {"vendorId": "G", "data": {"a": 1}}, {"vendorId": "G", "data": '{"a":1}'},
     "object for text"),
    ("2.0.1", "TransactionEvent", EVENT | {"offline": "true"}, EVENT | {"offline": True}, "text for truth"),
    ("2.0.1", "TransactionEvent", EVENT | {"triggerReason": "Boredom"}, None, "unknown word"),
    ("2.0.1", "TransactionEvent",
     EVENT | {"transactionInfo": {"transactionId": "t", "chargingState": "Dancing"}}, EVENT, "unknown word"),
    ("2.0.1", "TransactionEvent", EVENT | {"meterValue": []}, None, "empty list"),
    ("2.0.1", "TransactionEvent", EVENT | {"customData": {"x": 1}}, EVENT, "broken custom data"),
    ("2.1", "TransactionEvent", without(EVENT, "timestamp"), EVENT | {"timestamp": ""}, "missing time"),
]  # fmt: skip
ANSWERED: list[tuple[str, str, Any, Any, str]] = [
    ("1.6", "GetConfiguration", {"configurationKey": [{"key": "k", "readonly": False, "value": 60}]},
     {"configurationKey": [{"key": "k", "readonly": False, "value": "60"}]}, "number for text"),
    ("1.6", "GetCompositeSchedule",
     {"status": "Rejected", "chargingSchedule": {"chargingRateUnit": "", "chargingSchedulePeriod": []}},
     {"status": "Rejected"}, "broken rest"),
    ("1.6", "GetCompositeSchedule",
     {"status": "Accepted", "chargingSchedule": {"chargingRateUnit": "w", "chargingSchedulePeriod":
      [{"startPeriod": 0, "limit": 16}]}},
     {"status": "Accepted", "chargingSchedule": {"chargingRateUnit": "W", "chargingSchedulePeriod":
      [{"startPeriod": 0, "limit": 16}]}}, "word in other case"),
    ("2.0.1", "Reset", {"status": "accepted"}, {"status": "Accepted"}, "word in other case"),
    ("2.0.1", "Reset", {"status": "Accepted", "statusInfo": {}}, {"status": "Accepted"}, "broken rest"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "version", "action", "said", "meant", "rule"),
    [("request", *row) for row in SEEN] + [("response", *row) for row in ANSWERED],
)
def test_what_is_not_valid_means_what_its_rule_says(
    kind: Kind, version: str, action: str, said: Any, meant: Any, rule: str
) -> None:
    before = json.dumps(said)
    assert schema.violation(version, action, kind, said) is not None
    found = repair(version, action, kind, said, lambda payload: 3)
    assert found is not None
    assert found.payload == (said if meant is None else meant)
    assert rule in found.rules
    assert json.dumps(said) == before


def test_every_rule_has_been_seen_at_work() -> None:
    assert {row[4] for row in SEEN + ANSWERED} == {title(rule) for rule in RULES}


@pytest.mark.parametrize(
    ("action", "said"),
    [
        ("MeterValues", {}),
        ("MeterValues", {"connectorId": "one", "meterValue": []}),
        ("MeterValues", METER | {"meterValue": "12"}),
        ("StatusNotification", STATUS | {"status": "Sleeping"}),
        ("StatusNotification", STATUS | {"status": None}),
        ("StartTransaction", without(START, "meterStart")),
        ("StartTransaction", without(START, "idTag")),
        ("StartTransaction", START | {"idTag": None}),
        ("StopTransaction", STOP | {"transactionId": "x"}),
        ("StopTransaction", STOP | {"meterStop": [5]}),
        ("Authorize", {"idTag": {"a": 1}}),
        ("MeterValues", METER | {"meterValue": [{"timestamp": AT, "sampledValue": [{"value": [1]}] * 2_000}]}),
    ],
)
def test_what_can_mean_two_things_is_not_repaired(action: str, said: Any) -> None:
    assert repair("1.6", action, "request", said) is None


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
def test_whatever_is_damaged_a_repair_ends_valid_or_not_at_all(version: str) -> None:
    """Never an exception, never half a repair: what is left are the breaches that a rule takes as they are."""
    taken = {"maxLength", "minItems", "enum", "required", "type"}
    for name, document in corpus.schemas(version).items():
        kind: Kind = "response" if name.endswith("Response") else "request"
        action = name.removesuffix("Response").removesuffix("Request")
        if (action, kind) not in schema.files(version):
            action = name if version == "1.6" else action
        for payload in corpus.payloads(document, 8):
            if isinstance(payload, dict) and (found := repair(version, action, kind, payload)) is not None:
                rest = schema.breaches(version, action, kind, found.payload, 50)
                assert {error.kind.name for error in rest} <= taken
                assert found.rules or not rest


@pytest.mark.parametrize("line", (GOLDEN / "field-frames.jsonl").read_text().splitlines())
async def test_frames_of_the_field_get_the_normal_answer_and_none_is_lost(line: str) -> None:
    seen = json.loads(line)
    _, message_id, action, payload = seen["frame"]
    async with Desk() as desk:
        await desk.say("BootNotification", BOOT)
        await desk.say("StatusNotification", STATUS)
        answer = await desk.hear(json.dumps(seen["frame"], indent=2))
        assert answer is not None
        assert answer[:2] == [3, message_id], answer
        assert (action, payload) in [(name, json.loads(raw)) for name, raw in desk.said()]
        assert bool(desk.quirks()) == ("SCHEMA-INVALID" in seen["device"] or "truncated" in seen["device"])


def conversations() -> list[tuple[str, str, str]]:
    """Every station of the recorded traces: file, identity, version."""
    found: dict[tuple[str, str, str], None] = {}
    for path in sorted((GOLDEN / "recorded").glob("*.jsonl")):
        for line in map(json.loads, path.read_text().splitlines()):
            found[path.name, line["cp"], line["v"]] = None
    return list(found)


@pytest.mark.parametrize(("file", "cp", "version"), conversations())
async def test_recorded_conversations_pass_through_without_loss(file: str, cp: str, version: str) -> None:
    lines = [json.loads(line) for line in (GOLDEN / "recorded" / file).read_text().splitlines()]
    frames = [line["frame"] for line in lines if (line["cp"], line["v"], line["dir"]) == (cp, version, "in")]
    async with Desk(version) as desk:
        for said in (frame for frame in frames if isinstance(frame, list) and frame[0] == 2):
            answer = await desk.hear(json.dumps(said))
            assert answer is not None
            assert answer[:2] == [3, said[1]], (said, answer)
            assert (said[2], said[3]) in [(name, json.loads(raw)) for name, raw in desk.said()]
        assert {transaction.open for transaction in desk.transactions()} <= {True, False}


async def test_in_strict_mode_what_is_not_valid_is_refused_and_kept() -> None:
    async with Desk(strict=True) as desk:
        kind, _, code, *_ = await desk.frame("MeterValues", METER | {"meterValue": {}})
        assert (kind, code) == (4, "TypeConstraintViolation")
        assert desk.quirks() == []


async def test_a_quirk_is_told_once_and_counted_always() -> None:
    async with Desk() as desk:
        for _ in range(3):
            await desk.say("Heartbeat", {"x": 1})
        await desk.reconnect()
        await desk.say("Heartbeat", {"x": 1})
        assert desk.quirks() == ["unknown field"]
        assert desk.gateway.rules.quirks["unknown field"] == 4
