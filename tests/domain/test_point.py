"""A charge point is described, withdrawn, and its maintenance announced."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from domain.point import Equipment, Outlet, Point, stream
from tests.scenario import NOW, SOMEBODY, given, refused

OWN = Equipment(evse_uid="FR*A68*E1", power_kw=Decimal("22"), outlets=(Outlet(socket="TYPE_2"),))
SOON, LATER = NOW + timedelta(hours=1), NOW + timedelta(hours=2)


def point() -> Point:
    return Point(stream("CP/1", 1))


def describe(own: Equipment = OWN) -> object:
    return lambda p: p.describe(own, SOMEBODY, NOW)


def plan(p: Point) -> None:
    p.plan(SOON, LATER, "cable", SOMEBODY, NOW)


def test_a_description_is_kept_as_we_write_it() -> None:
    made = given(point()).when(describe()).then(Point.Described).showing(station_id="CP/1", evse_id=1)  # type: ignore[arg-type]
    assert made.aggregate.equipment is not None
    assert made.aggregate.equipment.evse_uid == "FRA68E1"


def test_the_same_again_is_no_news() -> None:
    given(point(), describe()).when(describe()).then_nothing()  # type: ignore[arg-type]


def test_what_is_wrong_is_refused_with_all_its_reasons() -> None:
    wrong = Equipment(evse_uid="XX", power_kw=Decimal(22_000))
    refused(point(), describe(wrong), r"evse_uid: .*; power_kw: must be kilowatts")  # type: ignore[arg-type]


def test_connectors_are_numbered_from_one() -> None:
    outlets = (Outlet(socket="EF", connector_id=0),)
    refused(point(), lambda p: p.describe(Equipment(outlets=outlets), SOMEBODY, NOW), "from 1")
    refused(Point(stream("CP1", 0)), lambda p: p.describe(OWN, SOMEBODY, NOW), "from 1")


def test_what_was_never_described_cannot_be_withdrawn() -> None:
    refused(point(), lambda p: p.withdraw(None, SOMEBODY, NOW), "not described")
    given(point(), describe()).when(lambda p: p.withdraw("gone", SOMEBODY, NOW)).then(Point.Withdrawn)  # type: ignore[arg-type]


def test_maintenance_is_announced_before_it_begins() -> None:
    given(point()).when(plan).then(Point.MaintenancePlanned).showing(reason="cable")
    refused(point(), lambda p: p.plan(NOW - timedelta(seconds=1), LATER, "x", SOMEBODY, NOW), "after it is announced")
    refused(point(), lambda p: p.plan(LATER, SOON, "x", SOMEBODY, NOW), "ends after")


def test_maintenance_that_is_over_cannot_be_called_off() -> None:
    made = given(point(), plan).when(lambda p: p.cancel(1, SOMEBODY, SOON)).then(Point.MaintenanceCancelled)
    assert made.aggregate.plans[1].ends_at == SOON
    refused(made.aggregate, lambda p: p.cancel(1, SOMEBODY, LATER), "no such")
    refused(made.aggregate, lambda p: p.cancel(7, SOMEBODY, NOW), "no such")
