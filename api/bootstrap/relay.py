"""The role relay: carries the history to Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from sqlalchemy import Engine

from adapters.kafka.relay import Relay
from api.bootstrap.spine import Spine
from api.settings import Settings
from application.history import History


def start_relay(spine: Spine) -> None:
    """Of several relays one works; none where nobody said where Kafka is."""
    if not spine.settings.kafka:
        return
    relay = relay_of(spine.settings, spine.read_side, spine.history, partial(spine.here.holds, "relay"))
    relay.start()
    spine.stack.push_async_callback(asyncio.to_thread, relay.stop)


def relay_of(
    settings: Settings,
    read_side: Engine,
    history: History,
    may: Callable[[], bool] = lambda: True,
    begin: int | None = None,
) -> Relay:
    """Who carries the history to Kafka."""
    options, partitions = settings.kafka_settings(), settings.kafka_partitions
    return Relay(read_side, history, settings.kafka, options, partitions, may, begin)
