"""Orphans: which ends did stations tell of transactions that nobody knows, and which are bound by now?"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, Table, Text

from domain.station import Station
from projections.change import Changes
from projections.projection import Projection
from projections.table import METADATA, UtcTime

ORPHAN = Table(
    "orphan",
    METADATA,
    Column("station_id", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("position", BigInteger),
    Column("station_transaction_id", Text),
    Column("occurred_at", UtcTime),
    Column("heard_at", UtcTime),
    Column("meter_stop_wh", Float),
    Column("reason", Text),
    Column("bound", Boolean),
    Column("transaction_id", Text),
    Index("orphan_by_position", "position"),
)


def orphaned(changes: Changes, event: Station.TransactionOrphaned, position: int) -> None:
    names = ("station_transaction_id", "occurred_at", "meter_stop_wh", "reason")
    facts = {name: getattr(event, name) for name in names}
    key = station_of(event), event.originator_version
    changes.put("orphan", key, position=position, heard_at=event.recorded_at, bound=False, transaction_id=None, **facts)


def bound(changes: Changes, event: Station.OrphanBound, position: int) -> None:
    changes.put("orphan", (station_of(event), event.orphan), bound=True, transaction_id=event.transaction_id)


def station_of(event: Station.TransactionOrphaned | Station.OrphanBound) -> str:
    return event.originator_id.removeprefix("station/")


PROJECTION = Projection(
    name="orphan",
    tables={"orphan": ORPHAN},
    handlers={Station.TransactionOrphaned: orphaned, Station.OrphanBound: bound},
)
