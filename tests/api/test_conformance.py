"""The page of conformance tells the truth: every published test case is followed, or it is said why not."""

from __future__ import annotations

from api.conformance import cases, covered, uncovered


def test_every_test_case_is_followed_or_has_a_reason_and_never_both() -> None:
    known = {(case.version, case.id) for case in cases()}
    followed, excused = set(covered()), set(uncovered())
    assert followed | excused == known
    assert followed & excused == set()


def test_every_reason_is_in_words() -> None:
    assert all(len(why.split()) > 3 for why in uncovered().values())


def test_all_of_one_point_six_is_followed() -> None:
    assert {case for case in uncovered() if case[0] == "1.6"} == set()
