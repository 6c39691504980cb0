"""Vendor messages: what stations say in words of their own vendors."""

from __future__ import annotations

from typing import Any

import strawberry

from api.graphql.page import Connection, listing
from api.graphql.scalar import DateTime, Json, Position
from projections.vendor import VENDOR


@strawberry.type(description="A DataTransfer of a station.")
class VendorMessage:
    position: Position = strawberry.field(description="Its place in the history.")
    station_id: strawberry.ID = strawberry.field(description="The station.")
    vendor_id: str = strawberry.field(description="The vendor, as the station names it.")
    message_id: str | None = strawberry.field(description="Which of the vendor's messages.")
    content: Json | None = strawberry.field(description="Its content: a text in OCPP 1.6, any JSON in 2.x.")
    status: str = strawberry.field(description="What the station was answered.")
    received_at: DateTime = strawberry.field(description="When.")


def message(row: Any) -> VendorMessage:
    names = ("position", "station_id", "vendor_id", "message_id", "content", "status", "received_at")
    return VendorMessage(**{name: getattr(row, name) for name in names})


@strawberry.type
class VendorQuery:
    @strawberry.field(description="Vendor messages of stations (DataTransfer), the newest first.")
    async def vendor_messages(
        self,
        info: strawberry.Info,
        station_id: strawberry.ID | None = None,
        vendor_id: str | None = None,
        first: int | None = 50,
        after: str | None = None,
    ) -> Connection[VendorMessage]:
        wanted = {"station_id": station_id, "vendor_id": vendor_id}
        return await listing(info, "vendor", VENDOR.c.position, first, after, message, **wanted)
