"""Periodic event streams (OCPP 2.1): which are open, and which values have come?"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Integer, Table, Text, func, literal, select, tuple_

from domain.device import Device
from projections.change import Changes
from projections.page import Page, key, page
from projections.projection import Projection, owner
from projections.table import METADATA, UtcTime

STREAM = Table(
    "event_stream",
    METADATA,
    Column("station_id", Text, primary_key=True),
    Column("stream_id", Integer, primary_key=True),
    Column("monitor_id", Integer),
    Column("interval_s", Integer),
    Column("value_count", Integer),
    Column("pending", Integer),
    Column("opened_at", UtcTime),
    Column("heard_at", UtcTime),
    Column("closed_at", UtcTime),
    Column("position", BigInteger),
)
SAMPLE = Table(
    "stream_sample",
    METADATA,
    Column("station_id", Text, primary_key=True),
    Column("stream_id", Integer, primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("item", Integer, primary_key=True),
    Column("at", UtcTime),
    Column("value", Text),
)


def opened(changes: Changes, event: Device.StreamOpened, position: int) -> None:
    put(
        changes,
        event,
        position,
        monitor_id=event.monitor_id,
        interval_s=event.interval_s,
        value_count=event.values,
        opened_at=event.recorded_at,
        closed_at=None,
    )


def adjusted(changes: Changes, event: Device.StreamAdjusted, position: int) -> None:
    put(changes, event, position, interval_s=event.interval_s, value_count=event.values)


def sampled(changes: Changes, event: Device.StreamSampled, position: int) -> None:
    put(changes, event, position, pending=event.pending, heard_at=event.recorded_at)
    for item, sample in enumerate(event.samples):
        at = (owner(event), event.stream_id, position, item)
        changes.add("stream_sample", at, at=sample.at, value=sample.value)


def closed(changes: Changes, event: Device.StreamClosed, position: int) -> None:
    put(changes, event, position, closed_at=event.recorded_at)


def put(changes: Changes, event: Any, position: int, **values: Any) -> None:
    changes.put("event_stream", (owner(event), event.stream_id), position=position, **values)


PROJECTION = Projection(
    name="stream",
    tables={"event_stream": STREAM, "stream_sample": SAMPLE},
    handlers={
        Device.StreamOpened: opened,
        Device.StreamAdjusted: adjusted,
        Device.StreamSampled: sampled,
        Device.StreamClosed: closed,
    },
)


def streams(connection: Connection, first: int, after: str | None, station_id: str) -> Page:
    """Streams of a station by id."""
    query = select(STREAM).where(STREAM.c.station_id == station_id)
    if after is not None:
        query = query.where(STREAM.c.stream_id > key(after, tuple[int])[0])
    return page(list(connection.execute(query.order_by(STREAM.c.stream_id).limit(first + 1))), first)


def samples(connection: Connection, first: int, after: str | None, station_id: str, stream_id: int) -> Page:
    """Values of a stream, the latest to come first."""
    query = select(SAMPLE).where(SAMPLE.c.station_id == station_id, SAMPLE.c.stream_id == stream_id)
    if after is not None:
        last = key(after, tuple[int, int])
        query = query.where(tuple_(SAMPLE.c.position, SAMPLE.c.item) < tuple_(*map(literal, last)))
    query = query.order_by(SAMPLE.c.position.desc(), SAMPLE.c.item.desc()).limit(first + 1)
    return page(list(connection.execute(query)), first)


def count(connection: Connection, station_id: str) -> int:
    query = select(func.count()).select_from(STREAM).where(STREAM.c.station_id == station_id)
    return int(connection.execute(query).scalar() or 0)


def count_samples(connection: Connection, station_id: str, stream_id: int) -> int:
    query = select(func.count()).select_from(SAMPLE)
    query = query.where(SAMPLE.c.station_id == station_id, SAMPLE.c.stream_id == stream_id)
    return int(connection.execute(query).scalar() or 0)
