"""Refusals as facts: the first at once, more of the same together, and never too many."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from application import access as module
from application.access import MOST, OTHERS, Accesses, Refused
from domain.access import Access
from domain.event import Event

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class Desk:
    """Stands in for the journal and the history; `away`: the database is."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.away = False

    async def record(self, events: list[Event]) -> None:
        if self.away:
            raise OSError("away")
        self.events += events

    def latest_of(self, stream: str) -> list[Any]:
        return []

    @property
    def told(self) -> list[tuple[str | None, str, int]]:
        return [(e.name, e.code, e.times) for e in self.events if isinstance(e, Access.Refused)]


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def accesses(desk: Desk) -> Accesses:
    return Accesses(cast(Any, desk), cast(Any, desk), lambda: NOW)


def vera(code: str = "FORBIDDEN") -> Refused:
    return Refused(code, "no", "Query.events", "vera", "192.0.2.1")


async def test_the_first_is_told_at_once_and_more_when_the_minute_is_over(accesses: Accesses, desk: Desk) -> None:
    for _ in range(5):
        accesses.refuse(vera())
    accesses.refuse(vera("NOT_FOUND"))
    await accesses.write()
    assert desk.told == [("vera", "FORBIDDEN", 1), ("vera", "NOT_FOUND", 1)]
    accesses.turn()
    await accesses.write()
    assert desk.told[2:] == [("vera", "FORBIDDEN", 4)]
    accesses.refuse(vera())
    await accesses.write()
    assert desk.told[3:] == [("vera", "FORBIDDEN", 1)]


async def test_nobody_can_fill_the_history(accesses: Accesses, desk: Desk) -> None:
    for number in range(10_000):
        accesses.refuse(Refused("UNAUTHENTICATED", "no", "/", None, f"192.0.2.{number}"))
    await accesses.write()
    accesses.turn()
    await accesses.write()
    assert len(desk.told) == MOST + 1
    assert desk.told[-1] == (None, OTHERS.code, 10_000 - MOST)
    assert accesses.refusals["UNAUTHENTICATED"] == 10_000


async def test_what_cannot_be_told_now_is_told_later(accesses: Accesses, desk: Desk) -> None:
    desk.away = True
    accesses.refuse(vera())
    await accesses.write()
    assert desk.told == []
    desk.away = False
    await accesses.write()
    assert desk.told == [("vera", "FORBIDDEN", 1)]


async def test_it_works_by_itself(accesses: Accesses, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WINDOW_S", 0.05)
    keeping = asyncio.create_task(accesses.keep())
    accesses.refuse(vera())
    accesses.refuse(vera())
    async with asyncio.timeout(10):
        while len(desk.told) < 2:
            await asyncio.sleep(0.01)
    keeping.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await keeping
    assert desk.told == [("vera", "FORBIDDEN", 1), ("vera", "FORBIDDEN", 1)]


async def test_what_was_counted_is_told_when_the_process_stops(accesses: Accesses, desk: Desk) -> None:
    keeping = asyncio.create_task(accesses.keep())
    for _ in range(3):
        accesses.refuse(vera())
    await asyncio.sleep(0)
    keeping.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await keeping
    assert sum(times for _, _, times in desk.told) == 3
