"""Exports on a schedule, followed through the history: on time, once, again after a failure, by one process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from application.export import Deliveries, Exports
from application.history import History
from application.journal import Journal
from application.ports import DeliveryFailed, Parcel
from application.store import Store
from domain.export import Export, Span

MONDAY = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class Courier:
    """Brings what it is told to, unless the road is blocked."""

    def __init__(self) -> None:
        self.brought: list[tuple[str, Span]] = []
        self.blocked = False

    def check(self, dataset: str, suffix: str, options: dict[str, str]) -> None:
        return

    async def deliver(self, wish: Export.Scheduled, span: Span, position: int) -> Parcel:
        if self.blocked:
            raise DeliveryFailed("the road is blocked")
        self.brought.append((wish.place, span))
        return Parcel("file", 1, 2, "00")


class Office:
    """One process over one history."""

    def __init__(self, database: str) -> None:
        self.store = Store(database)
        self.history = History(self.store.recorder)
        self.journal = Journal(self.store.recorder, self.store.mapper, self.history.advance)
        self.journal.start()
        self.now, self.courier = MONDAY, Courier()
        self.exports = Exports(self.journal, self.history, self.courier, lambda: self.now)

    def deliveries(self) -> Deliveries:
        return Deliveries(self.journal, self.history, self.courier, lambda: self.now)

    async def schedule(self, place: str = "in") -> Export:
        return await self.exports.schedule(
            "transactions", "csv", "DAY", "03:00", "UTC", place, {}, None, "anna"
        )  # fmt: skip

    async def close(self) -> None:
        await self.journal.stop()
        self.store.close()


@pytest.fixture
async def office(ready: str) -> AsyncIterator[Office]:
    made = Office(ready)
    yield made
    await made.close()


async def test_every_day_is_delivered_once_whoever_does_it(office: Office) -> None:
    await office.schedule()
    assert not await office.deliveries().deliver()
    office.now = MONDAY + timedelta(days=2)
    first = office.deliveries()
    assert await first.deliver()
    assert await office.deliveries().deliver(), "the next day, by another process that knows only the history"
    assert not await office.deliveries().deliver()
    assert not await first.deliver()
    days = [span.since.day for _, span in office.courier.brought]
    assert days == [23, 24]


async def test_a_failure_is_a_fact_and_is_made_good(office: Office) -> None:
    export = await office.schedule()
    office.now, office.courier.blocked = MONDAY + timedelta(days=1), True
    deliveries = office.deliveries()
    assert await deliveries.deliver()
    assert not await deliveries.deliver(), "it rests first"
    office.now, office.courier.blocked = office.now + timedelta(minutes=1), False
    assert await deliveries.deliver()
    topics = [row.topic for row in office.history.stream(export.id)]
    assert topics == ["export.scheduled.v1", "export.failed.v1", "export.delivered.v1"]


async def test_what_was_stopped_meanwhile_is_not_delivered(office: Office) -> None:
    export = await office.schedule()
    deliveries = office.deliveries()
    office.now = MONDAY + timedelta(days=1)
    await asyncio.to_thread(deliveries.learn)
    await office.exports.stop(export.id.removeprefix("export/"), "anna")
    span = deliveries.known[export.id].due(office.now)
    assert span is not None
    await deliveries.settle(deliveries.known[export.id], span)
    assert office.courier.brought == []


async def test_it_goes_on_when_something_breaks(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("application.export.LOOK_S", 0.01)
    await office.schedule()
    office.now = MONDAY + timedelta(days=1)
    deliveries, asked = office.deliveries(), 0

    def may() -> bool:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise ConnectionError("the database is away")
        return asked > 2

    deliveries.may = may
    task = asyncio.create_task(deliveries.watch())
    async with asyncio.timeout(5):
        while not office.courier.brought:
            await asyncio.sleep(0.01)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert asked > 2
