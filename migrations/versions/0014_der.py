"""Distributed energy: controls and alarms.

Revision ID: 0014
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from projections.table import UtcTime

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_table(
        "der_control",
        sa.Column("station_id", sa.Text, primary_key=True),
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("control_type", sa.Text),
        sa.Column("is_default", sa.Boolean),
        sa.Column("superseded", sa.Boolean),
        sa.Column("settings", sa.JSON),
        sa.Column("status", sa.Text),
        sa.Column("active", sa.Boolean),
        sa.Column("active_since", UtcTime),
        sa.Column("since", UtcTime),
        sa.Column("position", sa.BigInteger),
    )
    op.create_table(
        "der_alarm",
        sa.Column("station_id", sa.Text, primary_key=True),
        sa.Column("control_type", sa.Text),
        sa.Column("fault", sa.Text),
        sa.Column("detail", sa.Text),
        sa.Column("raised_at", UtcTime),
        sa.Column("ended_at", UtcTime),
        sa.Column("position", sa.BigInteger),
    )
