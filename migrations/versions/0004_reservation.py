"""Reservations.

Revision ID: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from projections.table import UtcTime

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "reservation",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("station_id", sa.Text),
        sa.Column("evse_id", sa.Integer),
        sa.Column("connector_type", sa.Text),
        sa.Column("badge", sa.Text),
        sa.Column("group_badge", sa.Text),
        sa.Column("status", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("requested_by", sa.Text),
        sa.Column("requested_at", UtcTime),
        sa.Column("expires_at", UtcTime),
        sa.Column("ended_at", UtcTime),
        sa.Column("transaction_id", sa.Text),
        sa.Column("position", sa.BigInteger),
    )
    op.create_index("reservation_by_station", "reservation", ["station_id", "id"])
    op.create_index("reservation_by_badge", "reservation", ["badge", "id"])
