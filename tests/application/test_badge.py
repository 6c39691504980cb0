"""One policy: the same facts give the same verdict, whichever message shows the badge, in every version."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
import pytest

from adapters.ocpp.dialect import stamp
from domain.badge import Badge, Place, Terms, stream
from domain.event import Operator, Order, Refusal
from domain.station import Station
from tests.history import BEGIN, Notebook, Talk, event2, start16, stop16

ANNA = Operator(name="anna")
VERSIONS = ["1.6", "2.0.1", "2.1"]
BEFORE = BEGIN - timedelta(days=30)
TOKEN: dict[str, Any] = {"idToken": {"idToken": "b1", "type": "ISO14443"}, "evse": {"id": 1, "connectorId": 1}}
Facts = Callable[[Talk], object]


def knows(talk: Talk, end: str = "", **terms: Any) -> Badge:
    """The gateway of a station knows badge B1."""
    badge = Badge(stream("B1"))
    badge.register("B1", Terms(**terms), ANNA, BEFORE)
    match end:
        case "blocked":
            badge.block("lost", ANNA, BEFORE)
        case "removed":
            badge.remove("gone", ANNA, BEFORE)
    talk.session.rules.badges.known[badge.id] = badge
    return badge


def busy(talk: Talk) -> None:
    knows(talk)
    talk.session.rules.badges.charges.begin("elsewhere", "B1", "OTHER", "Accepted")


FACTS: dict[str, tuple[Facts, str]] = {
    "nobody knows it": (lambda talk: None, "Unknown"),
    "registered": (lambda talk: knows(talk), "Accepted"),
    "blocked": (lambda talk: knows(talk, "blocked"), "Blocked"),
    "removed": (lambda talk: knows(talk, "removed"), "Invalid"),
    "expired": (lambda talk: knows(talk, expires_at=BEFORE), "Expired"),
    "for another station": (lambda talk: knows(talk, stations=("OTHER",)), "NotAtThisLocation"),
    "for another site": (lambda talk: knows(talk, sites=("paris",)), "NotAtThisLocation"),
    "charging elsewhere": (busy, "ConcurrentTx"),
}


def authorized(talk: Talk) -> str:
    if talk.dialect.version == "1.6":
        return str(talk.say("Authorize", {"idTag": "b1"})["idTagInfo"]["status"])
    return str(talk.say("Authorize", {"idToken": TOKEN["idToken"]})["idTokenInfo"]["status"])


def started(talk: Talk) -> str:
    if talk.dialect.version == "1.6":
        return str(talk.say("StartTransaction", start16(0, badge="b1"))["idTagInfo"]["status"])
    return str(talk.say("TransactionEvent", event2("Started", 0, 0, **TOKEN))["idTokenInfo"]["status"])


def told_again(talk: Talk) -> str:
    started(talk)
    return started(talk)


def shown_later(talk: Talk) -> str:
    """OCPP 2.x: the badge comes after the car."""
    if talk.dialect.version == "1.6":
        return started(talk)
    talk.say("TransactionEvent", event2("Started", 0, 0))
    event = event2("Updated", 1, 1, **TOKEN) | {"triggerReason": "Authorized"}
    return str(talk.say("TransactionEvent", event)["idTokenInfo"]["status"])


def asked_remotely(talk: Talk) -> str:
    """A refusal of ours before anything is sent names the verdict."""
    talk.session.begin(Order(command_id="c"), talk.now)
    try:
        talk.dialect.say["remoteStart"](talk.session, {"badge": "b1"})
    except Refusal as refusal:
        return str(refusal).split(": ")[1].split(" ")[0]
    return "Accepted"


def stopped(talk: Talk) -> str:
    """What ends a charge is never one charge too many."""
    if talk.dialect.version == "1.6":
        number = talk.say("StartTransaction", start16(0, badge="other"))["transactionId"]
        return str(talk.say("StopTransaction", stop16(number, 1, 1000) | {"idTag": "b1"})["idTagInfo"]["status"])
    talk.say("TransactionEvent", event2("Started", 0, 0))
    return str(talk.say("TransactionEvent", event2("Ended", 1, 1, **TOKEN))["idTokenInfo"]["status"])


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("way", [authorized, started, told_again, shown_later, asked_remotely, stopped])
@pytest.mark.parametrize("facts", sorted(FACTS))
def test_the_same_facts_give_the_same_verdict(version: str, way: Callable[[Talk], str], facts: str) -> None:
    talk = Talk(Notebook(), "S", version, unknown_badges="reject")
    arrange, verdict = FACTS[facts]
    arrange(talk)
    if way is stopped and verdict == "ConcurrentTx":
        verdict = "Accepted"
    if version == "1.6" and way is not asked_remotely and verdict in ("Unknown", "NotAtThisLocation"):
        verdict = "Invalid"
    assert way(talk) == verdict


@pytest.mark.parametrize("version", VERSIONS)
def test_a_badge_charges_once_but_is_accepted_where_it_charges_and_free_afterwards(version: str) -> None:
    talk = Talk(Notebook(), "S", version)
    knows(talk)
    assert started(talk) == "Accepted"
    assert authorized(talk) == "Accepted"
    assert talk.session.authorize("B1", purpose="start", evse_id=2).verdict == "ConcurrentTx"
    assert started(talk) == "Accepted"
    for known in list(talk.session.station.transactions.values()):
        talk.session.end(talk.session.load(known), talk.now, "Local", None, None, ())
    assert talk.session.authorize("B1", purpose="start", evse_id=2).verdict == "Accepted"


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("end", "flagged"), [("blocked", True), ("", False)])
def test_a_charge_told_late_is_kept_answered_as_of_now_and_flagged_if_the_badge_is_not_welcome(
    version: str, end: str, flagged: bool
) -> None:
    notebook = Notebook()
    talk = Talk(notebook, "S", version, unknown_badges="reject")
    knows(talk, end)
    talk.now += timedelta(days=1)
    assert started(talk) == ("Blocked" if flagged else "Accepted")
    topics = [row.topic for row in notebook.rows()]
    assert "transaction.started.v1" in topics
    assert ("station.badge_doubted.v1" in topics) is flagged


def test_a_badge_that_was_blocked_when_it_charged_offline_is_flagged_though_it_is_welcome_now() -> None:
    notebook = Notebook()
    talk = Talk(notebook, "S", unknown_badges="reject")
    knows(talk, "blocked").unblock("found", ANNA, BEGIN + timedelta(hours=1))
    talk.now += timedelta(days=1)
    assert started(talk) == "Accepted"
    (doubted,) = [event for event in notebook.events if isinstance(event, Station.BadgeDoubted)]
    assert (doubted.verdict, doubted.verdict_then) == ("Accepted", "Blocked")


def test_a_station_of_1_6_is_told_the_parent_and_the_time() -> None:
    talk = Talk(Notebook(), "S")
    knows(talk, group="family", cache_s=60)
    info = talk.say("Authorize", {"idTag": "B1"})["idTagInfo"]
    assert info == {"status": "Accepted", "parentIdTag": "family", "expiryDate": stamp(talk.now + timedelta(minutes=1))}
    knows(talk, group="longer than twenty characters")
    assert talk.say("Authorize", {"idTag": "B1"})["idTagInfo"] == {"status": "Accepted"}


def test_a_station_of_2_x_is_told_everything_it_may_show() -> None:
    talk = Talk(Notebook(), "S", "2.0.1")
    places = (Place("S", 2), Place("S", 1))
    knows(talk, group="family", cache_s=60, language="fr", message="Bonjour", priority=3, evses=places)
    assert talk.say("Authorize", {"idToken": TOKEN["idToken"]})["idTokenInfo"] == {
        "status": "Accepted",
        "cacheExpiryDateTime": stamp(talk.now + timedelta(minutes=1)),
        "chargingPriority": 3,
        "language1": "fr",
        "groupIdToken": {"idToken": "family", "type": "Central"},
        "personalMessage": {"format": "UTF8", "content": "Bonjour", "language": "fr"},
        "evseId": [1, 2],
    }


def test_a_start_button_needs_no_badge() -> None:
    talk = Talk(Notebook(), "S", "2.0.1", unknown_badges="reject")
    nobody: dict[str, Any] = {"idToken": {"idToken": "", "type": "NoAuthorization"}}
    assert talk.say("TransactionEvent", event2("Started", 0, 0, **nobody)) == {"idTokenInfo": {"status": "Accepted"}}


@pytest.mark.parametrize("tag", ["", "'; DROP TABLE badge;--", "‮01", "🔌" * 5, "0" * 20])
def test_hostile_badges_are_judged_like_any_other(tag: str) -> None:
    notebook = Notebook()
    talk = Talk(notebook, "S", unknown_badges="reject")
    assert talk.say("Authorize", {"idTag": tag})["idTagInfo"]["status"] == "Invalid"
    assert orjson.loads(notebook.rows()[-1].state)["badge"] == tag
