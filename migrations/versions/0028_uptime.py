"""How available every EVSE was in every month.

Revision ID: 0028
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from projections.table import UtcTime

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    op.create_table(
        "uptime",
        sa.Column("station_id", sa.Text, primary_key=True),
        sa.Column("evse_id", sa.Integer, primary_key=True),
        sa.Column("month", sa.Text, primary_key=True),
        sa.Column("rule", sa.Integer, primary_key=True),
        sa.Column("began_at", UtcTime),
        *(sa.Column(name, sa.Integer) for name in ("up_s", "down_s", "excluded_s", "unknown_s")),
        sa.Column("percent", sa.Float),
        sa.Column("measured_at", UtcTime),
        sa.Column("superseded_at", UtcTime),
        sa.Column("position", sa.BigInteger),
    )
