"""Periodic event streams: values of monitors that come all the time (OCPP 2.1)."""

from __future__ import annotations

from typing import Any

import strawberry

from api.graphql.command import Command, ask, deadline, said
from api.graphql.context import asker
from api.graphql.page import Connection, bounded, connection
from api.graphql.scalar import DateTime, Position
from projections import stream as view
from projections.page import cursor


@strawberry.type(description="One value of a periodic event stream.")
class StreamSample:
    at: DateTime = strawberry.field(description="When it was so, by the station's clock.")
    value: str = strawberry.field(description="The value.")


@strawberry.type(description="A periodic event stream: the values of a monitor, without events around them.")
class EventStream:
    stream_id: int = strawberry.field(description="Its id on the station.")
    monitor_id: int | None = strawberry.field(description="The monitor whose values it carries.")
    interval_s: int | None = strawberry.field(description="It sends after so many seconds.")
    value_count: int | None = strawberry.field(description="It sends after so many values.")
    pending: int | None = strawberry.field(description="Values that waited on the station when it last sent.")
    opened_at: DateTime | None = strawberry.field(description="When it opened; null: before we heard of it.")
    heard_at: DateTime | None = strawberry.field(description="When values last came.")
    closed_at: DateTime | None = strawberry.field(description="When it ended; null while it is open.")
    position: Position = strawberry.field(description="The latest event that changed it.")
    station_id: strawberry.Private[str]

    @strawberry.field(description="Its values, the latest to come first.")
    async def samples(
        self, info: strawberry.Info, first: int | None = 50, after: str | None = None
    ) -> Connection[StreamSample]:
        reads, limit, which = asker(info).reads, bounded(first), (self.station_id, self.stream_id)
        found = await reads.run(lambda c: view.samples(c, limit, after, *which))
        nodes = [(cursor(row.position, row.item), StreamSample(at=row.at, value=row.value)) for row in found.rows]
        return connection(nodes, found.more, self.position, lambda: reads.run(lambda c: view.count_samples(c, *which)))


SAME = (
    "stream_id", "monitor_id", "interval_s", "value_count", "pending", "opened_at", "heard_at", "closed_at", "position",
    "station_id",
)  # fmt: skip


def stream(row: Any) -> EventStream:
    return EventStream(**{name: getattr(row, name) for name in SAME})


@strawberry.type
class StreamQuery:
    @strawberry.field(description="Periodic event streams of a station by id, those that ended too.")
    async def event_streams(
        self, info: strawberry.Info, station_id: strawberry.ID, first: int | None = 50, after: str | None = None
    ) -> Connection[EventStream]:
        reads, limit = asker(info).reads, bounded(first)
        position = await reads.position("stream")
        found = await reads.run(lambda c: view.streams(c, limit, after, station_id))
        nodes = [(cursor(row.stream_id), stream(row)) for row in found.rows]
        return connection(nodes, found.more, position, lambda: reads.run(lambda c: view.count(c, station_id)))


@strawberry.input(description="Change the pace of a periodic event stream.")
class AdjustPeriodicEventStreamInput:
    station_id: strawberry.ID = said("The station.")
    stream_id: int = said("The stream.")
    interval_s: int | None = said("Send after so many seconds.", default=None)
    values: int | None = said("Send after so many values.", default=None)
    deadline_seconds: int | None = deadline()


@strawberry.input(description="Have a station tell which periodic event streams are open.")
class GetPeriodicEventStreamsInput:
    station_id: strawberry.ID = said("The station.")
    deadline_seconds: int | None = deadline()


@strawberry.type
class StreamMutation:
    @strawberry.mutation(description="Change the pace of a periodic event stream (OCPP 2.1).")
    async def adjust_periodic_event_stream(
        self, info: strawberry.Info, input: AdjustPeriodicEventStreamInput
    ) -> Command:
        return await ask(info, "adjustPeriodicEventStream", input)

    @strawberry.mutation(description="Have a station tell its open periodic event streams (OCPP 2.1).")
    async def get_periodic_event_streams(self, info: strawberry.Info, input: GetPeriodicEventStreamsInput) -> Command:
        return await ask(info, "getPeriodicEventStreams", input)
