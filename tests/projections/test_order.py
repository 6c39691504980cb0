"""What is shown as now is the newest that stations told live, whatever comes late, from the past or from the future."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from domain.event import Event
from projections import station, transaction
from projections.projection import fold
from tests.history import HEARD, TOKEN, Notebook, Talk, event2, meter16, start16, status16, stop16

AHEAD = 240
"""Minutes after the begin of the day: hours after we hear of it."""


def numbered(events: list[Event]) -> list[tuple[int, Event]]:
    return list(enumerate(events, 1))


def plugs(talk: Talk) -> list[tuple[int, int, str | None, str | None]]:
    """EVSE, connector, status and activity of what a reader is shown."""
    rows = fold(station.PROJECTION, numbered(talk.notebook.events)).rows("connector")
    blank = dict.fromkeys(column.name for column in station.CONNECTOR.columns)
    found = [
        SimpleNamespace(**(blank | {"station_id": s, "evse_id": evse, "connector_id": plug} | values))
        for (s, evse, plug), values in sorted(rows.items())
    ]
    return [(row.evse_id, row.connector_id, row.status, said.activity) for row, said in station.plugs(found)]


def charge(talk: Talk) -> dict[str, Any]:
    (row,) = fold(transaction.PROJECTION, numbered(talk.notebook.events)).rows("transaction").values()
    return row


def old() -> Talk:
    return Talk(Notebook(), "OLD")


def new() -> Talk:
    return Talk(Notebook(), "NEW", "2.0.1")


def occupied(minute: float, connector: int = 1) -> dict[str, Any]:
    at = status16("", minute)["timestamp"]
    return {"timestamp": at, "connectorStatus": "Occupied", "evseId": 1, "connectorId": connector}


def test_an_older_status_does_not_replace_a_newer_one() -> None:
    talk = old()
    talk.say("StatusNotification", status16("Charging", 5))
    talk.say("StatusNotification", status16("Preparing", 4))
    assert plugs(talk) == [(1, 1, "CHARGING", None)]


def test_a_status_from_the_future_does_not_outlast_what_comes_later() -> None:
    talk = old()
    talk.say("StatusNotification", status16("Faulted", AHEAD))
    talk.now = HEARD + timedelta(minutes=10)
    talk.say("StatusNotification", status16("Available", 65))
    assert plugs(talk) == [(1, 1, "AVAILABLE", None)]


def test_a_status_of_1970_is_of_now() -> None:
    talk = old()
    talk.say("StatusNotification", status16("Charging", 5))
    talk.say("StatusNotification", status16("Available", 0) | {"timestamp": "1970-01-01T00:00:09Z"})
    assert plugs(talk) == [(1, 1, "AVAILABLE", None)]


def test_connector_0_is_the_station() -> None:
    talk = old()
    talk.say("StatusNotification", status16("Unavailable", 5, 0))
    assert plugs(talk) == []
    (row,) = fold(station.PROJECTION, numbered(talk.notebook.events)).rows("station").values()
    assert row["status"] == "UNAVAILABLE"


def test_what_was_so_while_offline_is_not_shown_as_now() -> None:
    talk = new()
    talk.say("StatusNotification", occupied(0))
    talk.say("TransactionEvent", event2("Started", 0, 1, 500, "EVConnected", offline=True, **TOKEN))
    talk.say("TransactionEvent", event2("Updated", 1, 2, 600, "Charging", offline=True))
    assert plugs(talk) == [(1, 1, "OCCUPIED", None)]
    talk.say("TransactionEvent", event2("Updated", 2, 3, 700, "SuspendedEV"))
    assert plugs(talk) == [(1, 1, "OCCUPIED", "SUSPENDED_EV")]


def test_activity_of_an_evse_is_that_of_its_only_connector_and_never_of_a_guessed_one() -> None:
    talk = new()
    talk.say("TransactionEvent", event2("Started", 0, 1, 500, "Charging", evse={"id": 1}))
    assert plugs(talk) == [(1, 0, None, "CHARGING")]
    talk.say("StatusNotification", occupied(1, 2))
    assert plugs(talk) == [(1, 2, "OCCUPIED", "CHARGING")]
    talk.say("StatusNotification", occupied(1, 3))
    assert plugs(talk) == [(1, 2, "OCCUPIED", None), (1, 3, "OCCUPIED", None)]


def test_what_comes_after_the_end_is_read_and_changes_nothing_else() -> None:
    talk = old()
    number = talk.say("StartTransaction", start16(1))["transactionId"]
    talk.say("StopTransaction", stop16(number, 9, 3000))
    before = charge(talk)
    talk.say("MeterValues", meter16(number, 10, 3500, 80))
    after = charge(talk)
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed <= {"position", "soc_start"}
    assert len(fold(transaction.PROJECTION, numbered(talk.notebook.events)).rows("reading")) == 1


def test_a_register_from_before_the_end_that_comes_after_it_is_shown() -> None:
    talk = new()
    talk.say("TransactionEvent", event2("Started", 0, 1, 500, **TOKEN))
    talk.say("TransactionEvent", event2("Ended", 2, 9))
    assert charge(talk)["missing"] == 1
    talk.say("TransactionEvent", event2("Updated", 1, 8, 790))
    assert (charge(talk)["meter_stop_wh"], charge(talk)["missing"]) == (790, 0)
