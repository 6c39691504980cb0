"""What counts as an OCPP message, what is said about the rest, and how ours are written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.ocpp import frame
from adapters.ocpp.frame import Call, Error, Malformed, Result, ResultError, Send, parse

GOLDEN = Path(__file__).parents[2] / "golden" / "ocpp"
BOOT = b'[2,"19223201","BootNotification",{"chargePointVendor":"VendorX","chargePointModel":"Single"}]'
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def malformed(raw: str | bytes) -> Malformed:
    heard = parse(raw)
    assert isinstance(heard, Malformed)
    return heard


def test_a_call_keeps_its_payload_as_received() -> None:
    heard = parse(b'[2,"1","X",{ "a" : 1.50 }]')
    assert heard == Call("1", "X", {"a": 1.5}, b'{ "a" : 1.50 }')


@pytest.mark.parametrize(
    "raw",
    [
        BOOT,
        BOOT.decode(),
        b"\xef\xbb\xbf" + BOOT,
        "\ufeff" + BOOT.decode(),
        b" \r\n" + json.dumps(json.loads(BOOT), indent=4).encode() + b"\n",
    ],
)
def test_spaces_line_breaks_and_a_byte_order_mark_change_nothing(raw: str | bytes) -> None:
    heard = parse(raw)
    assert isinstance(heard, Call)
    assert (heard.id, heard.action) == ("19223201", "BootNotification")
    assert heard.payload == {"chargePointVendor": "VendorX", "chargePointModel": "Single"}
    assert json.loads(heard.raw_payload) == heard.payload


@pytest.mark.parametrize(
    "message_id", ["36:352", "7053156", "x" * 200, "é", 7053156, -1, 18446744073709551616, "\u2028"]
)
def test_a_message_id_comes_back_as_it_was_sent(message_id: str | int) -> None:
    heard = parse(json.dumps([2, message_id, "Heartbeat", {}]))
    assert isinstance(heard, Call)
    assert json.loads(frame.result(heard.id, b"{}")) == [3, message_id, {}]
    assert json.loads(frame.error(heard.id, "InternalError", "")) == [4, message_id, "InternalError", "", {}]


def test_a_null_payload_is_an_empty_one() -> None:
    assert parse(b'[2,"1","Heartbeat",null]') == Call("1", "Heartbeat", {}, b"null")
    assert parse(b'[3,"1",null]') == Result("1", {})


def test_answers_and_errors_are_told_apart() -> None:
    assert parse(b'[3,"1",{"status":"Accepted"}]') == Result("1", {"status": "Accepted"})
    assert parse(b'[4,"1","NotImplemented","no",{"a":1}]') == Error("1", "NotImplemented", "no", {"a": 1})
    assert parse(b'[5,"1","FormatViolation","no",{}]') == ResultError("1", "FormatViolation", "no", {})
    assert parse(b'[6,"1","NotifyPeriodicEventStream",{}]') == Send("1", "NotifyPeriodicEventStream", {}, b"{}")


@pytest.mark.parametrize("rest", ["", ',""', ",null", ',"",{}', ",null,null,1"])
def test_an_error_without_description_or_details_is_still_an_error(rest: str) -> None:
    heard = parse(f'[4,"1","GenericError"{rest}]')
    assert isinstance(heard, Error)
    assert (heard.id, heard.code, heard.description) == ("1", "GenericError", "")


@pytest.mark.parametrize(
    "raw", ["", " ", "null", "{}", "2", "[", '[2,"1"', '[2,"1","A",{}] x', '[2,"1","A",{"a":NaN}]']
)
def test_text_that_is_no_json_array_has_no_id(raw: str) -> None:
    assert malformed(raw) == Malformed("the text is not a JSON array", None, "RpcFrameworkError")


def test_text_that_is_nested_without_end_is_refused_and_not_followed() -> None:
    for raw in ("[" * 200_000, '[2,"1","X",' + "[" * 200_000, '[2,"1","X",{"a":' + "[" * 2000 + "]" * 2000 + "}]"):
        assert malformed(raw).id is None


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("[]", "the array is empty"),
        ("[2]", "a CALL has four elements, this has 1"),
        ("[2,null,null,{}]", "the message id cannot be read"),
        ("[2,true,0,{}]", "the message id cannot be read"),
        ('[2,1.5,"A",{}]', "the message id cannot be read"),
        (b'[2,"\xff","A",{}]', "the message id cannot be read"),
    ],
)
def test_a_call_without_readable_id_cannot_be_answered_by_id(raw: str | bytes, reason: str) -> None:
    assert malformed(raw) == Malformed(reason, None, "RpcFrameworkError")


@pytest.mark.parametrize(
    ("raw", "reason", "code"),
    [
        ('[2,"1","Heartbeat"]', "a CALL has four elements, this has 3", "RpcFrameworkError"),
        ('[2,"1","Heartbeat",{},1]', "a CALL has four elements, this has 5", "RpcFrameworkError"),
        ('[2,"1",7,{}]', "element 3 is not a text", "RpcFrameworkError"),
        ('[2,"1","Heartbeat",[]]', "the payload is not an object", "FormatViolation"),
        ('[2,"1","Heartbeat","{}"]', "the payload is not an object", "FormatViolation"),
        ('[7,"1","Heartbeat",{}]', "message type 7 does not exist", "MessageTypeNotSupported"),
        ('["2","1","Heartbeat",{}]', 'message type "2" does not exist', "MessageTypeNotSupported"),
    ],
)
def test_a_broken_call_is_answered_by_its_id_and_told_why(raw: str, reason: str, code: str) -> None:
    assert malformed(raw) == Malformed(reason, "1", code)


def test_a_number_too_big_for_any_meter_breaks_the_payload_only() -> None:
    bad = malformed('[2,"1","X",{"a":1e400}]')
    assert (bad.id, bad.code) == ("1", "FormatViolation")


@pytest.mark.parametrize(
    "raw", ['[3,"1"]', '[3,"1",[]]', '[4,"1"]', '[4,"1",7]', '[5,"1"]', '[6,"1","X"]', '[6,"1","X",1]']
)
def test_a_broken_answer_or_send_is_never_answered(raw: str) -> None:
    assert malformed(raw).id is None


@pytest.mark.parametrize("raw", ['["ééééééééééééa","1"]'.encode(), b'["\xff\xfe","1"]'])
def test_a_message_type_of_strange_letters_is_named_without_failing(raw: bytes) -> None:
    bad = malformed(raw)
    assert (bad.id, bad.code) == ("1", "MessageTypeNotSupported")


@given(st.binary(max_size=40) | JSON.map(lambda value: json.dumps(value).encode()))
def test_whatever_arrives_is_heard_without_an_exception(raw: bytes) -> None:
    assert isinstance(parse(raw), frame.Heard)


@given(st.lists(JSON, max_size=5).flatmap(lambda rest: st.integers(1, 7).map(lambda kind: [kind, *rest])))
def test_whatever_array_arrives_is_heard_without_an_exception(parts: list[Any]) -> None:
    assert isinstance(parse(json.dumps(parts)), frame.Heard)


def test_what_we_say_is_compact_json() -> None:
    assert frame.call("1", "Reset", {"type": "Hard"}) == b'[2,"1","Reset",{"type":"Hard"}]'
    assert frame.result("1", b'{"status":"Accepted"}') == b'[3,"1",{"status":"Accepted"}]'
    assert frame.error("1", "InternalError", "é") == '[4,"1","InternalError","é",{}]'.encode()


@pytest.mark.parametrize(
    ("name", "v16", "v201"),
    [
        ("FormatViolation", "FormationViolation", "FormatViolation"),
        ("OccurrenceConstraintViolation", "OccurenceConstraintViolation", "OccurenceConstraintViolation"),
        ("RpcFrameworkError", "FormationViolation", "RpcFrameworkError"),
        ("MessageTypeNotSupported", "GenericError", "MessageTypeNotSupported"),
        ("TypeConstraintViolation", "TypeConstraintViolation", "TypeConstraintViolation"),
    ],
)
def test_error_codes_are_spelt_as_each_version_spells_them(name: str, v16: str, v201: str) -> None:
    assert [frame.code(version, name) for version in ("1.6", "2.0.1", "2.1")] == [v16, v201, name]


@pytest.mark.parametrize("path", sorted(GOLDEN.rglob("*.jsonl")), ids=lambda path: path.stem)
def test_everything_ever_recorded_is_heard(path: Path) -> None:
    kinds = {2: Call, 3: Result, 4: Error}
    for line in map(json.loads, path.read_text().splitlines()):
        if isinstance(line["frame"], list) and line["dir"] not in ("open", "close"):
            kind, message_id, *_ = line["frame"]
            heard = parse(json.dumps(line["frame"], indent=1))
            assert isinstance(heard, kinds[kind])
            assert heard.id == message_id
