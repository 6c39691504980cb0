"""Ends of transactions that nobody knows.

Revision ID: 0012
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from projections.table import UtcTime

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "orphan",
        sa.Column("station_id", sa.Text, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("position", sa.BigInteger),
        sa.Column("station_transaction_id", sa.Text),
        sa.Column("occurred_at", UtcTime),
        sa.Column("heard_at", UtcTime),
        sa.Column("meter_stop_wh", sa.Float),
        sa.Column("reason", sa.Text),
        sa.Column("bound", sa.Boolean),
        sa.Column("transaction_id", sa.Text),
    )
    op.create_index("orphan_by_position", "orphan", ["position"])
