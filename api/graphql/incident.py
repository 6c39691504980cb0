"""Incidents: what touching security happened on stations."""

from __future__ import annotations

from typing import Any

import strawberry

from api.graphql.page import Connection, listing
from api.graphql.scalar import DateTime, Position
from projections.incident import INCIDENT


@strawberry.type(description="A SecurityEventNotification of a station.")
class SecurityEvent:
    position: Position = strawberry.field(description="Its place in the history.")
    station_id: strawberry.ID = strawberry.field(description="The station.")
    kind: str = strawberry.field(description="What happened, such as TamperDetectionActivated.")
    detail: str | None = strawberry.field(description="What else the station says of it.")
    occurred_at: DateTime = strawberry.field(description="When, by the station's clock.")
    received_at: DateTime = strawberry.field(description="When we were told: days later, after a time offline.")


def security_event(row: Any) -> SecurityEvent:
    names = ("position", "station_id", "kind", "detail", "occurred_at", "received_at")
    return SecurityEvent(**{name: getattr(row, name) for name in names})


@strawberry.type
class IncidentQuery:
    @strawberry.field(description="Security events of stations, the newest first.")
    async def security_events(
        self,
        info: strawberry.Info,
        station_id: strawberry.ID | None = None,
        kind: str | None = None,
        first: int | None = 50,
        after: str | None = None,
    ) -> Connection[SecurityEvent]:
        wanted = {"station_id": station_id, "kind": kind}
        return await listing(info, "incident", INCIDENT.c.position, first, after, security_event, **wanted)
