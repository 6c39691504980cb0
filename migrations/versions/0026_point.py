"""What sites and charge points are declared to be, and their planned maintenance.

Revision ID: 0026
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from projections.table import UtcTime

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    op.add_column("site", sa.Column("premises", sa.JSON))
    op.add_column("site", sa.Column("declared_at", UtcTime))
    op.create_table(
        "point",
        sa.Column("station_id", sa.Text, primary_key=True),
        sa.Column("evse_id", sa.Integer, primary_key=True),
        sa.Column("site", sa.Text),
        sa.Column("evse_uid", sa.Text),
        sa.Column("equipment", sa.JSON),
        sa.Column("described_at", UtcTime),
        sa.Column("withdrawn_at", UtcTime),
        sa.Column("withdrawn_reason", sa.Text),
        sa.Column("position", sa.BigInteger),
    )
    op.create_index("point_by_evse_uid", "point", ["evse_uid"])
    op.create_table(
        "maintenance",
        sa.Column("station_id", sa.Text, primary_key=True),
        sa.Column("evse_id", sa.Integer, primary_key=True),
        sa.Column("plan", sa.Integer, primary_key=True),
        sa.Column("starts_at", UtcTime),
        sa.Column("ends_at", UtcTime),
        sa.Column("reason", sa.Text),
        sa.Column("announced_at", UtcTime),
        sa.Column("cancelled_at", UtcTime),
    )
