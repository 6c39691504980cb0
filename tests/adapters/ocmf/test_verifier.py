"""Records of a real meter and of our own, as they are and altered, in every wrapping."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.ocmf.verifier import Verifier
from domain.signature import MEANS_MISSING, Key
from tests.meter import KEBA, SigningMeter, keba

RECORD, KEBA_KEY = keba()
KEY = Key(text=KEBA_KEY.lower(), source="REGISTERED")
METER = SigningMeter()
VERIFIER = Verifier()


@pytest.mark.parametrize(
    "text",
    [RECORD, RECORD.encode().hex(), base64.b64encode(RECORD.encode()).decode(), Path(KEBA).read_text()],
    ids=["plain", "hex", "base64", "xml"],
)
def test_the_record_of_a_real_meter_is_valid_however_it_is_wrapped(text: str) -> None:
    found = VERIFIER.examine(text, "OCMF", KEY)
    assert (found.verdict, found.reason, found.meter) == ("VALID", None, "17619300")
    begin, end = found.readings
    assert (begin.kind, begin.register_wh, begin.unit_wh, begin.status) == ("B", 259.6, 0.1, "G")
    assert (end.kind, end.register_wh, end.obis) == ("E", 259.7, "1-b:1.8.0")
    assert begin.at == datetime(2019, 8, 13, 10, 3, 15, tzinfo=UTC)


def test_one_altered_digit_is_found() -> None:
    found = VERIFIER.examine(RECORD.replace("0.2597", "0.3597"), "OCMF", KEY)
    assert (found.verdict, found.reason) == ("INVALID", "the signature does not fit the public key")
    assert found.readings[1].register_wh == 359.7


def test_the_key_of_another_meter_does_not_fit() -> None:
    assert VERIFIER.examine(RECORD, None, Key(text=METER.key, source="STATION")).verdict == "INVALID"


def test_a_record_of_our_own_meter_is_valid_for_its_key_only() -> None:
    text = METER.sign(("B", 1.0), ("E", 2.5))
    assert VERIFIER.examine(text, "OCMF", Key(text=METER.key, source="MESSAGE")).verdict == "VALID"
    without = VERIFIER.examine(text, "OCMF", None)
    assert (without.verdict, without.readings[1].register_wh) == ("NO_KEY", 2500.0)
    assert VERIFIER.examine(text, "OCMF", Key(text=SigningMeter().key, source="MESSAGE")).verdict == "INVALID"


@pytest.mark.parametrize(
    ("text", "encoding", "name"),
    [("AP;0;3;ALCV3", None, "ALFEN"), ("00112233", "EDL40", "EDL"), ("x", "ALFEN", "ALFEN")],
)
def test_other_formats_are_kept_and_shown_as_not_checked(text: str, encoding: str | None, name: str) -> None:
    found = VERIFIER.examine(text, encoding, KEY)
    assert (found.verdict, found.reason) == ("UNCHECKED", f"the format {name} cannot be checked here")


@pytest.mark.parametrize(
    "text",
    ["", "OCMF|", "OCMF|{}|{}", "OCMF|{|}", f"OCMF|{'[' * 9_000}|{{}}", "nonsense", RECORD.replace("RV", "XX")[:300]],
)
def test_what_cannot_be_read_is_said_to_be_unreadable(text: str) -> None:
    found = VERIFIER.examine(text, "OCMF", KEY)
    assert found.verdict == "UNREADABLE"
    assert found.reason


@given(st.text(max_size=200))
def test_no_text_makes_the_examination_fail(text: str) -> None:
    assert VERIFIER.examine(f"OCMF|{text}", None, KEY).verdict in ("UNREADABLE", "INVALID")


def test_without_the_library_nothing_is_checked_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Verifier, "able", False)
    found = VERIFIER.examine(RECORD, "OCMF", KEY)
    assert (found.verdict, found.reason) == ("UNCHECKED", MEANS_MISSING)
