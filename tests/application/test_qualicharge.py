"""The outbox against a real store and a server of our own: every item has one fate, and no session arrives twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.qualicharge.client import Client
from application.history import History
from application.journal import Journal
from application.ports import Outcome
from application.qualicharge import Charge, Desk, Outbox, Spot, Survey, Terms
from application.store import Store
from domain.catalog import CATALOG
from domain.event import Refusal
from domain.qualicharge import Draft, Item, Kind, session_id, stream
from tests.adapters.qualicharge.test_client import RECORD
from tests.registrar import PASSWORD, USER, Registrar, serving

LIBRE = {"etat_pdc": "en_service", "occupation_pdc": "libre", "etat_prise_type_2": "fonctionnel"}
OCCUPE = LIBRE | {"occupation_pdc": "occupe"}


class World:
    """What a survey finds, and a clock that only tests move."""

    def __init__(self, database: str, url: str) -> None:
        self.now = datetime.now(UTC) - timedelta(minutes=10)
        self.state: dict[str, Any] = LIBRE
        self.at = self.now
        self.record: dict[str, Any] = RECORD | {"id_pdc_itinerance": "FRXYZE1", "nbre_pdc": 1}
        self.charges: list[Charge] = []
        self.store = Store(database)
        self.history = History(self.store.recorder)
        self.journal = Journal(self.store.recorder, self.store.mapper, self.history.advance)
        self.client = Client(url, USER, PASSWORD, "x", 60_000, 5.0)
        self.desk = Desk(self.journal, self.history, lambda: self.now)

    def outbox(self, registrar: Any = None) -> Outbox:
        """As after a start: nothing is known but what was recorded."""
        return Outbox(self.journal, self.history, self.survey, registrar or self.client, Terms(), lambda: self.now)

    def survey(self, now: datetime) -> Survey:
        spots = [Spot("FRXYZE1", "CP1", 1, self.record, self.state, self.at)]
        return Survey(self.history.head(), spots, self.charges)

    def charge(self, name: str, minutes: int = 60, **more: Any) -> None:
        facts: dict[str, Any] = {
            "started_at": self.now - timedelta(minutes=minutes),
            "ended_at": self.now,
            "energy_kwh": 7.0,
        }
        self.charges.append(Charge(name, "FRXYZE1", "CP1", 1, **(facts | more)))

    def item(self, name: str) -> Item:
        return Item(name).replay(CATALOG.decode(row.topic, row.state) for row in self.history.stream(name))

    def fates(self, kind: Kind) -> list[str | None]:
        """Of every item of a kind, in the order in which they were prepared."""
        rows = self.history.read(0, 10_000)
        streams = dict.fromkeys(row.stream for row in rows if row.stream.startswith("qualicharge/"))
        found = [
            Item(name).replay(CATALOG.decode(r.topic, r.state) for r in self.history.stream(name)) for name in streams
        ]
        return [item.fate for item in found if item.draft is not None and item.draft.kind == kind]


@pytest.fixture
def registrar() -> Iterator[Registrar]:
    with serving(Registrar()) as running:
        yield running


@asynccontextmanager
async def world_of(database: str, url: str) -> AsyncIterator[World]:
    made = World(database, url)
    made.journal.start()
    try:
        yield made
    finally:
        await made.journal.stop()
        await made.client.close()
        made.store.close()


@pytest.fixture
async def world(sqlite: str, registrar: Registrar) -> AsyncIterator[World]:
    async with world_of(sqlite, registrar.url) as made:
        yield made


async def test_a_point_its_status_and_a_session_are_told_once(world: World, registrar: Registrar) -> None:
    outbox = world.outbox()
    world.charge("t1")
    for _ in range(3):
        await outbox.round()
        world.now += timedelta(seconds=3)
    assert (world.fates("STATIC"), world.fates("STATUS")) == (["ACCEPTED"], ["ACCEPTED"])
    assert world.fates("SESSION") == ["CONFIRMED"]
    assert (list(registrar.points), len(registrar.statuses), len(registrar.sessions)) == (["FRXYZE1"], 1, 1)
    await world.outbox().round()
    assert (len(registrar.statuses), len(registrar.sessions)) == (1, 1)


async def test_a_status_is_told_when_it_is_another_one_and_to_show_that_we_live(
    world: World, registrar: Registrar
) -> None:
    outbox = world.outbox()
    await outbox.round()
    for state in (OCCUPE, OCCUPE, LIBRE):
        world.now += timedelta(seconds=10)
        world.state, world.at = state, world.now
        await outbox.round()
    assert [each["occupation_pdc"] for each in registrar.statuses] == ["libre", "occupe", "libre"]
    times = [each["horodatage"] for each in registrar.statuses]
    assert times == sorted(set(times))
    assert world.fates("STATUS") == ["ACCEPTED"] * 3


async def test_after_an_outage_only_the_latest_status_goes(world: World, registrar: Registrar) -> None:
    outbox = world.outbox()
    await outbox.round()
    registrar.trouble["/dynamique/status/bulk"] = [429]
    for state in (OCCUPE, LIBRE, OCCUPE):
        world.now += timedelta(seconds=5)
        world.state, world.at = state, world.now
        await outbox.round()
    world.now += timedelta(seconds=120)
    await outbox.round()
    assert world.fates("STATUS") == ["ACCEPTED", "SUPERSEDED", "SUPERSEDED", "ACCEPTED"]
    assert [each["occupation_pdc"] for each in registrar.statuses] == ["libre", "occupe"]


async def test_what_breaks_a_rule_is_not_sent_and_says_which(world: World, registrar: Registrar) -> None:
    world.charge("long", started_at=world.now - timedelta(days=8))
    world.charge("late", started_at=world.now - timedelta(days=16), ended_at=world.now - timedelta(days=15, hours=9))
    world.charge("doubted", doubt="the register jumped")
    world.record = world.record | {"siren_amenageur": "130025266", "puissance_nominale": 1.0}
    await world.outbox().round()
    assert world.fates("SESSION") == ["WITHHELD"] * 3
    assert world.fates("STATIC") == ["WITHHELD"]
    rules = [CATALOG.decode(r.topic, r.state).rules for r in world.history.read(0, 99, ("qualicharge.withheld.v1",))]  # type: ignore[attr-defined]
    assert rules == [("39", "55"), ("15",), ("42",), ("0",)]
    assert (registrar.points, registrar.statuses, registrar.sessions) == ({}, [], {})
    assert world.fates("STATUS") == ["PREPARED"], "its point is not known there yet"
    await world.desk.retry(session_id("long"), "anna")
    await world.outbox().round()
    assert world.fates("SESSION") == ["WITHHELD"] * 3, "asking again does not lift a rule"


async def test_an_unknown_outcome_is_never_sent_again_unless_somebody_asks(world: World, registrar: Registrar) -> None:
    outbox = world.outbox()
    await outbox.round()
    world.charge("t1")
    registrar.drop_answers = 1
    for _ in range(3):
        await outbox.round()
        world.now += timedelta(minutes=15)
    assert world.fates("SESSION") == ["UNCERTAIN"]
    assert len(registrar.sessions) == 1
    await world.desk.retry(session_id("t1"), "anna")
    await outbox.round()
    assert world.fates("SESSION")[0] in ("ACCEPTED", "CONFIRMED")
    assert len(registrar.sessions) == 2, "a person decided so"
    with pytest.raises(Refusal, match="has it already"):
        await world.desk.retry(session_id("t1"), "anna")
    with pytest.raises(Refusal, match="there is no item"):
        await world.desk.retry("session-nobody", "anna")


class Killed(BaseException):
    """The process ends here."""


class Dying:
    """Dies before or after the other side has the batch."""

    def __init__(self, client: Client, after: bool) -> None:
        self.client = client
        self.after = after

    async def send(self, kind: Kind, drafts: list[Draft]) -> list[Outcome]:
        if kind != "SESSION":
            return await self.client.send(kind, drafts)
        if self.after:
            await self.client.send(kind, drafts)
        raise Killed

    async def stored(self, reference: str) -> bool | None:
        return None


@pytest.mark.parametrize("after", [False, True])
async def test_a_process_killed_while_it_sends_makes_no_session_twice(
    world: World, registrar: Registrar, after: bool
) -> None:
    world.charge("t1")
    with pytest.raises(Killed):
        await world.outbox(Dying(world.client, after)).round()
    for _ in range(2):
        await world.outbox().round()
    assert len(registrar.sessions) == int(after)
    assert world.fates("SESSION") == ["UNCERTAIN"]


async def test_two_processes_that_both_try_send_once(world: World, registrar: Registrar) -> None:
    world.charge("t1")
    await asyncio.gather(world.outbox().round(), world.outbox().round(), return_exceptions=False)
    assert len(registrar.sessions) == 1


async def test_a_refused_item_waits_for_somebody(world: World, registrar: Registrar) -> None:
    outbox = world.outbox()
    await outbox.round()
    registrar.points.clear()
    world.charge("t1")
    await outbox.round()
    await outbox.round()
    item = world.item(stream(session_id("t1")))
    assert (item.fate, item.attempts) == ("REFUSED", 1)
