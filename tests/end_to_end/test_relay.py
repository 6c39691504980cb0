"""Bornier relays to a real Kafka: in one process, and in two of which the active one is killed under load."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import httpx
import pytest
from kafka import KafkaConsumer

from application.history import History
from application.store import Store
from tests.broker import PASSWORD, USER, Broker
from tests.end_to_end.client import Station
from tests.end_to_end.server import TOKEN, Server

TAKEOVER_S = 15


class Reader:
    """A consumer that drops what it has seen by position, in a thread; `found`: stream → positions as they came."""

    def __init__(self, servers: str, streams: Callable[[str], bool], **how: Any) -> None:
        self.wanted = streams
        self.found: dict[str, list[int]] = defaultdict(list)
        self.consumer = KafkaConsumer(
            bootstrap_servers=servers,
            auto_offset_reset="earliest",
            consumer_timeout_ms=200,
            metadata_max_age_ms=500,
            **how,
        )
        self.consumer.subscribe(topics=["bornier.station"])
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self.thread.join()
        self.consumer.close()

    def run(self) -> None:
        while not self.stopping.is_set():
            for record in self.consumer:
                self.take(record.key.decode(), int(dict(record.headers)["ce_id"]))

    def take(self, stream: str, position: int) -> None:
        seen = self.found[stream] if self.wanted(stream) else None
        if seen is not None and (not seen or position > seen[-1]):
            seen.append(position)


def stored(database: str, noun: str) -> dict[str, list[int]]:
    """What the history has: stream → positions in order."""
    store = Store(database)
    try:
        found: dict[str, list[int]] = defaultdict(list)
        for row in History(store.recorder).read(0, 10**6):
            if row.stream.startswith(f"{noun}/"):
                found[row.stream].append(row.position)
        return found
    finally:
        store.close()


async def until(wanted: Callable[[], bool], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not wanted():
            await asyncio.sleep(0.05)


async def beat(url: str, name: str, stop: asyncio.Event) -> None:
    """A station that never stops talking."""
    async with Station(url, name) as station:
        await station.boot()
        while not stop.is_set():
            await station.call("Heartbeat", {})
            await asyncio.sleep(0.01)


async def metric(server: Server, name: str) -> float:
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        text = (await client.get(f"{server.http}/metrics")).text
    return next(float(line.split()[-1]) for line in text.splitlines() if line.startswith(f"{name} "))


async def test_the_standby_takes_over_from_a_relay_that_is_killed_under_load(postgres: str, kafka: str) -> None:
    prefix, stop = uuid4().hex[:6], asyncio.Event()
    with ExitStack() as stack:
        gateway = stack.enter_context(Server(postgres, "--role", "gateway", "--role", "api", "--role", "projector"))
        active = stack.enter_context(Server(postgres, "--role", "relay", "--kafka", kafka))
        reader = stack.enter_context(Reader(kafka, lambda stream: stream.startswith(f"station/{prefix}")))
        talks = [asyncio.create_task(beat(gateway.ocpp, f"{prefix}-{n}", stop)) for n in range(4)]
        await until(lambda: len(reader.found) == 4)
        assert await metric(gateway, "bornier_relay_up") == 1
        standby = stack.enter_context(Server(postgres, "--role", "relay", "--kafka", kafka))
        active.kill()
        last = {stream: seen[-1] for stream, seen in reader.found.items()}
        await until(lambda: all(reader.found[stream][-1] > last[stream] + 100 for stream in last), TAKEOVER_S)
        assert standby.process.poll() is None
        stop.set()
        await asyncio.gather(*talks)
        expected = await asyncio.to_thread(stored, postgres, "station")
        await until(lambda: sum(map(len, reader.found.values())) >= sum(map(len, expected.values())))
        for _ in range(100):
            if await metric(gateway, "bornier_relay_lag_events") == 0:
                break
            await asyncio.sleep(0.1)
        assert await metric(gateway, "bornier_relay_lag_events") == 0
    assert reader.found == expected


async def test_one_process_waits_for_kafka_says_so_and_catches_up(tmp_path: Path, broker: Broker) -> None:
    database, name = f"sqlite:///{tmp_path}/bornier.db", uuid4().hex[:8]
    login = {
        "security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "SCRAM-SHA-256", "sasl_plain_username": USER,
        "bootstrap_timeout_ms": 1_000,
    }  # fmt: skip
    wrong, right = (json.dumps(login | {"sasl_plain_password": word}) for word in ("wrong", PASSWORD))
    with Server(database, "--kafka", broker.sasl, BORNIER_KAFKA_OPTIONS=wrong) as server:
        async with Station(server.ocpp, name) as station:
            await station.boot()
        words = await unwell(server)
        assert "are the user and the password in BORNIER_KAFKA_OPTIONS right?" in words
        assert "events wait)" in words
        assert "wrong" not in words
        assert await metric(server, "bornier_relay_lag_events") > 0
        assert await metric(server, "bornier_relay_up") == 0
    with Server(database, "--kafka", broker.sasl, BORNIER_KAFKA_OPTIONS=right) as server:
        with Reader(broker.servers, lambda stream: stream == f"station/{name}") as reader:
            expected = stored(database, "station")
            await until(lambda: reader.found == expected)
        async with httpx.AsyncClient() as client:
            assert (await client.get(f"{server.http}/health/ready")).status_code == 200
        assert await metric(server, "bornier_relay_up") == 1


async def unwell(server: Server) -> str:
    """What health says of the relay, once it says something."""
    async with httpx.AsyncClient() as client:
        for _ in range(200):
            answer = await client.get(f"{server.http}/health/ready")
            if "relay" in answer.json()["unwell"]:
                assert answer.status_code == 503
                return str(answer.json()["unwell"]["relay"])
            await asyncio.sleep(0.1)
    raise AssertionError("health never said it")


pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
