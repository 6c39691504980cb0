"""Faults of connectors, and exports on a schedule.

Revision ID: 0019
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from projections.table import UtcTime

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.create_table(
        "fault",
        sa.Column("position", sa.BigInteger, primary_key=True),
        sa.Column("station_id", sa.Text),
        sa.Column("evse_id", sa.Integer),
        sa.Column("connector_id", sa.Integer),
        sa.Column("error_code", sa.Text),
        sa.Column("vendor_error_code", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("status", sa.Text),
        sa.Column("occurred_at", UtcTime),
    )
    op.create_index("fault_by_time", "fault", ["occurred_at", "position"])
    op.create_table(
        "export",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("dataset", sa.Text),
        sa.Column("format", sa.Text),
        sa.Column("period", sa.Text),
        sa.Column("at", sa.Text),
        sa.Column("timezone", sa.Text),
        sa.Column("place", sa.Text),
        sa.Column("options", sa.JSON),
        sa.Column("site", sa.Text),
        sa.Column("scheduled_at", UtcTime),
        sa.Column("stopped_at", UtcTime),
        sa.Column("delivered_until", UtcTime),
        sa.Column("file", sa.Text),
        sa.Column("rows", sa.Integer),
        sa.Column("size_bytes", sa.BigInteger),
        sa.Column("sha256", sa.Text),
        sa.Column("reflects", sa.BigInteger),
        sa.Column("failure", sa.Text),
        sa.Column("attempt", sa.Integer),
        sa.Column("position", sa.BigInteger),
    )
