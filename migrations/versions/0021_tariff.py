"""Tariffs in versions, their assignments, and sites.

Revision ID: 0021
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from projections.table import UtcTime

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.create_table(
        "tariff",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("version", sa.Integer),
        sa.Column("currency", sa.Text),
        sa.Column("type", sa.Text),
        sa.Column("terms", sa.JSON),
        sa.Column("published_at", UtcTime),
        sa.Column("withdrawn_at", UtcTime),
        sa.Column("withdrawn_reason", sa.Text),
        sa.Column("position", sa.BigInteger),
    )
    op.create_table(
        "tariff_version",
        sa.Column("tariff_id", sa.Text, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("terms", sa.JSON),
        sa.Column("published_at", UtcTime),
        sa.Column("position", sa.BigInteger),
    )
    op.create_table(
        "assignment",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("tariff_id", sa.Text),
        sa.Column("site", sa.Text),
        sa.Column("station_id", sa.Text),
        sa.Column("evse_id", sa.Integer),
        sa.Column("group", sa.Text),
        sa.Column("starts_at", UtcTime),
        sa.Column("ends_at", UtcTime),
        sa.Column("assigned_at", UtcTime),
        sa.Column("revoked_at", UtcTime),
        sa.Column("position", sa.BigInteger),
    )
    op.create_index("assignment_by_tariff", "assignment", ["tariff_id", "id"])
    op.create_table(
        "site",
        *(
            sa.Column(name, sa.Text, primary_key=name == "id")
            for name in ("id", "name", "address", "postal_code", "city", "country", "time_zone", "operator")
        ),
        sa.Column("registered_at", UtcTime),
        sa.Column("position", sa.BigInteger),
    )
