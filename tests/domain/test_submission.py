"""A charge is told once, and every way of it is a fact."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from domain.event import Refusal
from domain.preflight import Defect
from domain.submission import MOST_DEFECTS, RETRIES_S, Submission
from tests.scenario import NOW, SOMEBODY, given

ABOUT: dict[str, Any] = {"transaction_id": "t", "station_id": "CP1", "evse_id": 1, "identifier": "P",
                         "first_position": 1, "last_position": 9}  # fmt: skip
TOLD: dict[str, Any] = {"start": 1, "stop": 2, "energy_wh": 3, "points": 2}
REQUEST: dict[str, Any] = {"verb": "POST", "url": "u", "user_id": "i", "size": 1, "body_sha256": "0"}
FALLS = Defect(rule="rising", what="the index falls")
Step = Callable[[Submission], None]


def new() -> Submission:
    return Submission("submission/t")


def prepare(each: Submission, mode: str = "operation") -> None:
    each.prepare("{}", SOMEBODY, NOW, mode=mode, **TOLD, **ABOUT)


def withhold(each: Submission, last_position: int = 9) -> None:
    each.withhold([FALLS], SOMEBODY, NOW, **ABOUT | {"last_position": last_position})


def submit(each: Submission) -> None:
    each.submit("b", SOMEBODY, NOW, **REQUEST)


def accept(each: Submission) -> None:
    each.accept("b", None, "{}", SOMEBODY, NOW)


def refuse(code: str, batch: str = "b") -> Step:
    return lambda each: each.refuse(batch, code, "why", "{}", SOMEBODY, NOW)


def fail(each: Submission) -> None:
    each.fail("b", "HTTP 500", 500, None, False, SOMEBODY, NOW)


def reopen(each: Submission) -> None:
    each.reopen("again", SOMEBODY, NOW)


def abandon(each: Submission) -> None:
    each.abandon("enough", SOMEBODY, NOW)


def test_it_is_made_once_and_told_once() -> None:
    given(new()).when(prepare).then(Submission.Prepared).when(prepare).then_nothing()
    given(new(), prepare, submit, accept).when(submit).then_nothing()
    given(new(), prepare, submit, accept).when(accept).then_nothing()


def test_what_is_withheld_is_never_sent() -> None:
    held = given(new(), withhold)
    assert not held.aggregate.due(NOW)
    held.when(submit).then_nothing()


def test_what_is_withheld_waits_for_news() -> None:
    given(new(), withhold).when(withhold).then_nothing()
    given(new(), withhold).when(lambda each: withhold(each, 10)).then(Submission.Withheld)


def test_a_meter_gone_mad_does_not_fill_the_history() -> None:
    given(new()).when(lambda each: each.withhold([FALLS] * 5_000, SOMEBODY, NOW, **ABOUT)).showing(more=4_900)
    assert MOST_DEFECTS == 100


def test_what_failed_rests_longer_every_time_and_is_sent_again_the_same() -> None:
    each = new()
    prepare(each)
    for attempt in range(len(RETRIES_S) + 2):
        assert each.due(NOW)
        submit(each)
        assert each.due(NOW), "a process that was killed here sends it again"
        fail(each)
        rest = RETRIES_S[min(attempt, len(RETRIES_S) - 1)]
        assert not each.due(NOW + timedelta(seconds=rest - 1))
        assert each.due(NOW + timedelta(seconds=rest))
        each.failed_at = None
    assert each.attempts == len(RETRIES_S) + 2


def test_an_answer_to_another_request_refuses_nothing() -> None:
    given(new(), prepare, submit).when(refuse("201", "another")).then_nothing()
    given(new(), prepare, submit).when(refuse("201")).then(Submission.Refused)


def test_indexes_too_far_apart_are_made_again_as_a_load_curve_once() -> None:
    sparse = given(new(), prepare, submit, refuse("203")).aggregate
    assert sparse.wants(9)
    prepare(sparse, "curve")
    submit(sparse)
    refuse("203")(sparse)
    assert not sparse.wants(9)


def test_somebody_may_have_it_tried_again_but_not_what_arrived() -> None:
    given(new(), withhold).when(reopen).then(Submission.Reopened).when(prepare).then(Submission.Prepared)
    for steps in ((), (prepare,), (prepare, submit), (prepare, submit, accept)):
        with pytest.raises(Refusal):
            reopen(given(new(), *steps).aggregate)


def test_what_was_abandoned_is_not_sent_and_an_answer_that_comes_after_all_counts() -> None:
    gone = given(new(), prepare, submit, abandon)
    assert not gone.aggregate.due(NOW)
    gone.when(fail).then_nothing()
    gone.when(accept).then(Submission.Accepted)
    for steps in ((), (prepare, submit, accept)):
        with pytest.raises(Refusal):
            abandon(given(new(), *steps).aggregate)
