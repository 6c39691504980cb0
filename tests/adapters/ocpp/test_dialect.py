"""A request about many lines goes in calls that a station can take; the answers are read as one."""

from __future__ import annotations

import orjson
from hypothesis import given
from hypothesis import strategies as st

from adapters.ocpp.dialect import Said, Verdict, joined, portioned, read

LINES = st.lists(st.text(max_size=20), min_size=1, max_size=30)


@given(LINES, st.integers(1, 40), st.integers(1, 200))
def test_no_line_is_lost_and_no_call_is_longer_than_it_may_be(lines: list[str], most: int, longest: int) -> None:
    said = portioned("GetConfiguration", "key", lines, {"at_once": most, "bytes_at_once": longest})
    calls = [said.payload, *said.rest]
    assert [line for call in calls for line in call["key"]] == lines
    for call in calls:
        assert 1 <= len(call["key"]) <= most
        assert len(call["key"]) == 1 or len(orjson.dumps(call)) <= longest


@given(LINES)
def test_without_a_limit_it_is_one_call(lines: list[str]) -> None:
    assert portioned("X", "key", lines, {}) == Said("X", {"key": lines})


def test_answers_are_joined_and_every_refusal_in_them_is_told() -> None:
    good = {"clearMonitoringResult": [{"id": 1, "status": "Accepted"}]}
    bad = {"clearMonitoringResult": [{"id": 2, "status": "NotFound", "statusInfo": {"reasonCode": "NoSuchMonitor"}}]}
    assert read(joined([good, good])) == Verdict(True)
    assert read(joined([good, bad])) == Verdict(False, "monitor 2: NotFound (NoSuchMonitor)")
