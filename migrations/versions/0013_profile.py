"""Smart charging: profiles, limits of others, needs of cars, composite schedules, priority.

Revision ID: 0013
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from projections.table import UtcTime

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_table(
        "profile",
        sa.Column("station_id", sa.Text, primary_key=True),
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("evse_id", sa.Integer),
        sa.Column("purpose", sa.Text),
        sa.Column("stack_level", sa.Integer),
        sa.Column("kind", sa.Text),
        sa.Column("source", sa.Text),
        sa.Column("transaction_id", sa.Text),
        sa.Column("profile", sa.JSON),
        sa.Column("offered", sa.Boolean),
        sa.Column("status", sa.Text),
        sa.Column("since", UtcTime),
        sa.Column("position", sa.BigInteger),
    )
    op.create_index("profile_by_transaction", "profile", ["transaction_id"])
    op.create_table(
        "charging_limit",
        sa.Column("station_id", sa.Text, primary_key=True),
        sa.Column("evse_id", sa.Integer, primary_key=True),
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("schedules", sa.JSON),
        sa.Column("grid_critical", sa.Boolean),
        sa.Column("local_generation", sa.Boolean),
        sa.Column("since", UtcTime),
        sa.Column("released_at", UtcTime),
        sa.Column("position", sa.BigInteger),
    )
    op.create_table(
        "charging_need",
        sa.Column("station_id", sa.Text, primary_key=True),
        sa.Column("evse_id", sa.Integer, primary_key=True),
        sa.Column("needs", sa.JSON),
        sa.Column("status", sa.Text),
        sa.Column("transaction_id", sa.Text),
        sa.Column("max_periods", sa.Integer),
        sa.Column("occurred_at", UtcTime),
        sa.Column("plan", sa.JSON),
        sa.Column("plan_starts_at", UtcTime),
        sa.Column("plan_accepted", sa.Boolean),
        sa.Column("plan_reason", sa.Text),
        sa.Column("position", sa.BigInteger),
    )
    op.create_table(
        "composite_schedule",
        sa.Column("station_id", sa.Text, primary_key=True),
        sa.Column("evse_id", sa.Integer, primary_key=True),
        sa.Column("starts_at", UtcTime),
        sa.Column("duration_seconds", sa.BigInteger),
        sa.Column("unit", sa.Text),
        sa.Column("periods", sa.JSON),
        sa.Column("expected", sa.JSON),
        sa.Column("reported_at", UtcTime),
        sa.Column("position", sa.BigInteger),
    )
    op.create_table(
        "charging_priority",
        sa.Column("station_id", sa.Text, primary_key=True),
        sa.Column("transaction_id", sa.Text, primary_key=True),
        sa.Column("active", sa.Boolean),
        sa.Column("active_since", UtcTime),
        sa.Column("transfers", sa.JSON),
        sa.Column("position", sa.BigInteger),
    )
