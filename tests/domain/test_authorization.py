"""Who may charge, where and when: one sentence per rule."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from domain.authorization import Presented, Ruling, judge
from domain.badge import Badge, Place, Terms
from tests.scenario import NOW, SOMEBODY

LATER = NOW + timedelta(hours=2)


def registered(**terms: Any) -> Badge:
    badge = Badge("badge/B1")
    badge.register("B1", Terms(**terms), SOMEBODY, NOW)
    return badge


def blocked() -> Badge:
    badge = registered()
    badge.block("lost", SOMEBODY, NOW)
    return badge


def freed() -> Badge:
    badge = blocked()
    badge.unblock("found", SOMEBODY, NOW + timedelta(hours=1))
    return badge


def removed() -> Badge:
    badge = registered()
    badge.remove("gone", SOMEBODY, NOW)
    return badge


def show(known: Badge | None = None, **facts: Any) -> Ruling:
    """Present B1 on EVSE 1 of station CP, at site lyon."""
    usual: dict[str, Any] = {
        "badge": "B1", "kind": "ISO14443", "known": known, "unknown": "reject", "master_group": "POLICE",
        "station_id": "CP", "site": "lyon", "evse_id": None, "purpose": "start", "charging": 0, "here": False,
        "at": LATER,
    }  # fmt: skip
    return judge(Presented(**usual | facts))


@pytest.mark.parametrize(
    ("known", "facts", "verdict"),
    [
        (None, {}, "Unknown"),
        (None, {"kind": "KeyCode"}, "Invalid"),
        (None, {"unknown": "accept"}, "Accepted"),
        (None, {"kind": "NoAuthorization", "badge": ""}, "Accepted"),
        (registered(), {}, "Accepted"),
        (registered(), {"kind": None}, "Accepted"),
        (registered(), {"kind": "Central"}, "Accepted"),
        (registered(), {"kind": "KeyCode"}, "Invalid"),
        (registered(kind="KeyCode"), {}, "Invalid"),
        (registered(kind="KeyCode"), {"kind": "KeyCode"}, "Accepted"),
        (removed(), {}, "Invalid"),
        (removed(), {"unknown": "accept"}, "Invalid"),
        (removed(), {"at": NOW - timedelta(seconds=1)}, "Accepted"),
        (blocked(), {}, "Blocked"),
        (blocked(), {"unknown": "accept", "purpose": "stop"}, "Blocked"),
        (blocked(), {"at": NOW - timedelta(seconds=1)}, "Accepted"),
        (freed(), {}, "Accepted"),
        (freed(), {"at": NOW + timedelta(minutes=30)}, "Blocked"),
        (registered(expires_at=LATER), {}, "Expired"),
        (registered(expires_at=LATER), {"at": LATER - timedelta(seconds=1)}, "Accepted"),
        (registered(stations=("CP",)), {}, "Accepted"),
        (registered(stations=("OTHER",)), {}, "NotAtThisLocation"),
        (registered(sites=("lyon",)), {}, "Accepted"),
        (registered(sites=("paris",)), {"site": None}, "NotAtThisLocation"),
        (registered(evses=(Place("CP", 2),)), {}, "Accepted"),
        (registered(evses=(Place("CP", 2),)), {"evse_id": 2}, "Accepted"),
        (registered(evses=(Place("CP", 2),)), {"evse_id": 1}, "NotAtThisLocation"),
        (registered(group="police"), {}, "Invalid"),
        (registered(group="police"), {"purpose": "show"}, "Accepted"),
        (registered(group="police"), {"purpose": "stop"}, "Accepted"),
        (registered(group="police"), {"master_group": ""}, "Accepted"),
        (registered(), {"charging": 1}, "ConcurrentTx"),
        (registered(), {"charging": 1, "purpose": "show"}, "ConcurrentTx"),
        (registered(), {"charging": 1, "purpose": "show", "here": True}, "Accepted"),
        (registered(), {"charging": 1, "here": True}, "ConcurrentTx"),
        (registered(), {"charging": 1, "purpose": "stop"}, "Accepted"),
        (registered(concurrent=2), {"charging": 1}, "Accepted"),
        (registered(concurrent=2), {"charging": 2}, "ConcurrentTx"),
    ],
)  # fmt: skip
def test_a_badge_is_judged_by_the_first_rule_that_has_something_to_say(
    known: Badge | None, facts: dict[str, Any], verdict: str
) -> None:
    ruling = show(known, **facts)
    assert ruling.verdict == verdict
    assert ruling.accepted or ruling.reason


def test_a_ruling_names_the_only_evses_of_a_limited_badge() -> None:
    limited = registered(evses=(Place("CP", 3), Place("CP", 1), Place("OTHER", 2)))
    assert show(limited).evses == (1, 3)
    assert show(registered(stations=("CP",), evses=(Place("CP", 1),))).evses == ()


def test_a_refused_badge_still_tells_its_group() -> None:
    badge = registered(group="family")
    badge.block("lost", SOMEBODY, NOW)
    assert show(badge).terms == Terms(group="family")


@pytest.mark.parametrize(
    ("terms", "until"),
    [
        ({}, None),
        ({"cache_s": 60}, LATER + timedelta(minutes=1)),
        ({"expires_at": LATER + timedelta(days=1)}, LATER + timedelta(days=1)),
        ({"expires_at": LATER + timedelta(seconds=9), "cache_s": 60}, LATER + timedelta(seconds=9)),
    ],
)
def test_a_ruling_holds_until_the_badge_ends_or_must_be_asked_again(terms: dict[str, Any], until: Any) -> None:
    assert show(registered(**terms)).until(LATER) == until
    assert Ruling("Accepted").until(LATER) is None
