"""The order of precedence, as a table."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.assignment import Assignment, Charge, Scope, ranked, stream
from tests.scenario import NOW, SOMEBODY, given, refused

HERE = Charge(site="lyon", station_id="CP1", evse_id=2, group="fleet")
NARROW_FIRST = [
    Scope(station_id="CP1", evse_id=2, group="fleet"),
    Scope(station_id="CP1", group="fleet"),
    Scope(site="lyon", group="fleet"),
    Scope(group="fleet"),
    Scope(station_id="CP1", evse_id=2),
    Scope(station_id="CP1"),
    Scope(site="lyon"),
    Scope(),
]
ELSEWHERE = [
    Scope(site="paris"),
    Scope(station_id="CP2"),
    Scope(station_id="CP1", evse_id=1),
    Scope(group="guests"),
    Scope(station_id="CP1", evse_id=2, group="guests"),
]


def assigned(scope: Scope, name: str = "1", **times: timedelta) -> Assignment:
    made = Assignment(stream(name))
    at = {key: NOW + value for key, value in times.items()}
    made.assign("T", scope, at.get("starts_at"), at.get("ends_at"), SOMEBODY, NOW)
    return made


@pytest.mark.parametrize("wide", range(1, len(NARROW_FIRST)))
def test_the_narrower_scope_goes_first(wide: int) -> None:
    two = [assigned(NARROW_FIRST[wide], "z"), assigned(NARROW_FIRST[wide - 1], "a")]
    assert [each.scope for each in ranked(two, HERE, NOW)] == [NARROW_FIRST[wide - 1], NARROW_FIRST[wide]]


def test_all_that_hold_are_ranked() -> None:
    every = [assigned(scope, str(n)) for n, scope in enumerate([*ELSEWHERE, *reversed(NARROW_FIRST)])]
    assert [each.scope for each in ranked(every, HERE, NOW)] == NARROW_FIRST


@pytest.mark.parametrize("scope", ELSEWHERE)
def test_what_is_about_others_does_not_hold(scope: Scope) -> None:
    assert ranked([assigned(scope)], HERE, NOW) == []


def test_of_two_alike_the_one_that_began_later_goes_first() -> None:
    old, new = assigned(Scope(), "old"), assigned(Scope(), "new", starts_at=timedelta(hours=1))
    assert ranked([old, new], HERE, NOW + timedelta(hours=2)) == [new, old]
    assert ranked([old, new], HERE, NOW) == [old]


def test_it_holds_from_its_start_to_before_its_end() -> None:
    made = assigned(Scope(), starts_at=timedelta(hours=1), ends_at=timedelta(hours=2))
    hours = [made.holds(NOW + timedelta(hours=hour)) for hour in (0, 1, 2)]
    assert hours == [False, True, False]


def test_revoked_it_still_held_before() -> None:
    made = assigned(Scope())
    made.revoke(SOMEBODY, NOW + timedelta(hours=1))
    assert [made.holds(NOW + timedelta(minutes=minute)) for minute in (0, 59, 60)] == [True, True, False]
    refused(made, lambda each: each.revoke(SOMEBODY, NOW), "revoked already")


@pytest.mark.parametrize(
    ("scope", "ends_at", "reason"),
    [
        (Scope(evse_id=1), None, "say which station"),
        (Scope(station_id="CP1", evse_id=0), None, "from 1 on"),
        (Scope(site="lyon", station_id="CP1"), None, "one site only"),
        (Scope(), -timedelta(hours=1), "over before it begins"),
    ],
)
def test_what_could_never_hold_is_refused(scope: Scope, ends_at: timedelta | None, reason: str) -> None:
    end = NOW + ends_at if ends_at else None
    refused(Assignment(stream("1")), lambda each: each.assign("T", scope, None, end, SOMEBODY, NOW), reason)


def test_what_was_never_assigned_cannot_be_revoked() -> None:
    refused(Assignment(stream("1")), lambda each: each.revoke(SOMEBODY, NOW), "no such assignment")


def test_it_says_what_was_assigned() -> None:
    given(Assignment(stream("1"))).when(
        lambda each: each.assign("T", Scope(site="lyon"), None, None, SOMEBODY, NOW)
    ).then(Assignment.Assigned).showing(tariff_id="T", scope=Scope(site="lyon"), starts_at=NOW)
