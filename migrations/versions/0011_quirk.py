"""Quirks of stations.

Revision ID: 0011
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from projections.table import UtcTime

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "quirk",
        sa.Column("station_id", sa.Text, primary_key=True),
        sa.Column("rule", sa.Text, primary_key=True),
        sa.Column("first_seen_at", UtcTime),
        sa.Column("position", sa.BigInteger),
    )
