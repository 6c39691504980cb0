"""Long streams open from a snapshot and what came after, and say the same without it: on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from types import SimpleNamespace
from typing import Any, cast

import pytest
from typer.testing import CliRunner

from api.cli import cli
from application import snapshot
from application.history import History
from application.rarity import OFTEN, heeded, seldom
from application.snapshot import Album, Snapshots, restore
from application.store import Store
from domain.badge import Badge
from domain.catalog import CATALOG, events
from domain.event import Connection, Event
from domain.station import Station
from tests.history import BEGIN, busy_day

CAUSE = Connection(connection_id="c1", gateway="g1")
STREAM = "station/LONG"
BADGES = tuple(name for kind in events(Badge) for name in CATALOG.names(kind))


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    made = Store(database)
    yield made
    made.close()


def save(store: Store, told: list[Event]) -> None:
    store.recorder.insert_events([store.mapper.to_stored_event(event) for event in told])


def lived(turns: int, after: int = 0) -> list[Event]:
    """A station that connects, beats 20 times and hangs up, again and again."""
    station = Station(STREAM)
    station.version = after
    for _ in range(turns):
        station.connect(CAUSE, "1.6", BEGIN)
        for _ in range(20):
            station.record(Station.HeartbeatReceived, CAUSE, BEGIN)
        station.disconnect("gone", CAUSE, BEGIN)
    return list(station.collect_events())


def seen(station: Station) -> dict[str, Any]:
    return vars(station)


def test_a_long_stream_leaves_a_snapshot_and_opens_from_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    save(store, lived(100))
    history = History(store.recorder)
    snapshots = Snapshots(history)
    whole = restore(history, Station(STREAM))
    assert (whole.aggregate.version, snapshots.count()[0]) == (2_200, 1)
    save(store, lived(2, after=2_200))
    read: list[int] = []
    heeded = history.heeded

    def watched(stream: str, after: int, limit: int, unheeded: bool) -> Any:
        read.append(after)
        return heeded(stream, after, limit, unheeded)

    monkeypatch.setattr(history, "heeded", watched)
    again = restore(history, Station(STREAM))
    assert read == [2_200 - snapshot.RECENT]
    assert (again.aggregate.version, len(again.recent)) == (2_244, snapshot.RECENT)
    snapshots.drop()
    assert snapshots.count() == (0, 0)
    fresh = restore(history, Station(STREAM))
    assert seen(fresh.aggregate) == seen(again.aggregate) == seen(Station(STREAM).replay(lived(102)))
    assert fresh.recent == again.recent


@pytest.mark.parametrize("page", [7, 22, 5_000])
def test_what_is_passed_over_leaves_no_trace(store: Store, monkeypatch: pytest.MonkeyPatch, page: int) -> None:
    monkeypatch.setattr(snapshot, "PAGE", page)
    save(store, lived(9)[:-3])
    found = restore(History(store.recorder), Station(STREAM))
    assert seen(found.aggregate) == seen(Station(STREAM).replay(lived(9)[:-3]))
    assert found.recent == lived(9)[:-3][-snapshot.RECENT :]


def test_a_stream_that_is_not_there_is_empty(store: Store) -> None:
    assert restore(History(store.recorder), Station("station/NONE")).recent == []


def test_a_snapshot_of_another_program_or_none_at_all_is_not_believed(store: Store) -> None:
    save(store, lived(100))
    history = History(store.recorder)
    right = seen(restore(history, Station(STREAM)).aggregate)
    for column in ("shape = 'other'", "state = CAST('[' AS {})"):
        kind = "BYTEA" if "notification" in store.recorder.place else "BLOB"
        store.recorder.tell((f"UPDATE snapshot SET {column.format(kind)}", ()))
        assert Snapshots(History(store.recorder)).find(Station(STREAM)) is None
        assert seen(restore(history, Station(STREAM)).aggregate) == right
    assert Snapshots(History(store.recorder)).count()[0] == 1


def test_an_orphan_is_remembered_by_its_place_in_the_history(store: Store) -> None:
    save(store, busy_day().events)
    history = History(store.recorder)
    snapshots = Snapshots(history)
    station = restore(history, Station("station/OLD")).aggregate
    assert station.orphans
    snapshots.keep(station)
    rows = store.recorder.fetch("SELECT state FROM snapshot", ())
    assert all(event.station_transaction_id.encode() not in rows[0][0] for event in station.orphans.values())
    found = snapshots.find(Station("station/OLD"))
    assert found is not None
    assert found.orphans == station.orphans


def test_all_snapshots_can_be_taken_beforehand(database: str, store: Store) -> None:
    save(store, [*lived(60), *busy_day().events])
    done = CliRunner().invoke(cli, ["snapshots", "take", "--database", database])
    assert (done.exit_code, done.stdout) == (0, "1 snapshots\n")
    assert CliRunner().invoke(cli, ["snapshots", "count", "--database", database]).stdout.startswith("1 snapshots, ")
    assert CliRunner().invoke(cli, ["snapshots", "drop", "--database", database]).exit_code == 0
    assert Snapshots(History(store.recorder)).count() == (0, 0)


async def test_a_station_that_stays_gets_new_snapshots_meanwhile(store: Store) -> None:
    history = History(store.recorder)
    snapshots = Snapshots(history)
    told = lived(60)
    held = SimpleNamespace(station=Station(STREAM).replay(told[:100]))
    album = Album(history, cast(Any, {"LONG": held}))
    save(store, told)
    await album.turn()
    assert snapshots.count()[0] == 0
    held.station.replay(told[100:])
    await album.turn()
    found = snapshots.find(Station(STREAM))
    assert found is not None
    assert found.version == len(told)


def test_what_comes_seldom_is_found_without_what_comes_often(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    save(store, [*lived(60), *busy_day().events])
    history, rare = History(store.recorder), sorted(set(CATALOG.decoders) - OFTEN)
    for topics in (BADGES, rare, rare[:1]):
        for after, limit, stream in product((0, 1_330), (3, 1_000), (None, "station/OLD")):
            monkeypatch.setattr("application.history.FAR", 10**9)
            right = list(history.read(after, limit, topics, stream))
            monkeypatch.setattr("application.history.FAR", 0)
            assert list(history.read(after, limit, topics, stream)) == right


def test_the_rare_is_looked_up_in_an_index(store: Store) -> None:
    save(store, lived(200))
    recorder, postgres = store.recorder, store.recorder.place != "rowid"
    plans = {
        "stored_events_by_topic": (recorder.worded(seldom(BADGES[:1])), [BADGES[0], 0, 10, 10]),
        "stored_events_heeded": (recorder.worded(heeded(unheeded=False)), [STREAM, 0, 10]),
    }
    if postgres:
        recorder.tell(("ANALYZE stored_events", ()))
    for index, (statement, parameters) in plans.items():
        explained = recorder.fetch(f"EXPLAIN {'' if postgres else 'QUERY PLAN '}{statement}", parameters)
        assert index in str(explained)
