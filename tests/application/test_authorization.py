"""Which badges charge now: what counts, what does not, and that memory is bounded."""

from __future__ import annotations

from typing import Any, cast

import pytest

from application import authorization
from application.authorization import OpenCharges
from tests.history import Notebook, Talk, busy_day, event2, start16, stop16


def charges() -> OpenCharges:
    return OpenCharges(cast(Any, None))


def test_an_accepted_start_counts_until_its_end() -> None:
    known = charges()
    known.begin("t1", "b1", "CP", "Accepted")
    assert known.of("B1") == ["CP"]
    assert known.of("B1", but="t1") == []
    known.end("t1")
    assert known.of("B1") == []


def test_a_refused_start_does_not_count() -> None:
    known = charges()
    known.begin("t1", "B1", "CP", "ConcurrentTx")
    assert known.of("B1") == []


def test_the_first_accepted_badge_pays() -> None:
    known = charges()
    known.begin("t1", None, "CP", None)
    known.present("t1", "B1", "Accepted")
    known.present("t1", "B2", "Accepted")
    assert (known.of("B1"), known.of("B2")) == (["CP"], [])


def test_a_start_that_comes_after_its_end_means_nothing() -> None:
    known = charges()
    known.end("t1")
    known.begin("t1", "B1", "CP", "Accepted")
    assert known.of("B1") == []


def test_the_oldest_open_charges_are_forgotten_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authorization, "OPEN_REMEMBERED", 10)
    monkeypatch.setattr(authorization, "ENDED_REMEMBERED", 10)
    known = charges()
    for number in range(100):
        known.begin(f"t{number}", f"B{number}", "CP", "Accepted")
        known.begin(f"u{number}", None, "CP", None)
    assert (len(known.owners), len(known.places), len(known.unpaid)) == (10, 10, 10)
    for number in range(100):
        known.end(f"t{number}")
    assert (len(known.owners), len(known.places), len(known.ended)) == (0, 0, 10)


def test_the_history_tells_the_same_as_the_sessions_and_telling_twice_is_once() -> None:
    rows = busy_day().rows()
    known = charges()
    known.learn(rows_of(rows))
    once = (dict(known.owners), {badge: dict(places) for badge, places in known.places.items()})
    known.learn(rows_of(rows))
    assert (known.owners, known.places) == once
    assert known.of("b4") == ["OLD"]
    assert known.of("b1") == []


def rows_of(rows: Any) -> Any:
    return [row for row in rows if row.topic in authorization.TOPICS]


def test_a_session_tells_its_own_starts_and_ends_at_once() -> None:
    talk = Talk(Notebook(), "S")
    number = talk.say("StartTransaction", start16(0, badge="b1"))["transactionId"]
    known = talk.session.rules.badges.charges
    assert known.of("B1") == ["S"]
    talk.say("StopTransaction", stop16(number, 5, 1000))
    assert known.of("B1") == []
    new = Talk(Notebook(), "N", "2.0.1")
    new.say("TransactionEvent", event2("Started", 0, 1))
    new.say("TransactionEvent", event2("Updated", 1, 2, idToken={"idToken": "b1", "type": "ISO14443"}))
    assert new.session.rules.badges.charges.of("B1") == ["N"]
