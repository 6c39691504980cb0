"""The relay against a real Apache Kafka: every event once and in order for whoever drops what it has seen."""

from __future__ import annotations

import gc
import json
import logging
import threading
import time
import warnings
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from kafka import KafkaAdminClient, KafkaConsumer
from sqlalchemy import Engine

from adapters.kafka.relay import NAME, Relay, topics
from application.history import History
from application.store import Store
from domain.event import Timer
from domain.station import Station
from projections import checkpoint
from projections.engine import engine
from tests.broker import PASSWORD, USER, Broker

NOW = datetime(2026, 11, 24, tzinfo=UTC)
STREAMS, EACH = 7, 300
IMPATIENT: dict[str, Any] = {"bootstrap_timeout_ms": 1_000}

pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


@pytest.fixture(autouse=True)
def forget_sockets() -> Iterator[None]:
    """kafka-python leaves the sockets of failed attempts to the garbage collector, and its log holds on to them."""
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


class Log:
    """A history that grows, and its relay."""

    def __init__(self, database: str, servers: str) -> None:
        self.engine: Engine = engine(database)
        self.store = Store(database)
        self.servers = servers
        self.stations = [Station(f"station/{uuid4().hex[:8]}-{n}") for n in range(STREAMS)]
        self.written = 0

    def grow(self, each: int = EACH) -> None:
        """So many heartbeats of every station, interleaved."""
        for _ in range(each):
            for station in self.stations:
                station.record(Station.HeartbeatReceived, Timer(rule="test"), NOW)
            stored = [self.store.mapper.to_stored_event(e) for s in self.stations for e in s.collect_events()]
            self.written += len(self.store.recorder.insert_events(stored))

    def relay(self, begin: int | None = None, servers: str | None = None, **options: Any) -> Relay:
        history = History(self.store.recorder)
        return Relay(self.engine, history, servers or self.servers, options, 3, begin=begin)

    def checkpoint(self) -> int:
        with self.engine.connect() as connection:
            return checkpoint.position(connection, NAME)

    def told(self) -> str | None:
        """What any process can read of the relay's health."""
        with self.engine.connect() as connection:
            return checkpoint.read(connection)[NAME].error

    def close(self) -> None:
        self.store.close()
        self.engine.dispose()


@pytest.fixture
def log(ready: str, kafka: str) -> Iterator[Log]:
    made = Log(ready, kafka)
    yield made
    made.close()


def consumed(log: Log, count: int) -> dict[str, list[int]]:
    """Stream → positions in the order of arrival, of the streams of this log, each position once."""
    streams = {station.id for station in log.stations}
    consumer = KafkaConsumer(
        "bornier.station", bootstrap_servers=log.servers, auto_offset_reset="earliest", consumer_timeout_ms=500
    )
    found: dict[str, list[int]] = defaultdict(list)
    until = time.monotonic() + 60
    try:
        while sum(map(len, found.values())) < count and time.monotonic() < until:
            for record in consumer:
                position = int(dict(record.headers)["ce_id"])
                stream = record.key.decode()
                if stream in streams and position > (found[stream][-1] if found[stream] else 0):
                    found[stream].append(position)
    finally:
        consumer.close()
    return found


def whole(log: Log, found: dict[str, list[int]]) -> bool:
    """Every event of the history, in order."""
    rows = History(log.store.recorder).read(0, 10**6)
    expected: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        expected[row.stream].append(row.position)
    return dict(found) == dict(expected)


def test_a_record_is_a_cloud_event_under_the_key_of_its_stream(log: Log) -> None:
    log.grow(1)
    relay = log.relay()
    while relay.step():
        pass
    relay.hang_up()
    assert log.checkpoint() == STREAMS
    consumer = KafkaConsumer(
        "bornier.station", bootstrap_servers=log.servers, auto_offset_reset="earliest", consumer_timeout_ms=5_000
    )
    record: Any = next(r for r in consumer if r.key.decode() == log.stations[0].id)
    consumer.close()
    headers = {name: value.decode() for name, value in record.headers}
    assert headers == {
        "ce_specversion": "1.0",
        "ce_id": "1",
        "ce_type": "station.heartbeat_received.v1",
        "ce_source": "/bornier",
        "ce_subject": log.stations[0].id,
        "ce_time": "2026-11-24T00:00:00Z",
        "content-type": "application/json",
    }
    assert json.loads(record.value)["originator_id"] == log.stations[0].id


