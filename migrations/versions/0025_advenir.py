"""Advenir: funded points, what was told of which charge, and what was withheld.

Revision ID: 0025
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from projections.table import UtcTime

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    op.create_table(
        "advenir_point",
        sa.Column("station_id", sa.Text, primary_key=True),
        sa.Column("evse_id", sa.Integer, primary_key=True),
        sa.Column("identifier", sa.Text),
        sa.Column("since", UtcTime),
        sa.Column("rated_power_w", sa.Float),
        sa.Column("registered_at", UtcTime),
        sa.Column("removed_at", UtcTime),
        sa.Column("position", sa.BigInteger),
    )
    op.create_table(
        "advenir_submission",
        sa.Column("transaction_id", sa.Text, primary_key=True),
        sa.Column("station_id", sa.Text),
        sa.Column("evse_id", sa.Integer),
        sa.Column("identifier", sa.Text),
        sa.Column("state", sa.Text),
        sa.Column("mode", sa.Text),
        sa.Column("start_at", UtcTime),
        sa.Column("stop_at", UtcTime),
        sa.Column("energy_wh", sa.BigInteger),
        sa.Column("points", sa.Integer),
        sa.Column("repetitions", sa.Integer),
        sa.Column("sha256", sa.Text),
        sa.Column("first_position", sa.BigInteger),
        sa.Column("last_position", sa.BigInteger),
        sa.Column("made_position", sa.BigInteger),
        sa.Column("content_position", sa.BigInteger),
        sa.Column("defects_position", sa.BigInteger),
        sa.Column("made_at", UtcTime),
        sa.Column("batch", sa.Text),
        sa.Column("attempt", sa.Integer),
        sa.Column("submitted_at", UtcTime),
        sa.Column("answered_at", UtcTime),
        sa.Column("status", sa.Integer),
        sa.Column("code", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("answer", sa.Text),
        sa.Column("position", sa.BigInteger),
    )
    for name, columns in (
        ("place", ["made_position"]),
        ("state", ["state", "made_position"]),
        ("station", ["station_id", "made_position"]),
        ("pair", ["identifier", "start_at", "stop_at"]),
    ):
        op.create_index(f"advenir_submission_by_{name}", "advenir_submission", columns)
    op.create_table(
        "advenir_defect",
        sa.Column("position", sa.BigInteger, primary_key=True),
        sa.Column("item", sa.Integer, primary_key=True),
        sa.Column("transaction_id", sa.Text),
        sa.Column("station_id", sa.Text),
        sa.Column("evse_id", sa.Integer),
        sa.Column("identifier", sa.Text),
        sa.Column("rule", sa.Text),
        sa.Column("what", sa.Text),
        sa.Column("values", sa.JSON),
        sa.Column("mended", sa.Boolean),
        sa.Column("found_at", UtcTime),
    )
    op.create_index("advenir_defect_by_transaction", "advenir_defect", ["transaction_id", "position"])
