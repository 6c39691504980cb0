"""Our verdict on a payload is that of the `ocpp` package, and the reason has the name its version gives it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest
from ocpp.exceptions import OCPPError
from ocpp.messages import Call, CallResult, _validate_payload

from adapters.ocpp import schema
from adapters.ocpp.schema import Kind, Violation, violation
from tests.adapters.ocpp import corpus

GOLDEN = Path(__file__).parents[2] / "golden" / "ocpp"
STREAM = "NotifyPeriodicEventStream"
DAMAGED = {"1.6": 80, "2.0.1": 20, "2.1": 10}
VERSIONS = ("1.6", "2.0.1", "2.1")


def package_accepts(version: str, action: str, kind: Kind, text: str) -> bool:
    payload = json.loads(text)
    message = Call("1", action, payload) if kind == "request" else CallResult("1", payload, action)
    try:
        _validate_payload(message, version)
    except OCPPError:
        return False
    return True


def we_accept(version: str, action: str, kind: Kind, text: str) -> bool:
    return violation(version, action, kind, orjson.loads(text)) is None


def messages(version: str) -> list[tuple[str, Kind, str]]:
    """Every action and kind with the name of its schema."""
    return [
        (action, kind, name.removesuffix(".json")) for (action, kind), name in sorted(schema.files(version).items())
    ]


@pytest.mark.parametrize("version", VERSIONS)
def test_on_good_and_bad_payloads_of_every_schema_the_verdict_is_that_of_the_package(version: str) -> None:
    verdicts: Counter[bool] = Counter()
    known = corpus.schemas(version)
    for action, kind, name in messages(version):
        if action == STREAM:
            continue
        for payload in corpus.payloads(known[name], DAMAGED[version]):
            text = json.dumps(payload)
            ours = we_accept(version, action, kind, text)
            assert ours == package_accepts(version, action, kind, text), f"{name}: {text}"
            verdicts[ours] += 1
    assert min(verdicts[True], verdicts[False]) > 3 * len(known)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_smallest_and_the_fullest_payload_of_every_schema_are_valid(version: str) -> None:
    known = corpus.schemas(version)
    for action, kind, name in messages(version):
        for payload in corpus.payloads(known[name], 0):
            assert violation(version, action, kind, payload) is None, name


@pytest.mark.parametrize(("version", "actions", "schemas"), [("1.6", 39, 78), ("2.0.1", 64, 128), ("2.1", 91, 181)])
def test_every_schema_of_the_package_is_in_use(version: str, actions: int, schemas: int) -> None:
    assert (len(schema.actions(version)), len(schema.files(version))) == (actions, schemas)


def limited(tenths: str, action: str) -> str:
    """A charging limit in the message that carries it."""
    plan = f'"chargingRateUnit":"A","chargingSchedulePeriod":[{{"startPeriod":0,"limit":{tenths}}}]'
    if action == "GetCompositeSchedule":
        return f'{{"status":"Accepted","chargingSchedule":{{{plan}}}}}'
    purpose, kind = '"chargingProfilePurpose":"TxProfile"', '"chargingProfileKind":"Relative"'
    profile = f'{{"chargingProfileId":1,"stackLevel":0,{purpose},{kind},"chargingSchedule":{{{plan}}}}}'
    if action == "RemoteStartTransaction":
        return f'{{"idTag":"A","chargingProfile":{profile}}}'
    return f'{{"connectorId":1,"csChargingProfiles":{profile}}}'


@pytest.mark.parametrize(
    ("action", "kind"),
    [("SetChargingProfile", "request"), ("RemoteStartTransaction", "request"), ("GetCompositeSchedule", "response")],
)
def test_every_limit_with_one_decimal_is_valid_and_none_with_two(action: str, kind: Kind) -> None:
    good = [f"{tenth // 10}.{tenth % 10}" for tenth in range(401)]
    bad = ["0.15", "4.11", "21.45", "0.01"]
    for limit in good + bad + ["32", "7360", "22000.5", "-1.1", "true", '"16"']:
        text = limited(limit, action)
        ours = we_accept("1.6", action, kind, text)
        assert ours == package_accepts("1.6", action, kind, text), limit
        assert ours or limit not in good
        assert not (ours and limit in bad)


STATUS = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}


@pytest.mark.parametrize("text", ["0", "", "2024-05-01 12:00", "2024-05-01T12:00:60Z", "yesterday"])
def test_the_format_of_a_time_is_not_judged_here(text: str) -> None:
    assert violation("1.6", "StatusNotification", "request", STATUS | {"timestamp": text}) is None


@pytest.mark.parametrize("version", VERSIONS)
def test_one_point_zero_is_no_integer_and_a_truth_is_no_number(version: str) -> None:
    said = {"connectorId": 1} if version == "1.6" else {"connectorId": 1, "evseId": 1}
    for value in (1.0, True, "1"):
        found = violation(version, "UnlockConnector", "request", said | {"connectorId": value})
        assert found is not None
        assert found.code == "TypeConstraintViolation"


@pytest.mark.parametrize(
    ("change", "code16", "code201", "where"),
    [
        ({"customData": {}}, "FormationViolation", "ProtocolError", ""),
        ({"unknown": 1}, "FormationViolation", "FormatViolation", "unknown"),
        ({"meterValue": {}}, "TypeConstraintViolation", "TypeConstraintViolation", "meterValue"),
        ({"meterValue": [{"timestamp": "0"}]}, "ProtocolError", "ProtocolError", "meterValue.0"),
    ],
)
def test_a_violation_names_the_place_and_the_code_of_its_version(
    change: dict[str, Any], code16: str, code201: str, where: str
) -> None:
    for version, code in (("1.6", code16), ("2.0.1", code201), ("2.1", code201)):
        said = {"connectorId": 1} if version == "1.6" else {"evseId": 1}
        values = {"meterValue": [{"timestamp": "0", "sampledValue": [{"value": "1" if version == "1.6" else 1}]}]}
        found = violation(version, "MeterValues", "request", said | values | change)
        assert found is not None
        assert found.code == code
        assert where in found.message


def test_a_list_of_wrong_length_is_named_with_the_spelling_of_the_version() -> None:
    empty = {"evseId": 1, "meterValue": []}
    old, new = (violation(version, "MeterValues", "request", empty) for version in ("2.0.1", "2.1"))
    assert old == Violation("OccurenceConstraintViolation", "meterValue: [] has less than 1 item")
    assert new == Violation("OccurrenceConstraintViolation", "meterValue: [] has less than 1 item")


def test_a_word_that_is_not_in_the_list_breaks_a_property() -> None:
    found = violation("1.6", "StatusNotification", "request", STATUS | {"errorCode": "Error"})
    assert found is not None
    assert found.code == "PropertyConstraintViolation"


def test_a_text_that_is_too_long_is_not_repeated_in_full() -> None:
    found = violation("1.6", "Authorize", "request", {"idTag": "x" * 100_000})
    assert found is not None
    assert found.code == "TypeConstraintViolation"
    assert found.message.startswith("idTag: ")
    assert len(found.message) < 300


def test_the_event_stream_of_two_one_has_a_request_and_no_answer() -> None:
    said = {"id": 1, "pending": 0, "basetime": "2024-08-27T12:30:40Z", "data": [{"t": 0, "v": "230.4"}]}
    assert schema.known("2.1", STREAM)
    assert violation("2.1", STREAM, "request", said) is None
    assert violation("2.1", STREAM, "request", {}) is not None
    with pytest.raises(KeyError):
        violation("2.1", STREAM, "response", {})


def test_an_action_belongs_to_its_versions_only() -> None:
    assert schema.known("1.6", "StartTransaction")
    assert not schema.known("2.0.1", "StartTransaction")
    assert not schema.known("1.6", "Nonsense")
    with pytest.raises(KeyError):
        violation("2.0.1", "StartTransaction", "request", {})


def recorded() -> list[dict[str, Any]]:
    paths = sorted((GOLDEN / "recorded").glob("*.jsonl"))
    return [json.loads(line) for path in paths for line in path.read_text().splitlines()]


def test_on_recorded_conversations_the_verdict_is_that_of_the_package() -> None:
    judged, asked = Counter[str](), dict[tuple[str, str], str]()
    for line in recorded():
        version, said = line["v"], line["frame"]
        if line["dir"] not in ("in", "out") or not isinstance(said, list) or said[0] not in (2, 3):
            continue
        request = said[0] == 2
        action = asked.setdefault((line["cp"], said[1]), said[2]) if request else asked[line["cp"], said[1]]
        text = json.dumps(said[3] if request else said[2])
        kind: Kind = "request" if request else "response"
        assert we_accept(version, action, kind, text) == package_accepts(version, action, kind, text), line
        judged[version] += 1
    assert set(judged) == set(VERSIONS)


def test_on_frames_from_the_field_the_verdict_is_that_of_the_package() -> None:
    judged = 0
    for line in (GOLDEN / "field-frames.jsonl").read_text().splitlines():
        said = json.loads(line)["frame"]
        if isinstance(said, list) and len(said) == 4:
            text = json.dumps(said[3])
            assert we_accept("1.6", said[2], "request", text) == package_accepts("1.6", said[2], "request", text), said
            judged += 1
    assert judged > 3
