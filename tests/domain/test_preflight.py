"""What Advenir would refuse is found before it is sent."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.preflight import FIRST, GAP_S, THEN, Charge, Limits, Point, check, check_all, mend, sendable

NOW = Limits(now=1_700_100_000)
T = 1_700_000_000
HOUR = 3600


def charge(*points: tuple[Any, Any], **more: Any) -> Charge:
    facts: dict[str, Any] = {"transaction_id": "t1", "identifier": "FR*XYZ*E1"}
    return Charge(**facts | more, points=tuple(Point(*point) for point in points))


CLEAN = charge((T, 0), (T + 900, 1750), (T + HOUR, 7000))


@dataclass(frozen=True)
class Wrong:
    """A charge with one defect: the rule that finds it, and the values it shows."""

    rule: str
    charge: Charge
    values: dict[str, Any]
    limits: Limits = NOW


WRONG = [
    Wrong("ended", charge((T, 0), told_end=False), {}),
    Wrong("undoubted", charge((T, 0), (T + 1, 9), doubt="the meter ran backwards"), {}),
    Wrong("indexed", charge((T, 0)), {"indexes": 1}),
    Wrong("whole", charge((str(T), 0), (T + HOUR, 7000)), {"timestamp": str(T)}),
    Wrong("whole", charge((T, 0), (T + 0.5, 7000)), {"timestamp": T + 0.5}),
    Wrong("whole", charge((T, True), (T + 60, 7000)), {"value": True}),
    Wrong("past", charge((T, 0), (T + 61, 7)), {"timestamp": T + 61, "now": T + 60}, Limits(now=T + 60)),
    Wrong("ordered", charge((T, 0), (T + 60, 5), (T + 30, 6), (T + 90, 7)), {"from": T + 60, "to": T + 30}),
    Wrong("consistent", charge((T, 0), (T + 60, 5), (T + 60, 6)), {"timestamp": T + 60, "value": 5, "other": 6}),
    Wrong("rising", charge((T, 0), (T + 60, 9), (T + 90, 8)), {"timestamp": T + 90, "value": 8, "before": 9}),
    Wrong("close", charge((T, 0), (T + GAP_S + 36, 9)), {"from": T, "to": T + GAP_S + 36, "hours": 12.01}),
    Wrong("plausible", charge((T, 0), (T + HOUR, 7001), rated_power_w=6000.0), {"energy_wh": 7001, "most_wh": 6600}),
    Wrong("charged", charge((T, 5), (T + HOUR, 5)), {"energy_wh": 0}),
    Wrong("charged", charge((T, 5), (T + HOUR, 7)), {"energy_wh": 2}, NOW._replace(least_wh=3)),
    Wrong("lasting", charge((T, 0), (T + 119, 700)), {"seconds": 119}, NOW._replace(least_s=120)),
]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong.rule)
def test_every_rule_finds_what_it_is_for_and_nothing_else(wrong: Wrong) -> None:
    (defect,) = check(wrong.charge, wrong.limits)
    assert (defect.rule, defect.values) == (wrong.rule, wrong.values)
    assert defect.where == "FR*XYZ*E1 t1"
    assert not sendable([defect])


def test_every_rule_has_a_charge_that_breaks_it() -> None:
    assert {rule.__name__ for rule in (*FIRST, *THEN)} == {wrong.rule for wrong in WRONG} | {"single"}


def test_a_clean_charge_has_no_defect() -> None:
    assert check(CLEAN, NOW) == []


def test_twelve_hours_are_not_too_far_apart() -> None:
    assert check(charge((T, 0), (T + GAP_S, 9)), NOW) == []


def test_exact_repetitions_are_told_and_mended() -> None:
    repeated = charge((T, 0), (T + 60, 5), (T + 60, 5), (T + 60, 5), (T + 90, 7))
    found = check(repeated, NOW)
    assert [(defect.rule, defect.values) for defect in found] == [("single", {"at": T + 60, "wh": 5})] * 2
    assert sendable(found)
    assert check(mend(repeated), NOW) == []


def test_two_charges_with_the_same_start_and_stop_are_one_told_twice() -> None:
    again = charge(*CLEAN.points, transaction_id="t2")
    elsewhere = charge(*CLEAN.points, transaction_id="t3", identifier="FR*XYZ*E2")
    (defect,) = check_all([CLEAN, again, elsewhere], NOW)
    assert (defect.rule, defect.values["transaction"], defect.where) == ("twins", "t1", "FR*XYZ*E1 t2")


NUMBERS = st.integers(-3, 40)
ANYTHING = st.one_of(NUMBERS, st.floats(), st.text(max_size=3), st.none(), st.booleans(), st.lists(NUMBERS, max_size=1))


@given(st.lists(st.tuples(ANYTHING, ANYTHING), max_size=6))
def test_no_nonsense_breaks_the_rules(points: list[tuple[Any, Any]]) -> None:
    check_all([charge(*points)], NOW)


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=2, max_size=6))
def test_what_may_be_sent_rises_in_time_and_index(points: list[tuple[int, int]]) -> None:
    one = charge(*points)
    if sendable(check(one, NOW)):
        sent = mend(one).points
        assert sent == tuple(sorted(set(sent)))
        assert sent[-1].wh > sent[0].wh
        assert len({point.at for point in sent}) == len(sent)


def test_the_page_has_every_rule() -> None:
    page = (Path(__file__).parents[2] / "docs" / "advenir.md").read_text("utf-8")
    table = page.partition("| rule | says |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| (\w+) \|", table, re.MULTILINE) == [*(rule.__name__ for rule in (*FIRST, *THEN)), "twins"]
