"""Faults: what connectors reported to be wrong with them (StatusNotification)?"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text

from domain.station import Station
from projections.change import Changes
from projections.projection import Projection, owner
from projections.table import METADATA, UtcTime

FAULT = Table(
    "fault",
    METADATA,
    Column("position", BigInteger, primary_key=True),
    Column("station_id", Text),
    Column("evse_id", Integer),
    Column("connector_id", Integer),
    Column("error_code", Text),
    Column("vendor_error_code", Text),
    Column("reason", Text),
    Column("status", Text),
    Column("occurred_at", UtcTime),
    Index("fault_by_time", "occurred_at", "position"),
)
NO_ERROR = (None, "NoError")


def reported(changes: Changes, event: Station.StatusReported, position: int) -> None:
    """OCPP 1.6 says an error code with any status; OCPP 2.x says Faulted only (facts of what is wrong: NotifyEvent)."""
    if event.error_code in NO_ERROR and event.status != "FAULTED":
        return
    names = ("evse_id", "connector_id", "error_code", "vendor_error_code", "reason", "status", "occurred_at")
    told = {name: getattr(event, name) for name in names}
    changes.add("fault", (position,), station_id=owner(event), **told)


PROJECTION = Projection(name="fault", tables={"fault": FAULT}, handlers={Station.StatusReported: reported})
