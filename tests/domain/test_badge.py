"""Who may charge."""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.badge import Badge, stream, verdict
from tests.scenario import NOW, SOMEBODY, Step, given, refused


def blank() -> Badge:
    return Badge(stream("04a2"))


def register(expires_at: datetime | None = None) -> Step[Badge]:
    return lambda badge: badge.register("04A2", "ISO14443", None, expires_at, SOMEBODY, NOW)


def block(badge: Badge) -> None:
    badge.block("lost", SOMEBODY, NOW)


def unblock(badge: Badge) -> None:
    badge.unblock("found", SOMEBODY, NOW)


def test_badges_compare_without_case() -> None:
    assert stream("04a2") == stream("04A2")


def test_an_unknown_badge_is_treated_by_the_policy() -> None:
    assert (verdict(None, "accept", NOW), verdict(None, "reject", NOW)) == ("Accepted", "Invalid")


def test_a_registered_badge_is_accepted() -> None:
    assert verdict(given(blank(), register()).aggregate, "reject", NOW) == "Accepted"


def test_a_blocked_badge_is_blocked_until_it_is_unblocked() -> None:
    badge = given(blank(), register(), block).aggregate
    assert verdict(badge, "accept", NOW) == "Blocked"
    unblock(badge)
    assert verdict(badge, "accept", NOW) == "Accepted"


def test_a_badge_expires_at_its_time_and_not_before() -> None:
    badge = given(blank(), register(NOW)).aggregate
    assert verdict(badge, "accept", NOW - timedelta(seconds=1)) == "Accepted"
    assert verdict(badge, "accept", NOW) == "Expired"


def test_a_badge_nobody_registered_cannot_be_blocked() -> None:
    refused(blank(), block, "not registered")


def test_blocking_twice_is_no_news() -> None:
    given(blank(), register(), block).when(block).then_nothing()


def test_a_badge_without_text_is_refused() -> None:
    refused(blank(), lambda b: b.register("", "ISO14443", None, None, SOMEBODY, NOW), "1 to 255")
