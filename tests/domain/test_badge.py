"""What may be done with a badge."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from domain.badge import Badge, Terms, stream
from tests.scenario import NOW, SOMEBODY, Step, given, refused


def blank() -> Badge:
    return Badge(stream("04a2"))


def register(badge: str = "04A2", **terms: Any) -> Step[Badge]:
    return lambda b: b.register(badge, Terms(**terms), SOMEBODY, NOW)


def block(badge: Badge) -> None:
    badge.block("lost", SOMEBODY, NOW)


def unblock(badge: Badge) -> None:
    badge.unblock("found", SOMEBODY, NOW + timedelta(hours=1))


def expire(badge: Badge) -> None:
    badge.expire("left the company", SOMEBODY, NOW)


def remove(badge: Badge) -> None:
    badge.remove("asked to be forgotten", SOMEBODY, NOW)


def test_badges_compare_without_case() -> None:
    assert stream("04a2") == stream("04A2")


def test_registering_again_replaces_the_terms() -> None:
    badge = given(blank(), register(group="g", concurrent=3), register(priority=2)).aggregate
    assert badge.terms == Terms(priority=2)


def test_a_block_is_remembered_with_its_time() -> None:
    badge = given(blank(), register(), block, unblock).aggregate
    assert not badge.blocked
    assert [badge.blocked_at(NOW + timedelta(minutes=m)) for m in (-1, 0, 59, 60)] == [False, True, True, False]


def test_blocking_twice_is_no_news() -> None:
    given(blank(), register(), block).when(block).then_nothing()


def test_expiring_ends_the_time_of_a_badge_once() -> None:
    scenario = given(blank(), register(expires_at=NOW + timedelta(days=9))).when(expire).then(Badge.Expired)
    assert scenario.aggregate.terms.expires_at == NOW
    scenario.when(expire).then_nothing()


def test_a_removed_badge_can_be_registered_again() -> None:
    scenario = given(blank(), register(), remove)
    assert scenario.aggregate.removed
    scenario.when(register()).then(Badge.Registered)
    assert not scenario.aggregate.removed


@pytest.mark.parametrize("step", [block, unblock, expire, remove])
def test_nothing_is_done_with_a_badge_that_is_not_registered(step: Step[Badge]) -> None:
    refused(blank(), step, "not registered")
    refused(given(blank(), register(), remove).aggregate, step, "not registered")


@pytest.mark.parametrize("badge", ["", " 04A2", "04A2\n", "\x00", "x" * 256, "‮04A2"])
def test_a_badge_no_station_could_show_is_refused(badge: str) -> None:
    refused(blank(), register(badge), "printable")


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        ({"kind": ""}, "token type"),
        ({"kind": "x" * 21}, "token type"),
        ({"group": ""}, "group"),
        ({"concurrent": 0}, "at once"),
        ({"priority": 10}, "-9 and 9"),
        ({"cache_s": 0}, "remembered"),
        ({"language": "x" * 9}, "language"),
        ({"message": "x" * 513}, "message"),
    ],
)
def test_terms_no_station_could_be_told_are_refused(terms: dict[str, Any], reason: str) -> None:
    refused(blank(), register(**terms), reason)
