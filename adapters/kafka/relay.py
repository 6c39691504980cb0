"""The relay: carries the history to Apache Kafka, in order per stream, at least once.

One topic per noun (`bornier.station`), the stream as key, the event's JSON as value, CloudEvents 1.0 in headers (Kafka
protocol binding, binary mode). The position is in `ce_id`: whoever has seen a position of a stream drops it and all
smaller ones.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import NewTopic
from kafka.errors import KafkaError, KafkaTimeoutError, RequestTimedOutError, TopicAlreadyExistsError
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from domain.catalog import AGGREGATES, Recorded, events
from domain.event import topic
from projections import checkpoint
from projections.feed import Feed

log = logging.getLogger("bornier.relay")

NAME = "relay"
PAGE = 1_000
PATIENCE_S = 5.0
IDLE_S = 1.0
AGAIN_S = 2.0
NEVER_MS = 2**31 - 1
CLIENT = {"client_id": "bornier", "reconnect_backoff_max_ms": 1_000, "bootstrap_timeout_ms": 5_000}
Headers = list[tuple[str, bytes]]


class Moment(msgspec.Struct):
    """The only part of an event the relay reads."""

    recorded_at: str


MOMENT = msgspec.json.Decoder(Moment)


class Ear(logging.Handler):
    """Keeps why the client could not connect: it only logs that (wrong password, unknown certificate, nobody there)."""

    SOURCE = logging.getLogger("kafka.net.manager")
    TIMEOUTS = (KafkaTimeoutError, RequestTimedOutError)
    DENIED = ("SaslAuthenticationFailed", "socket disconnected")
    """The broker says why and hangs up; when both come at once the client sees the second only."""

    def __init__(self, login: bool) -> None:
        super().__init__(logging.WARNING)
        self.login = login
        self.reason: str | None = None
        self.SOURCE.setLevel(logging.WARNING)
        self.SOURCE.propagate = False
        self.SOURCE.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        for said in record.args or ():
            if isinstance(said, Exception) and not isinstance(said, self.TIMEOUTS):
                self.reason = str(said)

    def explain(self, error: Exception) -> str:
        """The words of an error, and what was heard before it."""
        words = str(error) or type(error).__name__
        if self.reason is None or self.reason in words:
            return words
        if self.login and any(word in self.reason for word in self.DENIED):
            return f"{words}: no login; are the user and the password in BORNIER_KAFKA_OPTIONS right?"
        return f"{words}: {self.reason}"


class Relay:
    """One thread. While Kafka or the database is away it waits and says so. What is sent twice keeps its position."""

    FAULTS = (KafkaError, OSError)

    def __init__(
        self,
        engine: Engine,
        feed: Feed,
        servers: str,
        options: dict[str, Any],
        partitions: int,
        may: Callable[[], bool] = lambda: True,
        begin: int | None = None,
    ) -> None:
        self.engine = engine
        self.feed = feed
        self.options = CLIENT | {"bootstrap_servers": servers.split(",")} | options
        self.partitions = partitions
        self.may = may
        self.begin = begin
        self.position = 0
        self.sent = 0
        self.unwell: str | None = None
        self.told: str | None = ""
        self.producer: KafkaProducer | None = None
        self.ear = Ear(login=str(options.get("security_protocol")).startswith("SASL"))
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run, name="relay", daemon=True)

    def start(self) -> None:
        self.thread.start()

    def stop(self) -> None:
        self.stopping.set()
        if self.thread.is_alive():
            self.thread.join()

    def run(self) -> None:
        while not self.stopping.is_set():
            try:
                active = self.may()
                moved = active and self.step()
                self.ear.reason = None
                self.say(None, active)
            except (*self.FAULTS, DBAPIError) as error:
                moved = False
                self.say(f"Kafka does not take events: {self.ear.explain(error)}")
                self.stopping.wait(AGAIN_S)
            except Exception as error:
                moved = False
                self.say(f"the history cannot be relayed: {error}")
                log.exception("the relay stumbled")
                self.stopping.wait(AGAIN_S)
            if not moved and not self.stopping.is_set():
                self.feed.wait(self.position, IDLE_S)
        self.hang_up()

    def say(self, reason: str | None, active: bool = True) -> None:
        """Tell the log, and every process through the database, why nothing moves, or that it does."""
        if reason != self.unwell:
            log.warning("%s", reason or "Kafka takes events again")
            self.unwell = reason
        if not active:
            self.told = ""
        elif reason != self.told:
            with contextlib.suppress(DBAPIError), self.engine.begin() as connection:
                checkpoint.fail(connection, NAME, reason)
                self.told = reason

    def step(self) -> bool:
        """Send the next page, wait until Kafka has it, move the checkpoint. False when there is nothing to send."""
        producer = self.connected()
        with self.engine.connect() as connection:
            known = checkpoint.position(connection, NAME)
        self.position = known if self.begin is None else self.begin
        rows = self.feed.read(self.position, PAGE)
        if not rows:
            return False
        for row in rows:
            producer.send(f"bornier.{noun(row.topic)}", key=row.stream.encode(), value=row.state, headers=headers(row))
        self.delivered(producer)
        self.sent += len(rows)
        self.position = rows[-1].position
        if self.begin is not None:
            self.begin = self.position
        if self.position > known:
            with self.engine.begin() as connection:
                checkpoint.move(connection, NAME, known, self.position, datetime.now(UTC))
        return True

    def delivered(self, producer: KafkaProducer) -> None:
        """Wait until Kafka has everything, as long as it takes: the client keeps the order and repeats by itself."""
        while True:
            try:
                producer.flush(timeout=PATIENCE_S)
                return
            except KafkaTimeoutError:
                self.say(f"Kafka does not take events: {self.ear.explain(TimeoutError('no answer'))}")
                if self.stopping.is_set():
                    raise

    def connected(self) -> KafkaProducer:
        if self.producer is None:
            make_topics(self.options, self.partitions)
            self.producer = KafkaProducer(
                acks="all",
                enable_idempotence=True,
                linger_ms=5,
                delivery_timeout_ms=NEVER_MS,
                allow_auto_create_topics=False,
                metrics_enabled=False,
                **self.options,
            )
        return self.producer

    def hang_up(self) -> None:
        if self.producer is not None:
            with contextlib.suppress(KafkaError):  # what Kafka has not taken is sent again by whoever relays next
                self.producer.close(timeout=1)
            self.producer = None
        self.ear.SOURCE.removeHandler(self.ear)


def make_topics(options: dict[str, Any], partitions: int) -> None:
    """One topic per noun, unless it is there. Raises KafkaError when Kafka cannot be reached."""
    admin = KafkaAdminClient(**options)
    try:
        known = set(admin.list_topics())
        for name in topics():
            if name not in known:
                try:
                    admin.create_topics([NewTopic(name, num_partitions=partitions, replication_factor=-1)])
                except TopicAlreadyExistsError:
                    continue
    finally:
        admin.close()


def topics() -> Sequence[str]:
    """Every topic that the history can need."""
    return sorted({f"bornier.{noun(topic(kind))}" for aggregate in AGGREGATES for kind in events(aggregate)})


def noun(name: str) -> str:
    return name.partition(".")[0]


def headers(row: Recorded) -> Headers:
    """CloudEvents 1.0 attributes."""
    return [
        ("ce_specversion", b"1.0"),
        ("ce_id", str(row.position).encode()),
        ("ce_type", row.topic.encode()),
        ("ce_source", b"/bornier"),
        ("ce_subject", row.stream.encode()),
        ("ce_time", MOMENT.decode(row.state).recorded_at.encode()),
        ("content-type", b"application/json"),
    ]
