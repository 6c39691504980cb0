"""Which controls a station that feeds the grid may be given, and what is known of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from domain.der import Control, Curve, Der, FixedVar, Gradient, Point, Selection, Settings
from domain.event import Refusal
from tests.scenario import NOW, SOMEBODY, Step, given

CURVE = Curve(priority=1, unit="PctMaxW", points=(Point(x=Decimal(1), y=Decimal(2)),))
TIMED = Curve(priority=1, unit="PctMaxW", points=CURVE.points, starts_at=NOW, duration_seconds=Decimal(60))
RAMP = Gradient(priority=1, gradient=Decimal(5), soft_gradient=Decimal(2))


def control(id_: str = "a", kind: str = "VoltVar", default: bool = True, **settings: Any) -> Control:
    return Control(id=id_, control_type=kind, default=default, settings=Settings(**(settings or {"curve": CURVE})))


SOUND = [control(), control(default=False, curve=TIMED), control(kind="Gradients", gradient=RAMP)]


@pytest.mark.parametrize("wanted", SOUND)
def test_a_sound_control_may_be_set(wanted: Control) -> None:
    wanted.check()


LATER = FixedVar(priority=1, setpoint=Decimal(1), unit="PctMaxVar", starts_at=NOW)
BROKEN = [
    (control(kind="Gradients"), "has gradient"),
    (control(curve=CURVE, gradient=RAMP), "nothing else"),
    (control(curve=None), "has curve"),
    (control(kind="Gradients", default=False, gradient=RAMP), "default control only"),
    (control(default=False), "a start and a duration"),
    (control(curve=TIMED), "a start and a duration"),
    (control(kind="FixedVar", default=False, fixed_var=LATER), "both"),
]


@pytest.mark.parametrize(("wanted", "reason"), BROKEN)
def test_a_control_that_makes_no_sense_is_refused(wanted: Control, reason: str) -> None:
    with pytest.raises(Refusal, match=reason):
        wanted.check()


def put(wanted: Control) -> Step[Der]:
    return lambda der: der.record(Der.ControlSet, SOMEBODY, NOW, control=wanted)


def ask(**selection: Any) -> Step[Der]:
    facts = {"request_id": 1, "selection": Selection(**selection)}
    return lambda der: der.record(Der.ReportRequested, SOMEBODY, NOW, **facts)


def report(*controls: Control, more: bool = False) -> Step[Der]:
    return lambda der: der.report(1, controls, more, SOMEBODY, NOW)


def test_clearing_forgets_what_matches() -> None:
    known = given(Der("der/X"), put(control()), put(control("b", default=False, curve=TIMED)))
    known.when(lambda der: der.clear(Selection(default=True), True, SOMEBODY, NOW))
    known.then(Der.ControlsCleared).showing(control_ids=("a",))
    assert list(known.aggregate.controls) == ["b"]


def test_a_complete_report_tells_what_is_lost_of_what_was_asked_for() -> None:
    other = control("c", "FreqWatt")
    known = given(Der("der/X"), put(control()), put(control("b")), put(other), ask(control_type="VoltVar"))
    known.when(report(control(), more=True)).then(Der.Reported)
    known.when(report(control("d"))).then(Der.Reported, Der.ControlsLost).showing(control_ids=("b",))
    assert sorted(known.aggregate.controls) == ["a", "c", "d"]


def test_a_report_nobody_asked_for_tells_nothing_of_what_is_not_in_it() -> None:
    given(Der("der/X"), put(control())).when(report(control("d"))).then(Der.Reported)
