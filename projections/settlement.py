"""Settlements: what did payment terminals of stations settle?"""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, Index, Table, Text

from domain.payment import Payment
from projections.change import Changes
from projections.projection import Projection
from projections.table import METADATA, UtcTime

SETTLEMENT = Table(
    "settlement",
    METADATA,
    Column("position", BigInteger, primary_key=True),
    Column("station_id", Text),
    Column("status", Text),
    Column("amount", Text),
    Column("settled_at", UtcTime),
    Column("psp_reference", Text),
    Column("transaction_id", Text),
    Column("detail", Text),
    Column("receipt_id", Text),
    Column("receipt_url", Text),
    Column("vat_number", Text),
    Column("company", JSON(none_as_null=True)),
    Index("settlement_by_station", "station_id", "position"),
)
NAMES = (
    "station_id", "status", "settled_at", "psp_reference", "transaction_id", "detail", "receipt_id", "receipt_url",
    "vat_number", "company",
)  # fmt: skip


def settled(changes: Changes, event: Payment.Settled, position: int) -> None:
    facts = {name: getattr(event, name) for name in NAMES}
    changes.add("settlement", (position,), amount=str(event.amount), **facts)


PROJECTION = Projection(name="settlement", tables={"settlement": SETTLEMENT}, handlers={Payment.Settled: settled})
