"""The one way into the history: durable, in order, and a conflict is its own request's problem only."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from eventsourcing.persistence import OperationalError, StoredEvent

from application.history import History
from application.journal import Fenced, Journal, Writer
from application.store import Store
from domain.badge import Badge
from domain.event import Event
from tests.scenario import NOW, SOMEBODY


def fact(name: str, version: int) -> Event:
    return Badge.Unblocked(
        originator_id=f"badge/{name}", originator_version=version, recorded_at=NOW, cause=SOMEBODY, reason=name
    )


class Bench:
    """A journal over a real store."""

    def __init__(self, database: str) -> None:
        self.store = Store(database)
        self.history = History(self.store.recorder)
        self.journal = Journal(self.store.recorder, self.store.mapper, self.history.advance)

    def names(self) -> list[str]:
        return [f"{row.stream}@{row.version}" for row in self.history.read(0, 10_000)]


@pytest.fixture
async def bench(database: str) -> AsyncIterator[Bench]:
    made = Bench(database)
    made.journal.start()
    yield made
    await made.journal.stop()
    made.store.close()


async def outcomes(work: Sequence[Any]) -> list[type[BaseException] | None]:
    results = await asyncio.gather(*work, return_exceptions=True)
    return [type(result) if isinstance(result, BaseException) else None for result in results]


async def test_what_queues_during_a_commit_goes_into_the_next_one(bench: Bench) -> None:
    await asyncio.gather(*(bench.journal.record([fact(f"b{n}", 1)]) for n in range(500)))
    assert len(bench.names()) == 500
    assert 0 < len(bench.journal.commits) < 50


async def test_events_keep_the_order_in_which_they_were_handed_in(bench: Bench) -> None:
    await asyncio.gather(*(bench.journal.record([fact("one", n)]) for n in range(1, 101)))
    assert bench.names() == [f"badge/one@{n}" for n in range(1, 101)]


async def test_a_version_conflict_fails_only_its_own_request(bench: Bench) -> None:
    await bench.journal.record([fact("taken", 1)])
    other = Badge.Blocked(
        originator_id="badge/taken", originator_version=1, recorded_at=NOW, cause=SOMEBODY, reason="other"
    )
    work = [bench.journal.record([fact("a", 1)]), bench.journal.record([other]), bench.journal.record([fact("b", 1)])]
    assert await outcomes(work) == [None, Fenced, None]
    assert sorted(bench.names()) == ["badge/a@1", "badge/b@1", "badge/taken@1"]


async def test_a_fenced_writer_writes_nothing_more_so_that_no_stream_has_a_hole(bench: Bench) -> None:
    await bench.journal.record([fact("s", 1)])
    writer = Writer()
    stolen = Badge.Blocked(originator_id="badge/s", originator_version=1, recorded_at=NOW, cause=SOMEBODY, reason="x")
    work = [bench.journal.record([stolen], writer), bench.journal.record([fact("s", 2)], writer)]
    assert await outcomes(work) == [Fenced, Fenced]
    assert bench.names() == ["badge/s@1"]


async def test_events_of_one_entry_are_recorded_together_or_not_at_all(bench: Bench) -> None:
    await bench.journal.record([fact("x", 2)])
    two = [fact("y", 1), Badge.Blocked(originator_id="badge/x", originator_version=2, recorded_at=NOW,
                                       cause=SOMEBODY, reason="no")]  # fmt: skip
    assert await outcomes([bench.journal.record(two)]) == [Fenced]
    assert bench.names() == ["badge/x@2"]


async def test_a_commit_whose_answer_got_lost_is_recognised_and_not_made_twice(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, lost = bench.store.recorder.insert_events, iter([True])

    def insert(events: Sequence[StoredEvent], **more: Any) -> Sequence[int]:
        positions = real(events, **more)
        if next(lost, False):
            raise OperationalError("the connection broke during the commit")
        return positions

    monkeypatch.setattr(bench.store.recorder, "insert_events", insert)
    await asyncio.gather(bench.journal.record([fact("a", 1)]), bench.journal.record([fact("b", 1)]))
    assert sorted(bench.names()) == ["badge/a@1", "badge/b@1"]


async def test_an_empty_entry_waits_for_what_was_handed_in_before(bench: Bench) -> None:
    order: list[str] = []
    writer = Writer()
    bench.journal.submit([fact("a", 1)], writer, lambda error: order.append("event"))
    bench.journal.submit([], writer, lambda error: order.append("barrier"))
    await bench.journal.record([fact("b", 1)])
    assert order == ["event", "barrier"]


async def test_a_follower_sees_everything_once_and_in_order_while_it_is_written(bench: Bench) -> None:
    seen: list[int] = []

    async def follow() -> None:
        async for batch in bench.history.follow(0):
            seen.extend(row.version for row in batch)
            if len(seen) >= 300:
                return

    follower = asyncio.create_task(follow())
    for version in range(1, 301):
        await bench.journal.record([fact("f", version)])
    await asyncio.wait_for(follower, 20)
    assert seen == list(range(1, 301))


async def test_the_position_at_a_moment_is_found_by_halving(bench: Bench) -> None:
    from datetime import timedelta

    for minute in range(20):
        event = Badge.Unblocked(
            originator_id=f"badge/m{minute}",
            originator_version=1,
            recorded_at=NOW + timedelta(minutes=minute),
            cause=SOMEBODY,
            reason="",
        )
        await bench.journal.record([event])
    rows = bench.history.read(0, 100)
    assert bench.history.position_at(NOW) < rows[0].position
    assert bench.history.position_at(NOW + timedelta(minutes=7)) == rows[6].position
    assert bench.history.position_at(NOW + timedelta(days=1)) == rows[-1].position
