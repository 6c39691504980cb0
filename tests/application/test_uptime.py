"""Months are reckoned from the history, and again when another rule is adopted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from application.history import History
from application.journal import Journal
from application.store import Store
from application.uptime import Surveyor, Uptimes
from domain.catalog import CATALOG
from domain.event import Connection, Operator
from domain.point import Equipment, Point
from domain.station import Station
from domain.uptime import Uptime
from domain.yardstick import Method

BEGIN = datetime(2026, 9, 20, tzinfo=UTC)
NOW = datetime(2026, 11, 24, tzinfo=UTC)
LINK = Connection(connection_id="c", gateway="g")
BOOK: Any = SimpleNamespace(zone=lambda station_id, at: "Europe/Paris")


@pytest.fixture
async def uptimes(sqlite: str) -> AsyncIterator[Uptimes]:
    store = Store(sqlite)
    history = History(store.recorder)
    journal = Journal(store.recorder, store.mapper, history.advance)
    journal.start()
    station, point = Station("station/CP1"), Point("point/CP1/1")
    station.connect(LINK, "1.6", BEGIN)
    for days, status in ((0, "AVAILABLE"), (1, "FAULTED"), (2, "AVAILABLE")):
        at = BEGIN + timedelta(days=days)
        facts: dict[str, Any] = {"evse_id": 1, "connector_id": 1, "status": status, "occurred_at": at}
        station.record(Station.StatusReported, LINK, at, **facts)
    station.disconnect("gone", LINK, BEGIN + timedelta(days=20))
    station.connect(LINK, "1.6", BEGIN + timedelta(days=22))
    point.describe(Equipment(remarks="x"), Operator(name="anna"), BEGIN)
    await journal.record([*station.collect_events(), *point.collect_events()])
    yield Uptimes(journal, history, cast(Any, BOOK), lambda: NOW)
    await journal.stop()
    store.close()


def measured(uptimes: Uptimes) -> list[tuple[str, int, int | None, str]]:
    """Month, rule, the rule before, and the percentage."""
    rows = uptimes.history.stream("uptime/CP1/1")
    found = [CATALOG.decode(row.topic, row.state) for row in rows]
    events = [event for event in found if isinstance(event, Uptime.Measured)]
    return [(event.month, event.rule, event.instead_of, str(event.figures.percent)) for event in events]


async def test_months_that_are_over_are_recorded_once(uptimes: Uptimes) -> None:
    surveyor = Surveyor(uptimes)
    assert await surveyor.survey() == 2
    assert measured(uptimes) == [("2026-09", 0, None, "90.84"), ("2026-10", 0, None, "100.00")]
    assert await surveyor.survey() == 0
    assert await Surveyor(uptimes).survey() == 0


async def test_another_rule_reckons_its_months_again_and_both_figures_stay(uptimes: Uptimes) -> None:
    surveyor = Surveyor(uptimes)
    await surveyor.survey()
    await uptimes.adopt("2026-10", Method(unreachable="DOWN"), "the ministry asks", "anna")
    assert await surveyor.survey() == 1
    assert measured(uptimes)[2:] == [("2026-10", 1, 0, "93.58")]
    assert [await surveyor.survey(), await Surveyor(uptimes).survey()] == [0, 0]


async def test_a_station_that_said_nothing_is_looked_at_once(uptimes: Uptimes) -> None:
    silent = Point("point/SILENT/1")
    silent.describe(Equipment(remarks="x"), Operator(name="anna"), BEGIN)
    await uptimes.journal.record(silent.collect_events())
    surveyor = Surveyor(uptimes)
    await surveyor.survey()
    assert not surveyor.due("SILENT")
    await uptimes.adopt("2026-01", Method(unreachable="DOWN"), "x", "anna")
    await surveyor.survey()
    assert not surveyor.due("SILENT")


def test_the_running_month_is_reckoned_too_under_any_rule(uptimes: Uptimes) -> None:
    found = uptimes.reckon("CP1", lambda month: Method(unreachable="UP"), NOW)
    assert [month for _, month in found] == ["2026-09", "2026-10", "2026-11"]
    assert str(found[1, "2026-10"].percent) == "100.00"
