"""Connections that were not let in."""

from __future__ import annotations

from typing import Any

import strawberry

from api.graphql.context import asker
from api.graphql.page import Connection, bounded, connection
from api.graphql.scalar import DateTime
from projections import admission as view
from projections.page import cursor


@strawberry.type(description="Somebody wanted to connect as a station and was not let in.")
class ConnectionAttempt:
    at: DateTime = strawberry.field(description="When.")
    station_id: strawberry.ID | None = strawberry.field(description="The station it said it was; none if it said none.")
    address: str | None = strawberry.field(description="From where: host and port.")
    path: str | None = strawberry.field(description="The address it asked for; none if TLS was not agreed.")
    offered: list[str] = strawberry.field(description="The sub-protocols it offered.")
    reason: str = strawberry.field(description="Why it was not let in.")
    status: int | None = strawberry.field(description="The HTTP status it got; none if TLS was not agreed.")
    unrecorded: int = strawberry.field(description="How many attempts before it were only counted, being too many.")


def attempt(row: Any) -> ConnectionAttempt:
    names = ("at", "station_id", "address", "path", "offered", "reason", "status", "unrecorded")
    return ConnectionAttempt(**{name: getattr(row, name) for name in names})


@strawberry.type
class AdmissionQuery:
    @strawberry.field(description="Connections that were not let in, the newest first; `address` is a host.")
    async def connection_attempts(
        self,
        info: strawberry.Info,
        station_id: strawberry.ID | None = None,
        address: str | None = None,
        first: int | None = 50,
        after: str | None = None,
    ) -> Connection[ConnectionAttempt]:
        reads, limit = asker(info).reads, bounded(first)
        position = await reads.position("admission")
        found = await reads.run(lambda c: view.attempts(c, limit, after, station_id, address))
        nodes = [(cursor(row.position), attempt(row)) for row in found.rows]
        return connection(nodes, found.more, position, lambda: reads.run(lambda c: view.count(c, station_id, address)))
