"""Refusals: messages of stations that could not be accepted."""

from __future__ import annotations

from typing import Any

import strawberry

from api.graphql.page import Connection, listing
from api.graphql.scalar import DateTime, Position
from projections.refusal import REFUSAL


@strawberry.type(description="A message of a station that could not be accepted; kept as it came.")
class RefusedMessage:
    position: Position = strawberry.field(description="Its place in the history.")
    station_id: strawberry.ID = strawberry.field(description="The station.")
    action: str = strawberry.field(description="The OCPP action; empty where none could be read.")
    code: str = strawberry.field(description="The OCPP error code.")
    reason: str = strawberry.field(description="Why.")
    raw: str = strawberry.field(description="The message as it came.")
    received_at: DateTime = strawberry.field(description="When.")


def refused_message(row: Any) -> RefusedMessage:
    names = ("position", "station_id", "action", "code", "reason", "raw", "received_at")
    return RefusedMessage(**{name: getattr(row, name) for name in names})


@strawberry.type
class RefusalQuery:
    @strawberry.field(description="Messages of stations that could not be accepted, the newest first.")
    async def refused_messages(
        self,
        info: strawberry.Info,
        station_id: strawberry.ID | None = None,
        action: str | None = None,
        first: int | None = 50,
        after: str | None = None,
    ) -> Connection[RefusedMessage]:
        wanted = {"station_id": station_id, "action": action}
        return await listing(info, "refusal", REFUSAL.c.position, first, after, refused_message, **wanted)
