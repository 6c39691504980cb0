"""What meters have signed with the verdicts, and the public keys of meters.

Revision ID: 0024
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from projections.table import UtcTime

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    op.create_table(
        "signed_value",
        sa.Column("transaction_id", sa.Text, primary_key=True),
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("station_id", sa.Text),
        sa.Column("evse_id", sa.Integer),
        sa.Column("at", UtcTime),
        sa.Column("context", sa.Text),
        sa.Column("text", sa.Text),
        sa.Column("encoding", sa.Text),
        sa.Column("method", sa.Text),
        sa.Column("message_key", sa.Text),
        sa.Column("told_at", UtcTime),
        sa.Column("verdict", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("public_key", sa.Text),
        sa.Column("key_source", sa.Text),
        sa.Column("meter", sa.Text),
        sa.Column("readings", sa.JSON),
        sa.Column("judged_at", UtcTime),
        sa.Column("position", sa.BigInteger),
    )
    op.create_table(
        "meter_key",
        sa.Column("station_id", sa.Text, primary_key=True),
        sa.Column("evse_id", sa.Integer, primary_key=True),
        sa.Column("public_key", sa.Text),
        sa.Column("meter", sa.Text),
        sa.Column("registered_at", UtcTime),
        sa.Column("removed_at", UtcTime),
        sa.Column("position", sa.BigInteger),
    )
    op.create_index("signed_value_by_verdict", "signed_value", ["verdict", "position"])
    op.create_index(
        "signed_value_open",
        "signed_value",
        ["station_id"],
        postgresql_where=sa.text("verdict IS NULL"),
        sqlite_where=sa.text("verdict IS NULL"),
    )