def test_topics_are_made_with_the_partitions_of_the_settings(log: Log, broker: Broker) -> None:
    relay = log.relay(servers=broker.servers)
    assert relay.step() is False
    relay.hang_up()
    admin = KafkaAdminClient(bootstrap_servers=broker.servers)
    try:
        described = {topic["name"]: len(topic["partitions"]) for topic in admin.describe_topics(topics())}
    finally:
        admin.close()
    assert described == dict.fromkeys(topics(), 3)


def test_a_relay_that_dies_sends_again_from_its_checkpoint(log: Log) -> None:
    log.grow()
    first = log.relay()
    first.step()
    with log.engine.begin() as connection:
        connection.execute(checkpoint.CHECKPOINT.update().values(position=500))  # it died before the checkpoint moved
    first.hang_up()
    second = log.relay()
    while second.step():
        pass
    second.hang_up()
    assert whole(log, consumed(log, log.written))


def test_the_history_can_be_sent_again_from_any_position(log: Log) -> None:
    log.grow(10)
    relay = log.relay()
    while relay.step():
        pass
    relay.hang_up()
    again = log.relay(begin=20)
    while again.step():
        pass
    again.hang_up()
    assert again.sent == log.written - 20
    assert log.checkpoint() == log.written


@pytest.mark.parametrize("ready", ["sqlite"], indirect=True)
def test_a_broker_that_is_killed_under_load_loses_and_swaps_nothing(
    log: Log, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.kafka.relay.PATIENCE_S", 1.0)
    log.servers = broker.servers
    log.grow(20)
    relay = log.relay()
    relay.start()
    writer = threading.Thread(target=log.grow)
    writer.start()
    await_until(lambda: relay.sent > 0)
    broker.kill()
    await_until(lambda: relay.unwell is not None)
    assert "Kafka does not take events" in str(relay.unwell)
    broker.start()
    writer.join()
    await_until(lambda: relay.position == log.written)
    assert (relay.unwell, log.told()) == (None, None)
    relay.stop()
    assert whole(log, consumed(log, log.written))


@pytest.mark.parametrize("ready", ["sqlite"], indirect=True)
def test_a_password_that_kafka_does_not_know_is_said_and_the_right_one_is_let_in(log: Log, broker: Broker) -> None:
    log.grow(2)
    how: dict[str, Any] = {"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "SCRAM-SHA-256"}
    how |= {"sasl_plain_username": USER} | IMPATIENT
    wrong = log.relay(servers=broker.sasl, sasl_plain_password="wrong", **how)
    wrong.start()
    await_until(lambda: wrong.unwell is not None)
    wrong.stop()
    assert log.told() == wrong.unwell
    assert "are the user and the password in BORNIER_KAFKA_OPTIONS right?" in str(wrong.unwell)
    assert log.checkpoint() == 0
    right = log.relay(servers=broker.sasl, sasl_plain_password=PASSWORD, **how)
    while right.step():
        pass
    right.hang_up()
    log.servers = broker.servers
    assert whole(log, consumed(log, log.written))


@pytest.mark.parametrize("ready", ["sqlite"], indirect=True)
def test_a_client_with_a_certificate_is_let_in_over_tls_and_one_without_is_not(log: Log, broker: Broker) -> None:
    log.grow(2)
    how: dict[str, Any] = broker.encrypted
    root = {"security_protocol": "SSL", "ssl_cafile": how["ssl_cafile"]} | IMPATIENT
    nobody = log.relay(servers=broker.tls, **root)
    nobody.start()
    await_until(lambda: nobody.unwell is not None)
    nobody.stop()
    assert "certificate" in str(nobody.unwell)
    somebody = log.relay(servers=broker.tls, **how)
    while somebody.step():
        pass
    somebody.hang_up()
    log.servers = broker.servers
    assert whole(log, consumed(log, log.written))


def await_until(wanted: Any) -> None:
    until = time.monotonic() + 60
    while not wanted():
        assert time.monotonic() < until, "it never happened"
        time.sleep(0.05)
