"""Kafka: is it there, does it let us in, and are the topics as we want them?"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Any

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from adapters.kafka.relay import topics
from api.doctor.finding import Finding, Findings, fail, first_line, ok, warn
from api.settings import Settings

PATIENCE_S = 5.0
SHOWN = 3


def kafka(settings: Settings) -> Findings:
    """Nothing where no Kafka is wanted."""
    if not settings.kafka:
        yield ok("kafka", "no relay is wanted: BORNIER_KAFKA is not set")
        return
    servers = settings.kafka.split(",")
    deaf = [server for server in servers if not open_port(server)]
    for server in deaf:
        yield (fail if len(deaf) == len(servers) else warn)(
            "kafka", f"{server} does not answer", "start the broker, or correct BORNIER_KAFKA"
        )
    if len(deaf) < len(servers):
        yield from asked(settings, [server for server in servers if server not in deaf])


def open_port(server: str) -> bool:
    host, _, port = server.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), PATIENCE_S).close()
    except OSError:
        return False
    return True


def asked(settings: Settings, servers: Sequence[str]) -> Findings:
    options: dict[str, Any] = {"client_id": "bornier-doctor", "bootstrap_timeout_ms": int(PATIENCE_S * 1000)}
    try:
        admin = KafkaAdminClient(**options | settings.kafka_settings() | {"bootstrap_servers": list(servers)})
    except (KafkaError, OSError, ValueError, TypeError, AssertionError) as error:
        yield fail("kafka", f"Kafka does not let us in: {first_line(error)}", "correct BORNIER_KAFKA_OPTIONS")
        return
    try:
        yield judged(admin, settings.kafka_partitions)
    except KafkaError as error:
        yield fail(
            "kafka", f"the topics cannot be listed: {first_line(error)}", "allow this user Describe on the topics"
        )
    finally:
        admin.close()


def judged(admin: KafkaAdminClient, partitions: int) -> Finding:
    wanted, there = topics(), set(admin.list_topics())
    missing = [name for name in wanted if name not in there]
    if missing:
        words = f"{len(missing)} of {len(wanted)} topics are missing: {', '.join(missing[:SHOWN])}…"
        return warn("kafka", words, "the relay makes them when it starts; allow its user Create, or make them")
    found = {topic["name"]: len(topic["partitions"]) for topic in admin.describe_topics(list(wanted))}
    other = {count for count in found.values() if count != partitions}
    if other:
        words = (
            f"topics have {', '.join(map(str, sorted(other)))} partitions, and BORNIER_KAFKA_PARTITIONS is {partitions}"
        )
        return warn("kafka", words, "leave it: more partitions would change the order per stream; correct the setting")
    return ok("kafka", f"all {len(wanted)} topics are there, with {partitions} partitions each")
