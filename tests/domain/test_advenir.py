"""What Advenir is sent, and what its answers mean."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from domain.advenir import Advenir, Verdict, body, content, judge, user_id_form
from domain.event import Refusal
from domain.preflight import Charge, Point
from tests.scenario import NOW, SOMEBODY, given

CHARGE = Charge(
    transaction_id="t1", identifier="FR*XYZ*E1",
    points=(Point(1_700_000_000, 500), Point(1_700_000_900, 2250), Point(1_700_003_600, 7500)),
)  # fmt: skip
ONE, TWO = (1, 2), (3, 4)
ACCEPTED = Verdict("accepted")
FALLS = Verdict("refused", "201", "the index does not rise while time does")
OTHERS = Verdict("failed", None, "the request was refused because of others in it")


def register(point: Advenir, identifier: str = "FR*XYZ*E1", evse_id: int = 1, power: float | None = None) -> None:
    point.register("CP1", evse_id, identifier, NOW, power, SOMEBODY, NOW)


def test_an_operation_has_a_relative_index_unless_somebody_wants_it_raw() -> None:
    times = {"StartTransaction": 1_700_000_000, "StopTransaction": 1_700_003_600}
    assert json.loads(content(CHARGE, "operation", "relative")) == times | {"StartValue": 0, "StopValue": 7000}
    assert json.loads(content(CHARGE, "operation", "raw")) == times | {"StartValue": 500, "StopValue": 7500}


def test_a_load_curve_has_every_point() -> None:
    assert json.loads(content(CHARGE, "curve", "relative")) == [
        {"timestamp": 1_700_000_000, "value": 0},
        {"timestamp": 1_700_000_900, "value": 1750},
        {"timestamp": 1_700_003_600, "value": 7000},
    ]


def test_a_body_has_one_user_and_objects_on_every_level() -> None:
    told = [("P1", "t1", "{}"), ("P2", "t2", "[]"), ("P1", "t3", "{}")]
    assert json.loads(body("U", told)) == {"U": {"P1": {"t1": {}, "t3": {}}, "P2": {"t2": []}}}


@pytest.mark.parametrize("identifier", ["FR*XYZ*E1", "FRXYZE1", "FR*XYZ*E02AA10*1", "FR-XYZ-E1", "02aa10", "CP_001.a"])
def test_identifiers_that_advenir_may_know(identifier: str) -> None:
    given(Advenir("advenir/CP1/1")).when(lambda point: register(point, identifier)).then(Advenir.PointRegistered)


@pytest.mark.parametrize(
    "identifier", ["", "FR*XYZ*P1", "FR*XY*E1", "FR*XYZ*E", "DE*XYZ*E1", "FR*XYZ*E" + "1" * 30, "a b", "é", "x" * 65]
)
def test_malformed_identifiers_are_refused(identifier: str) -> None:
    with pytest.raises(Refusal):
        register(Advenir("advenir/CP1/1"), identifier)


def test_points_that_cannot_be_are_refused() -> None:
    for wrong in ({"evse_id": 0}, {"power": 0.0}, {"power": float("nan")}, {"power": 1e9}):
        with pytest.raises(Refusal):
            register(Advenir("advenir/CP1/1"), **wrong)


def test_saying_the_same_again_is_no_news_and_a_removed_point_can_come_back() -> None:
    given(Advenir("advenir/CP1/1"), register).when(register).then_nothing()
    gone = given(Advenir("advenir/CP1/1"), register).when(lambda point: point.remove("CP1", 1, SOMEBODY, NOW))
    gone.then(Advenir.PointRemoved).when(register).then(Advenir.PointRegistered)
    with pytest.raises(Refusal, match="not registered"):
        Advenir("advenir/CP1/1").remove("CP1", 1, SOMEBODY, NOW)


def test_a_user_id_is_a_uuid() -> None:
    user_id_form("7a0c0f4e-1111-4222-8333-944445555666")
    with pytest.raises(Refusal):
        user_id_form("AAAAA")


@pytest.mark.parametrize(
    ("status", "details", "verdicts"),
    [
        ("OK", {}, [ACCEPTED, ACCEPTED]),
        ("OK", {"202": [1, 2]}, [Verdict("accepted", "202"), ACCEPTED]),
        ("OK", {"201": [3, 4]}, [ACCEPTED, FALLS]),
        ("ECHEC", {"202": [1, 2, 3, 4]}, [Verdict("accepted", "202")] * 2),
        ("ECHEC", {"201": [1, 2], "202": [1, 2]}, [FALLS,
                                                  OTHERS]),
        ("ECHEC", {"104": None}, [Verdict("failed", "104", "the UserID is not valid")] * 2),
        ("ECHEC", {"101": None}, [Verdict("failed", "101", "the answer does not say which", alone=True)] * 2),
        ("ECHEC", {"202": None}, [Verdict("failed", "202", "the answer does not say which", alone=True)] * 2),
        ("ECHEC", {}, [Verdict("failed", None, "the answer does not say which", alone=True)] * 2),
        ("ECHEC", {"203": [1, 2, 3]}, [Verdict("refused", "203", "more than 12 hours between two indexes"),
                                      OTHERS]),
    ],
)  # fmt: skip
def test_what_an_answer_means_for_each_charge(status: str, details: Any, verdicts: list[Verdict]) -> None:
    assert judge(status, details, [ONE, TWO]) == verdicts


def test_what_an_answer_means_for_a_charge_alone() -> None:
    assert judge("ECHEC", {"101": None}, [ONE])[0].fate == "refused"
    assert judge("ECHEC", {"202": None}, [ONE]) == [Verdict("accepted", "202")]
    assert judge("ECHEC", {}, [ONE]) == [Verdict("refused", None, "no reason was given")]
    assert judge("ECHEC", {"999": [1, 2]}, [ONE]) == [Verdict("refused", "999", "an unknown code: 999")]


@drawn(
    st.sampled_from(["OK", "ECHEC"]),
    st.dictionaries(st.text(max_size=4), st.none() | st.lists(st.integers(0, 5) | st.text(max_size=2), max_size=5)),
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=4, unique=True),
)
def test_every_charge_has_one_verdict_and_none_goes_round_alone_for_ever(
    status: str, details: Any, pairs: list[tuple[int, int]]
) -> None:
    verdicts = judge(status, details, pairs)
    assert len(verdicts) == len(pairs)
    if len(pairs) == 1 and "104" not in details:
        assert not verdicts[0].alone
        assert verdicts[0].fate in ("accepted", "refused") or any(details.values())
