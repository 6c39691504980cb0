"""What QualiCharge was told, item by item.

Revision ID: 0027
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from projections.table import UtcTime

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    op.create_table(
        "qualicharge_item",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text),
        sa.Column("point", sa.Text),
        sa.Column("station_id", sa.Text),
        sa.Column("evse_id", sa.Integer),
        sa.Column("transaction_id", sa.Text),
        sa.Column("payload", sa.JSON),
        sa.Column("told_at", UtcTime),
        sa.Column("fate", sa.Text),
        sa.Column("rules", sa.JSON),
        sa.Column("reason", sa.Text),
        sa.Column("status", sa.Integer),
        sa.Column("reference", sa.Text),
        sa.Column("attempt", sa.Integer),
        sa.Column("prepared_at", UtcTime),
        sa.Column("sent_at", UtcTime),
        sa.Column("settled_at", UtcTime),
        sa.Column("built_from", sa.BigInteger),
        sa.Column("prepared_position", sa.BigInteger),
        sa.Column("position", sa.BigInteger),
    )
    op.create_index("qualicharge_item_by_fate", "qualicharge_item", ["fate", "prepared_position"])
    op.create_index("qualicharge_item_by_kind", "qualicharge_item", ["kind", "prepared_position"])
    op.create_index("qualicharge_item_by_point", "qualicharge_item", ["point", "told_at"])
    op.create_index("qualicharge_item_by_transaction", "qualicharge_item", ["transaction_id"])
