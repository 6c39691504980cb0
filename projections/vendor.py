"""Vendor messages: what did stations say in words of their own vendors (DataTransfer)?"""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, Index, Table, Text

from domain.station import Station
from projections.change import Changes
from projections.projection import Projection
from projections.table import METADATA, UtcTime

VENDOR = Table(
    "vendor_message",
    METADATA,
    Column("position", BigInteger, primary_key=True),
    Column("station_id", Text),
    Column("vendor_id", Text),
    Column("message_id", Text),
    Column("content", JSON(none_as_null=True)),
    Column("status", Text),
    Column("received_at", UtcTime),
    Index("vendor_message_by_station", "station_id", "position"),
    Index("vendor_message_by_vendor", "vendor_id", "position"),
)


def transferred(changes: Changes, event: Station.DataTransferred, position: int) -> None:
    changes.add(
        "vendor_message",
        (position,),
        station_id=event.originator_id.removeprefix("station/"),
        vendor_id=event.vendor_id,
        message_id=event.vendor_message_id,
        content=event.content,
        status=event.status,
        received_at=event.recorded_at,
    )


PROJECTION = Projection(
    name="vendor", tables={"vendor_message": VENDOR}, handlers={Station.DataTransferred: transferred}
)
