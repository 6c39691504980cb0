"""Rules of availability are adopted, never edited."""

from __future__ import annotations

import pytest

from domain.yardstick import BUILT_IN, Method, Yardstick, rule_for
from tests.scenario import NOW, SOMEBODY, given, refused

STRICT = Method(unreachable="DOWN")


def adopt(month: str, method: Method = STRICT) -> object:
    return lambda y: y.adopt(month, method, "the ministry asks", SOMEBODY, NOW)


def test_a_rule_holds_from_its_month_on() -> None:
    made = given(Yardstick()).when(adopt("2026-10")).then(Yardstick.Adopted).showing(number=1)  # type: ignore[arg-type]
    rules = made.aggregate.rules
    assert rule_for(rules, "2026-09") == BUILT_IN
    assert rule_for(rules, "2026-10").method == STRICT
    refused(made.aggregate, adopt("2026-11"), "already")  # type: ignore[arg-type]


@pytest.mark.parametrize("month", ["2026-13", "2026", "November", "٢٠٢٦-١١"])
def test_a_month_is_written_in_one_way(month: str) -> None:
    refused(Yardstick(), adopt(month), "written like")  # type: ignore[arg-type]


def test_patience_has_an_end() -> None:
    refused(Yardstick(), adopt("2026-10", Method(tolerance_s=-1)), "between")  # type: ignore[arg-type]
