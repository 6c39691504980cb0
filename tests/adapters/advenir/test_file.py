"""Files of others: every defect of the dirty real data is reported, and none of it would be sent."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.advenir.file import read
from domain.preflight import Limits

GOLDEN = Path(__file__).parents[2] / "golden" / "advenir"
NOW = Limits(now=1_700_000_000)
CURVES = (GOLDEN / "load-curves-site1.json").read_text("utf-8")
LOG = (GOLDEN / "ocpp15-log-site1-02e8fa.txt").read_text("utf-8")
USER_ID = "7a0c0f4e-1111-4222-8333-944445555666"


def test_the_load_curves_show_every_defect_and_none_is_sent() -> None:
    found = read(CURVES, NOW)
    assert len(found.charges) == 113
    assert sum(len(charge.points) for charge in found.charges) == 1_999
    assert len({charge.identifier for charge in found.charges}) == 8
    rules = Counter(defect.rule for defect in found.defects)
    assert rules == {"single": 412, "rising": 10, "form": 8, "one document": 1, "user id": 1}
    repeated = {defect.where for defect in found.defects if defect.rule == "single"}
    assert len(repeated) == 75
    falling = Counter(defect.where for defect in found.defects if defect.rule == "rising")
    assert falling == {"02aa21 601201": 1, "02b1fb 862502": 9}
    assert found.sendable == [], "a placeholder is no UserID: nothing of the file is sent"


def test_every_defect_shows_its_values() -> None:
    (first, *_) = [defect for defect in read(CURVES, NOW).defects if defect.rule == "rising"]
    assert first.values == {"timestamp": 1_525_705_097, "value": 267, "before": 14_326}


def test_put_right_by_hand_only_the_two_curves_that_fall_are_held_back() -> None:
    document, _ = json.JSONDecoder().raw_decode(CURVES)
    found = read(json.dumps({USER_ID: document["AAAAA"]}), NOW)
    assert len(found.sendable) == 111
    assert not {"02aa21 601201", "02b1fb 862502"} & {charge.where for charge in found.sendable}


def test_the_log_shows_two_orphans_and_no_energy_and_none_is_sent() -> None:
    found = read(LOG, NOW)
    assert [charge.transaction_id for charge in found.charges] == ["854801", "854901", "855002", "855102"]
    assert [(defect.rule, defect.where.split()[1]) for defect in found.defects] == [
        ("ended", "854801"),
        ("charged", "854901"),
        ("ended", "855002"),
        ("charged", "855102"),
    ]
    lengths = [charge.pair[1] - charge.pair[0] for charge in found.charges if charge.told_end]
    assert lengths == [45, 187], "by the clock of the station, not by ours"
    assert found.sendable == []


def test_malformed_identifiers_hold_back_their_charges() -> None:
    told = {"StartTransaction": 1, "StopTransaction": 2, "StartValue": 0, "StopValue": 3}
    found = read(json.dumps({USER_ID: {"FR*XYZ*P1": {"1": told}, "FR*XYZ*E1": {"2": told}}}), NOW)
    assert [(defect.rule, defect.where) for defect in found.defects] == [("identifier", "FR*XYZ*P1")]
    assert [charge.transaction_id for charge in found.sendable] == ["2"]


@pytest.mark.parametrize(
    "text", ["{", "[]", "3", '{"a": 1}', '{"a": {"s": 3}}', '{"a": {"s": {"t": 3}}}', "[" * 100_000, '{"a":{},"b":{}}']
)
def test_what_is_neither_of_both_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read(text, NOW)


VALUES = st.none() | st.integers() | st.text(max_size=5) | st.floats()
LINES = st.dictionaries(
    st.sampled_from(["Action", "transactionId", "timestamp", "meterStart", "meterStop", "value", "date"]),
    VALUES | st.sampled_from(["/StartTransaction", "/StartTransactionResponse", "/StopTransaction", "/MeterValues"]),
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(LINES, max_size=5))
def test_no_nonsense_breaks_the_reading(lines: list[dict[str, object]]) -> None:
    for each in lines:
        each.setdefault("Action", "/StartTransaction")
    read(" ".join(json.dumps(each) for each in lines), NOW)
