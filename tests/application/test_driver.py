"""Drivers hold badges one after the other, and each is forgotten alone: keys gone, history whole, read models empty."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
from eventsourcing.persistence import StoredEvent

from adapters.privacy.keyring import LONG, Keyring
from adapters.signer.file import FileSigner
from application.badge import Badges
from application.driver import Custodian, Custody, Drivers
from application.history import History
from application.journal import Journal
from application.privacy import Ring
from application.store import Store
from domain.audit import RANGE
from domain.badge import Badge, Terms
from domain.badge import stream as badge_stream
from domain.catalog import CATALOG
from domain.driver import Details
from domain.driver import stream as driver_stream
from domain.event import Refusal
from domain.station import Station
from projections import audit, badge, driver
from projections.catalog import PROJECTIONS
from projections.engine import engine
from projections.erasure import compact, concerned, erase
from projections.rebuild import rebuild
from projections.runner import Runner
from tests.scenario import NOW, SOMEBODY

BADGE, NAME, MAIL = "CAFE0815", "Paulette Zimmermann", "paulette@example.org"
SECRET = b"k" * LONG
PERSON = Details(full_name=NAME, email=MAIL, phone="+33 600000001", licence_plate="ZZ-987-QQ")


class Office:
    """A database with everything that a process has, but a server."""

    def __init__(self, database: str) -> None:
        self.database = database
        self.engine = engine(database)
        self.begin()

    def begin(self) -> None:
        """As after a start: nothing in memory."""
        keyring = Keyring(self.engine, SECRET)
        ring = Ring(keyring, keyring.finder)
        self.store = Store(self.database, ring)
        self.history = History(self.store.recorder, ring)
        self.journal = Journal(self.store.recorder, self.store.mapper, self.history.advance)
        self.custody = Custody(self.history, ring, keyring)
        self.badges = Badges(self.history, "reject")
        self.badges.load()
        self.drivers = Drivers(self.journal, self.custody, lambda: NOW, self.badges)

    async def used(self, station_id: str, number: str = BADGE) -> None:
        """Somebody shows the badge at a station."""
        station = Station(f"station/{station_id}")
        station.record(Station.BadgeChecked, SOMEBODY, NOW, badge=number, verdict="Accepted")
        await self.journal.record(station.collect_events())

    def shown(self) -> dict[str, str]:
        """Station → the badge that was shown there, as the history tells it now."""
        rows = self.history.read(0, 10_000, CATALOG.names(Station.BadgeChecked))
        return {row.stream.removeprefix("station/"): self.facts(row).badge for row in rows}

    def facts(self, row: Any) -> Any:
        return CATALOG.decode(row.topic, row.state)

    def project(self) -> None:
        runner = Runner(self.engine, self.history, list(PROJECTIONS.values()))
        while runner.step():
            pass

    def everything(self) -> bytes:
        """The whole database: the file of SQLite, a dump of all tables of PostgreSQL."""
        if self.database.startswith("sqlite"):
            path = self.database.removeprefix("sqlite:///")
            with sqlite3.connect(path) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            with open(path, "rb") as file:
                return file.read()
        with psycopg.connect(self.database) as connection:
            tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
            copies = [connection.cursor().copy(f'COPY "{name}" TO STDOUT (FORMAT binary)') for (name,) in tables]
            return b"".join(self.copied(copy) for copy in copies)

    def copied(self, copy: Any) -> bytes:
        with copy as rows:
            return b"".join(map(bytes, rows))


@pytest.fixture
async def office(ready: str) -> AsyncIterator[Office]:
    made = Office(ready)
    made.journal.start()
    yield made
    await made.journal.stop()
    made.store.close()
    made.engine.dispose()


async def someone(office: Office, number: str = BADGE, details: Details = PERSON) -> str:
    """A driver who holds a registered badge."""
    terms = Terms(message=f"Bonjour {details.full_name}")
    known = Badge(badge_stream(number))
    known.register(number, terms, SOMEBODY, NOW)
    await office.journal.record(known.collect_events())
    made = await office.drivers.register(None, details, "anna")
    await office.drivers.assign(made, number, "anna")
    return made


async def test_nothing_about_the_person_is_in_the_events_before_and_nothing_anywhere_after(office: Office) -> None:
    before_anybody = "EARLY"
    await office.used(before_anybody)
    who = await someone(office)
    await office.used("LATER")
    await office.used("OTHER", "B0B0B0B0")
    office.project()
    words = [word.encode() for word in (BADGE, NAME, MAIL, "ZZ-987-QQ")]
    stored = b"".join(row.stream.encode() + row.state for row in office.history.stored.read(0, 10_000))
    assert not [word for word in words if word in stored]
    assert all(word in office.everything() for word in words)  # read models show them to whoever may see them
    told = await office.drivers.forget(who, "asked for", "anna")
    assert (told.badges, told.plain_events) == (1, 0)
    assert told.events == 5  # shown twice, registered and assigned, and the driver
    assert office.shown() == {"EARLY": "forgotten", "LATER": "forgotten", "OTHER": "B0B0B0B0"}
    erase(office.engine, office.history, office.history.head())
    compact(office.engine)
    left = office.everything()
    assert not [word for word in words if word in left]
    assert b"B0B0B0B0" in left


async def test_a_rebuild_changes_exactly_the_rows_of_whoever_was_forgotten(office: Office) -> None:
    who = await someone(office)
    await someone(office, "B0B0B0B0", Details(full_name="Somebody Else"))
    await office.used("HERE")
    office.project()
    await office.drivers.forget(who, "asked for", "anna")
    office.project()
    seen: list[Any] = []
    for projection in (badge.PROJECTION, driver.PROJECTION):
        rebuild(office.engine, office.history, projection, swap=False, seen=seen.append)
    changed = sorted((each.table, each.kind) for each in seen)
    assert changed == [
        ("badge", "changed"), ("badge", "removed"), ("badge_check", "changed"),
        ("driver_badge", "changed"), ("driver_badge", "removed"),
    ]  # fmt: skip
    erase(office.engine, office.history, office.history.head())
    assert sum(rebuild(office.engine, office.history, each, swap=False).total for each in concerned()) == 0
    with office.engine.connect() as connection:
        assert driver.count(connection, None, None) == 1
        assert badge.count(connection, None, None, None) == 1


async def test_each_holder_of_a_badge_is_forgotten_alone(office: Office) -> None:
    first = await someone(office)
    await office.used("FIRST")
    await office.drivers.unassign(BADGE, "left", "anna")
    await office.used("BETWEEN")
    second = await office.drivers.register(None, Details(full_name="Second"), "anna")
    await office.drivers.assign(second, BADGE, "anna")
    await office.used("SECOND")
    with pytest.raises(Refusal, match="unassign it first"):
        await office.drivers.assign(first, BADGE, "anna")
    told = await office.drivers.forget(first, "asked for", "anna")
    assert told.badges == 0
    assert office.shown() == {"FIRST": "forgotten", "BETWEEN": BADGE, "SECOND": BADGE}
    assert office.badges.known[badge_stream(BADGE)].registered
    told = await office.drivers.forget(second, "asked for", "anna")
    assert (told.badges, set(office.shown().values())) == (1, {"forgotten"})
    assert badge_stream(BADGE) not in office.badges.known


async def test_a_forgotten_badge_that_comes_back_is_a_new_one(office: Office) -> None:
    who = await someone(office)
    await office.drivers.forget(who, "asked for", "anna")
    assert not office.history.stream(badge_stream(BADGE))
    await someone(office, details=Details(full_name="New"))
    await office.used("AGAIN")
    assert office.shown() == {"AGAIN": BADGE}
    assert [row.version for row in office.history.stream(badge_stream(BADGE))] == [1, 2]
    assert not office.history.broken()


async def test_everything_about_a_driver_is_told_in_clear(office: Office) -> None:
    who = await someone(office)
    await office.used("HERE")
    await office.used("ELSEWHERE", "B0B0B0B0")
    rows = list(office.drivers.everything(who, None))
    topics = [row.topic for row in rows]
    assert topics == [
        "badge.registered.v1", "driver.registered.v1", "badge.assigned.v1", "station.badge_checked.v1",
    ]  # fmt: skip
    assert all(BADGE.encode() in row.state or NAME.encode() in row.state for row in rows)
    with pytest.raises(Refusal, match=f"driver {who} holds this badge"):
        list(office.drivers.everything(None, BADGE))
    assert [row.stream for row in office.drivers.everything(None, "B0B0B0B0")] == ["station/ELSEWHERE"]


async def test_a_badge_that_nobody_holds_is_forgotten_by_itself(office: Office) -> None:
    await office.used("HERE")
    await office.used("ELSEWHERE", "B0B0B0B0")
    told = await office.drivers.forget_badge(BADGE.lower(), "lost", "anna")
    assert told == (1, 1, 0)
    assert office.shown() == {"HERE": "forgotten", "ELSEWHERE": "B0B0B0B0"}
    (row,) = office.history.read(0, 10, CATALOG.names(Badge.Forgotten))
    assert row.stream.startswith("badge/forgotten-")
    assert (office.facts(row).reason, office.facts(row).cause.name) == ("lost", "anna")
    with pytest.raises(Refusal, match="never heard"):
        await office.drivers.forget_badge(BADGE, "lost", "anna")


async def test_a_process_that_dies_before_the_keys_are_gone_is_followed_by_one_that_destroys_them(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = await someone(office)
    await office.used("HERE")
    monkeypatch.setattr(office.custody.owners, "destroy", lambda ids: None)
    await office.drivers.forget(who, "asked for", "anna")
    assert office.shown() == {"HERE": BADGE}
    await office.journal.stop()
    office.begin()
    office.journal.start()
    custodian = Custodian(office.custody, office.badges, lambda: NOW)
    task = asyncio.create_task(custodian.follow())
    async with asyncio.timeout(10):
        while office.shown() == {"HERE": BADGE} or badge_stream(BADGE) in office.badges.known:
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert office.shown() == {"HERE": "forgotten"}


async def test_another_process_drops_what_it_remembers(office: Office) -> None:
    who = await someone(office)
    await office.used("HERE")
    keyring = Keyring(office.engine, SECRET)
    ring = Ring(keyring, keyring.finder)
    elsewhere = History(office.store.recorder, ring)
    rows = elsewhere.read(0, 10)
    await office.drivers.forget(who, "asked for", "anna")
    assert elsewhere.read(0, len(rows)) == rows  # it has not heard of it yet
    (gone,) = elsewhere.read(0, 10, ("driver.forgotten.v1",))
    Custody(elsewhere, ring, keyring).heed(gone)
    assert BADGE.encode() not in b"".join(row.state for row in elsewhere.read(0, 10))


async def test_seals_and_proofs_hold_after_forgetting(office: Office, tmp_path: Any) -> None:
    who = await someone(office)
    await office.used("HERE")
    state = (
        b'{"topic":"station.heartbeat_received.v1","originator_id":"station/S","originator_version":1,'
        b'"recorded_at":"2026-11-23T10:00:00Z","cause":{"by":"timer","rule":"x"}}'
    )
    beats = [StoredEvent("station/S", n, "station.heartbeat_received.v1", state) for n in range(1, RANGE + 1)]
    office.store.recorder.insert_events(beats)
    signer = FileSigner(tmp_path / "key.pem")
    audit.Notary(office.engine, office.history.stored, signer).step()
    with office.engine.connect() as connection:
        proofs = list(audit.proofs(connection, office.history.stored, 1, 4))
    await office.drivers.forget(who, "asked for", "anna")
    erase(office.engine, office.history, office.history.head())
    with office.engine.connect() as connection:
        assert list(audit.verify(connection, office.history.stored, signer)) == []
        assert list(audit.proofs(connection, office.history.stored, 1, 4)) == proofs
    assert BADGE not in str(proofs)


async def test_events_of_old_times_stay_readable_and_are_counted(office: Office) -> None:
    plain = Store(office.database)
    old = Badge(badge_stream(BADGE))
    old.register(BADGE, Terms(), SOMEBODY, NOW)
    station = Station("station/OLD")
    station.record(Station.BadgeChecked, SOMEBODY, NOW, badge=BADGE, verdict="Accepted")
    plain.recorder.insert_events(plain.mapper.to_stored_events([*old.collect_events(), *station.collect_events()]))
    plain.close()
    who = await office.drivers.register(None, PERSON, "anna")
    await office.drivers.assign(who, BADGE, "anna")
    await office.used("NEW")
    assert [row.version for row in office.history.stream(badge_stream(BADGE))] == [1, 2]
    assert [row.topic for row in office.drivers.everything(who, None)] == [
        "badge.registered.v1", "station.badge_checked.v1", "driver.registered.v1", "badge.assigned.v1",
        "station.badge_checked.v1",
    ]  # fmt: skip
    told = await office.drivers.forget(who, "asked for", "anna")
    assert told.plain_events == 3
    assert office.shown() == {"OLD": BADGE, "NEW": "forgotten"}


async def test_a_forgotten_driver_cannot_be_changed(office: Office) -> None:
    who = await someone(office)
    await office.drivers.forget(who, "asked for", "anna")
    (row, *_) = office.history.stream(driver_stream(who))
    assert office.facts(row).full_name == "forgotten"
    for step in (
        office.drivers.forget(who, "again", "anna"),
        office.drivers.register(who, PERSON, "anna"),
        office.drivers.assign(who, "B0B0B0B0", "anna"),
    ):
        with pytest.raises(Refusal, match="there is no driver"):
            await step
