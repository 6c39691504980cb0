"""Public keys however they are written, and verdicts that are given once."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest

from domain.event import Operator, Refusal
from domain.signature import Judgement, Key, MeterKey, Signature, readable_key, stream
from tests.meter import SigningMeter

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
CAUSE = Operator(name="anna")
KEY = SigningMeter().key
OCTETS = bytes.fromhex(KEY)
BASE64 = base64.b64encode(OCTETS).decode()


@pytest.mark.parametrize(
    "said",
    [
        KEY,
        KEY.upper(),
        BASE64,
        f"-----BEGIN PUBLIC KEY-----\n{BASE64[:64]}\n{BASE64[64:]}\n-----END PUBLIC KEY-----\n",
        f"oca:base16:asn1:{KEY}",
        f"oca:base64:asn1:{BASE64}",
        base64.b64encode(f"oca:base16:asn1:{KEY}".encode()).decode(),
    ],
)
def test_a_public_key_is_understood_however_it_is_written(said: str) -> None:
    assert readable_key(said) == KEY


@pytest.mark.parametrize("said", ["", "x", "zz" * 40, "30", "oca:", "oca:base16:asn1:zz", "1234" * 20, "\0" * 50])
def test_what_is_no_key_is_refused(said: str) -> None:
    assert readable_key(said) is None
    with pytest.raises(Refusal, match="no public key"):
        MeterKey("meterkey/CP1").register(1, said, None, CAUSE, NOW)


def test_the_same_key_again_is_no_news_and_a_removed_one_cannot_be_removed() -> None:
    keys = MeterKey("meterkey/CP1")
    keys.register(1, KEY, "M1", CAUSE, NOW)
    keys.register(1, BASE64, "M1", CAUSE, NOW)
    keys.remove(1, CAUSE, NOW)
    assert [type(event) for event in keys.collect_events()] == [MeterKey.Registered, MeterKey.Removed]
    with pytest.raises(Refusal, match="no key is registered"):
        keys.remove(1, CAUSE, NOW)
    with pytest.raises(Refusal, match="numbered from 1"):
        keys.register(-1, KEY, None, CAUSE, NOW)


def test_a_verdict_takes_the_place_of_the_one_that_was_known_and_of_no_other() -> None:
    signature, key = Signature(stream("t")), Key(text=KEY, source="REGISTERED")
    unknown, valid = Judgement(verdict="NO_KEY", reason="no key"), Judgement(verdict="VALID", key=key)
    later = NOW + timedelta(seconds=1)
    signature.judge("d", "CP1", 1, unknown, None, CAUSE, NOW)
    signature.judge("d", "CP1", 1, unknown, None, CAUSE, later)
    signature.judge("d", "CP1", 1, valid, NOW, CAUSE, later)
    signature.judge("d", "CP1", 1, Judgement(verdict="INVALID", reason="no", key=key), NOW, CAUSE, later)
    assert [type(e) for e in signature.collect_events()] == [Signature.LeftOpen, Signature.Verified]
