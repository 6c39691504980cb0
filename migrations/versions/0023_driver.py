"""Drivers and their badges.

Revision ID: 0023
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from projections.table import UtcTime

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.create_table(
        "driver",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("full_name", sa.Text),
        sa.Column("email", sa.Text),
        sa.Column("phone", sa.Text),
        sa.Column("language", sa.Text),
        sa.Column("employer", sa.Text),
        sa.Column("cost_centre", sa.Text),
        sa.Column("licence_plate", sa.Text),
        sa.Column("site", sa.Text),
        sa.Column("registered_at", UtcTime),
        sa.Column("forgotten_at", UtcTime),
        sa.Column("position", sa.BigInteger),
    )
    op.create_table(
        "driver_badge",
        sa.Column("driver_id", sa.Text, primary_key=True),
        sa.Column("badge", sa.Text, primary_key=True),
        sa.Column("since", UtcTime),
        sa.Column("until", UtcTime),
    )
    op.create_index("driver_badge_by_badge", "driver_badge", ["badge"])
