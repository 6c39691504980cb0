"""The conversation with a station on a terminal, told by the history alone."""

from __future__ import annotations

import heapq
import sys
from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Engine

from adapters.ocpp import trace as wire
from api.bootstrap.privacy import opened
from api.settings import Settings
from application.history import PAGE, History
from domain.catalog import CATALOG, Recorded
from domain.event import Event, Message
from domain.station import Station
from migrations.migrate import current
from projections import checkpoint, trace

FOR_EVER = 2**62


def print_trace(settings: Settings, station_id: str, since: datetime | None, until: datetime | None) -> None:
    """Every frame of a station between two moments, as JSON lines. Raises ValueError for an unknown station."""
    with opened(settings) as here:
        history = here.history
        if not history.read(0, 1, stream=f"station/{station_id}"):
            raise ValueError(f"the history has never heard of station {station_id}")
        after = history.position_at(since) if since else 0
        before = history.position_at(until) + 1 if until else FOR_EVER
        places = streams(settings.database, here.engine, history, station_id, before)
        version, connections = spoken(history, station_id, after)
        said = (event for event in events(history, places, after, before) if concerns(event, connections))
        for line in wire.lines(station_id, said, version):
            sys.stdout.write(f"{line}\n")


def streams(database: str, read_side: Engine, history: History, station_id: str, before: int) -> set[str]:
    """The streams of a station: as the read model knows them, and then what it has not read yet."""
    known, found = 0, set(trace.own(station_id))
    if current(database) is not None:
        with read_side.connect() as connection:
            known = checkpoint.position(connection, trace.PROJECTION.name)
            found.update(trace.streams(connection, station_id, before))
    topics = list(trace.PROJECTION.topics)
    while batch := history.read(known, PAGE, topics):
        found.update(row.stream for row in batch if trace.names(decode(row), station_id))
        known = batch[-1].position
    return found


def spoken(history: History, station_id: str, at: int) -> tuple[str, set[str]]:
    """The version of OCPP the station last came with before a position, and all its connections."""
    version, connections = "", set()
    for row in history.read(0, FOR_EVER, CATALOG.names(Station.Connected), f"station/{station_id}"):
        event = decode(row)
        if isinstance(event, Station.Connected):
            version = event.ocpp_version if row.position <= at else version
            connections.add(event.connection_id)
    return version, connections


def concerns(event: Event, connections: set[str]) -> bool:
    """Some streams tell of more than one station, such as that of a badge."""
    return not isinstance(event.cause, Message) or event.cause.connection_id in connections


def events(history: History, places: set[str], after: int, before: int) -> Iterator[Event]:
    """Several streams as one, in the order of the history, without holding more than a page of each."""
    pages = [rows(history, stream, after, before) for stream in places]
    return (decode(row) for row in heapq.merge(*pages, key=lambda row: row.position))


def rows(history: History, stream: str, after: int, before: int) -> Iterator[Recorded]:
    while batch := history.read(after, PAGE, stream=stream):
        for row in batch:
            if row.position >= before:
                return
            yield row
        after = batch[-1].position


def decode(row: Recorded) -> Event:
    return CATALOG.decode(row.topic, row.state)
