"""The deliverer against a real receiver on a real socket: signed, in order per stream, nothing lost."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import Engine

from adapters.webhook.deliverer import Deliverer
from adapters.webhook.secret import SECRET, Keyring
from adapters.webhook.sender import Sender
from application.history import History
from application.journal import Journal
from application.store import Store
from application.webhook import Webhooks
from domain.event import Timer
from domain.station import Station
from domain.webhook import Patience
from projections import delivery, webhook
from projections.engine import engine
from projections.runner import Runner
from tests.receiver import FINE, Answer, Receiver

QUICK = Patience(first_s=0.05, most_s=0.2, attempts=3, off_s=3600)
WAIT = Timer(rule="test")


def now() -> datetime:
    return datetime.now(UTC)


class Post:
    """A history that grows, the read model of webhooks, and a deliverer that may be stopped and started."""

    def __init__(self, database: str, patience: Patience = QUICK, timeout_s: float = 5.0) -> None:
        self.engine: Engine = engine(database)
        self.store = Store(database)
        self.history = History(self.store.recorder)
        self.journal = Journal(self.store.recorder, self.store.mapper, self.history.advance)
        key = Fernet.generate_key()
        self.keyring = Keyring(self.engine, lambda: key)
        self.patience, self.timeout_s = patience, timeout_s
        self.hooks = Webhooks(self.journal, self.history, self.keyring, Sender(True, 5.0), True, now)
        self.runner = Runner(self.engine, self.history, [webhook.PROJECTION])
        self.stations = [Station(f"station/CP{n}") for n in range(5)]
        self.deliverer = self.fresh()

    def fresh(self, may: Callable[[], bool] = lambda: True) -> Deliverer:
        return Deliverer(
            self.engine, self.history, self.keyring, lambda: Sender(True, self.timeout_s), self.hooks.change,
            self.patience, now, may,
        )  # fmt: skip

    async def start(self) -> None:
        self.journal.start()
        self.runner.start()
        self.deliverer.start()

    async def stop(self) -> None:
        await asyncio.to_thread(self.deliverer.stop)
        await asyncio.to_thread(self.runner.stop)
        await self.journal.stop()
        await self.hooks.caller.close()  # type: ignore[attr-defined]
        self.engine.dispose()
        self.store.close()

    async def restart(self) -> None:
        await asyncio.to_thread(self.deliverer.stop)
        self.deliverer = self.fresh()
        self.deliverer.start()

    async def beat(self, each: int = 1) -> None:
        """So many heartbeats of every station."""
        for _ in range(each):
            for station in self.stations:
                station.record(Station.HeartbeatReceived, WAIT, now())
            await self.journal.record([event for station in self.stations for event in station.collect_events()])

    async def register(self, receiver: Receiver, *topics: str, **more: Any) -> str:
        webhook_id, receiver.secret = await self.hooks.register(
            receiver.url, list(topics) or ["station.*"], "anna", **more
        )
        return webhook_id

    def cursor(self, webhook_id: str) -> Any:
        with self.engine.connect() as connection:
            return delivery.cursors(connection).get(webhook_id)

    def row(self, webhook_id: str) -> Any:
        with self.engine.connect() as connection:
            return webhook.by_id(connection, webhook_id)

    def letters(self, webhook_id: str) -> list[Any]:
        with self.engine.connect() as connection:
            return list(webhook.letters(connection, webhook_id))


@contextlib.asynccontextmanager
async def running(database: str, *how: Any) -> AsyncIterator[Post]:
    made = Post(database, *how)
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


async def until(wanted: Callable[[], Any], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not wanted():
            await asyncio.sleep(0.02)


def in_order(receiver: Receiver) -> dict[str, list[int]]:
    """Stream → positions in the order of arrival; fails where one came before an earlier one."""
    found: dict[str, list[int]] = defaultdict(list)
    for letter in receiver.accepted:
        found[letter.event["subject"]].append(letter.position)
    assert all(positions == sorted(positions) for positions in found.values())
    return found


async def test_events_arrive_signed_in_order_and_once(ready: str) -> None:
    async with running(ready) as post:
        with Receiver() as receiver:
            webhook_id = await post.register(receiver)
            await post.beat(40)
            await until(lambda: len(receiver.accepted) == 200)
            assert receiver.forged == []
            assert {len(positions) for positions in in_order(receiver).values()} == {40}
            letter = receiver.accepted[0]
            (row,) = post.history.read(letter.position - 1, 1)
            assert letter.event == {
                "specversion": "1.0",
                "id": str(row.position),
                "source": "/bornier",
                "type": "station.heartbeat_received.v1",
                "subject": row.stream,
                "time": json.loads(row.state)["recorded_at"],
                "datacontenttype": "application/json",
                "data": json.loads(row.state),
            }
            assert letter.id == f"{webhook_id}_{row.position}"
            assert letter.headers["content-type"] == "application/cloudevents+json"
            await until(lambda: post.cursor(webhook_id).delivered == 200)
            await post.restart()
            await post.beat()
            await until(lambda: len(receiver.letters) == 205)
            assert len(receiver.accepted) == 205


@pytest.mark.parametrize("ready", ["sqlite"], indirect=True)
async def test_only_what_was_asked_for_arrives(ready: str) -> None:
    async with running(ready) as post:
        with Receiver() as one, Receiver() as never, Receiver() as late:
            await post.register(one, "station.*", station_id="CP3")
            await post.register(never, "transaction.ended.v1")
            await post.beat(2)
            await post.register(late, "*", begin=0)
            await until(lambda: len(one.accepted) == 2 and len(late.accepted) == 10)
            assert {letter.event["subject"] for letter in one.accepted} == {"station/CP3"}
            assert never.letters == []
            assert not any(letter.event["type"].startswith("webhook.") for letter in late.letters)


@pytest.mark.parametrize("ready", ["sqlite"], indirect=True)
async def test_a_refused_event_holds_back_its_stream_only_and_becomes_a_dead_letter(ready: str) -> None:
    poison: list[int] = []

    def picky(event: dict[str, Any]) -> Answer:
        return (422, {}, 0.0) if int(event["id"]) in poison else FINE

    async with running(ready) as post:
        with Receiver(picky) as receiver:
            webhook_id = await post.register(receiver)
            await post.beat()
            await until(lambda: len(receiver.accepted) == 5)
            poison.append(max(letter.position for letter in receiver.accepted) + 1)
            await post.beat(2)
            await until(lambda: post.letters(webhook_id))
            (dead,) = post.letters(webhook_id)
            assert (dead.position, dead.status, dead.attempts) == (poison[0], 422, 3)
            assert (dead.reason, dead.answer) == ("the target answered 422", "status 422")
            await until(lambda: len(receiver.accepted) == 14)
            in_order(receiver)
            poison.clear()
            await post.hooks.redeliver(webhook_id, None, "anna")
            await until(lambda: len(receiver.accepted) == 15)
            await until(lambda: not post.letters(webhook_id))
            assert receiver.accepted[-1].position == dead.position


@pytest.mark.parametrize("ready", ["sqlite"], indirect=True)
async def test_a_dead_target_rests_loses_nothing_and_holds_nobody_else_back(ready: str) -> None:
    async with running(ready, Patience(0.05, 0.2, 3, 3600), 0.5) as post:
        with Receiver() as well, Receiver(lambda event: (204, {}, 3.0)) as slow:
            gone = Receiver()
            url = gone.url
            gone.server.server_close()
            dead_id, _ = await post.hooks.register(url, ["station.*"], "anna")
            await post.register(slow)
            await post.register(well)
            await post.beat(10)
            await until(lambda: len(well.accepted) == 50, 5)
            await until(lambda: (post.cursor(dead_id).unwell or 0) > 2)
            known = post.cursor(dead_id)
            assert known.failing_since is not None
            assert known.delivered == 0
            assert known.refused < 20
            assert post.letters(dead_id) == []
        await post.hooks.remove(dead_id, "anna")
        await until(lambda: post.cursor(dead_id) is None)
        with post.engine.connect() as connection:
            left = connection.execute(SECRET.select().where(SECRET.c.webhook_id == dead_id)).all()
        assert left == []


@pytest.mark.parametrize("ready", ["sqlite"], indirect=True)
async def test_a_target_that_comes_back_gets_everything_in_order_after_a_restart(ready: str) -> None:
    down = [True]

    def moody(event: dict[str, Any]) -> Answer:
        return (503, {"Retry-After": "0"}, 0.0) if down[0] else FINE

    async with running(ready) as post:
        with Receiver(moody) as receiver:
            webhook_id = await post.register(receiver)
            await post.beat(30)
            await until(lambda: post.cursor(webhook_id) and post.cursor(webhook_id).unwell > 1)
            await post.restart()
            await post.beat(10)
            down[0] = False
            await until(lambda: len(receiver.accepted) == 200)
            assert {len(positions) for positions in in_order(receiver).values()} == {40}
            assert post.letters(webhook_id) == []


@pytest.mark.parametrize("ready", ["sqlite"], indirect=True)
async def test_410_disables_and_whoever_resumes_gets_what_was_missed(ready: str) -> None:
    gone = [True]
    async with running(ready) as post:
        with Receiver(lambda event: (410, {}, 0.0) if gone[0] else FINE) as receiver:
            webhook_id = await post.register(receiver)
            await post.beat()
            await until(lambda: post.row(webhook_id) and post.row(webhook_id).state == "disabled")
            assert "410" in post.row(webhook_id).state_reason
            gone[0] = False
            await post.beat()
            await post.hooks.resume(webhook_id, "anna")
            await until(lambda: len(receiver.accepted) == 10)
            in_order(receiver)


@pytest.mark.parametrize("ready", ["sqlite"], indirect=True)
async def test_a_target_that_takes_nothing_for_too_long_is_disabled(ready: str) -> None:
    async with running(ready, Patience(0.05, 0.1, 100, 1.0)) as post:
        with Receiver(lambda event: (500, {}, 0.0)) as receiver:
            webhook_id = await post.register(receiver)
            await post.beat()
            await until(lambda: post.row(webhook_id) and post.row(webhook_id).state == "disabled")
            assert "took nothing for" in post.row(webhook_id).state_reason


@pytest.mark.parametrize("ready", ["sqlite"], indirect=True)
async def test_a_replay_sends_everything_after_a_position_under_the_same_ids(ready: str) -> None:
    async with running(ready) as post:
        with Receiver() as receiver:
            webhook_id = await post.register(receiver)
            await post.beat(2)
            await until(lambda: len(receiver.letters) == 10)
            begin = receiver.letters[4].position
            await until(lambda: post.cursor(webhook_id).delivered == 10)
            await post.hooks.replay(webhook_id, begin, "anna")
            later = sum(letter.position > begin for letter in receiver.letters)
            await until(lambda: len(receiver.letters) == 10 + later)
            assert len(receiver.accepted) == 10
            await post.hooks.pause(webhook_id, "maintenance", "anna")
            await until(lambda: post.row(webhook_id).state == "paused")
            await asyncio.sleep(0.7)
            await post.beat()
            await asyncio.sleep(0.5)
            assert len(receiver.accepted) == 10
            await post.hooks.resume(webhook_id, "anna")
            await until(lambda: len(receiver.accepted) == 15)


@pytest.mark.parametrize("ready", ["sqlite"], indirect=True)
async def test_a_secret_is_rotated_without_a_gap_and_lies_sealed(ready: str) -> None:
    async with running(ready) as post:
        with Receiver() as receiver:
            webhook_id = await post.register(receiver)
            old = receiver.secret
            await post.beat()
            await until(lambda: len(receiver.accepted) == 5)
            new = await post.hooks.rotate(webhook_id, timedelta(days=1), "anna")
            await until(lambda: post.row(webhook_id).secret_rotated_at)
            await asyncio.sleep(0.7)
            await post.beat()
            await until(lambda: len(receiver.accepted) == 10)
            assert receiver.letters[-1].headers["webhook-signature"].count("v1,") == 2
            receiver.secret = new
            await post.beat()
            await until(lambda: len(receiver.accepted) == 15)
            assert receiver.forged == []
            assert await post.keyring.valid(webhook_id, now() + timedelta(days=2)) == [new]
            assert (await post.hooks.test(webhook_id, "anna")).delivered
            with post.engine.connect() as connection:
                kept = str(connection.execute(SECRET.select()).all())
            states = b"".join(row.state for row in post.history.read(0, 1000))
            for secret in (old, new):
                assert secret not in kept
                assert secret.removeprefix("whsec_").encode() not in states


async def test_of_two_deliverers_one_delivers_and_the_other_takes_over(ready: str) -> None:
    async with running(ready) as post:
        seat = [False]
        standby = post.fresh(lambda: seat[0])
        standby.start()
        with Receiver() as receiver:
            await post.register(receiver)
            await post.beat(3)
            await until(lambda: len(receiver.accepted) == 15)
            assert standby.routes == {}
            await asyncio.to_thread(post.deliverer.stop)
            seat[0] = True
            await post.beat(3)
            await until(lambda: len(receiver.accepted) == 30)
            in_order(receiver)
        await asyncio.to_thread(standby.stop)
