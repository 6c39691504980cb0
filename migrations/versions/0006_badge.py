"""Badges, what was said of them, and where they charge.

Revision ID: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from projections.table import UtcTime

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table("badge", sa.Column("id", sa.Text, primary_key=True), *(sa.Column(*column) for column in BADGE))
    op.create_index("badge_by_group", "badge", ["group", "id"])
    op.create_table(
        "badge_check", sa.Column("position", sa.BigInteger, primary_key=True), *(sa.Column(*column) for column in CHECK)
    )
    op.create_index("badge_check_by_badge", "badge_check", ["badge_id", "position"])
    op.create_index("badge_check_by_station", "badge_check", ["station_id", "position"])
    op.create_table(
        "badge_use", sa.Column("transaction_id", sa.Text, primary_key=True), *(sa.Column(*column) for column in USE)
    )
    op.create_index("badge_use_by_badge", "badge_use", ["badge_id", "ended_at"])
    still_open = sa.text("ended_at IS NULL")
    op.create_index(
        "badge_use_open", "badge_use", ["transaction_id"], postgresql_where=still_open, sqlite_where=still_open
    )


BADGE = (
    ("badge", sa.Text()),
    ("kind", sa.Text()),
    ("group", sa.Text()),
    ("expires_at", UtcTime()),
    ("concurrent", sa.Integer()),
    ("stations", sa.JSON()),
    ("sites", sa.JSON()),
    ("evses", sa.JSON()),
    ("cache_s", sa.BigInteger()),
    ("language", sa.Text()),
    ("message", sa.Text()),
    ("priority", sa.Integer()),
    ("blocked", sa.Boolean()),
    ("blocked_reason", sa.Text()),
    ("registered_at", UtcTime()),
    ("removed_at", UtcTime()),
    ("position", sa.BigInteger()),
)
CHECK = (
    ("badge_id", sa.Text()),
    ("badge", sa.Text()),
    ("station_id", sa.Text()),
    ("at", UtcTime()),
    ("occasion", sa.Text()),
    ("verdict", sa.Text()),
    ("reason", sa.Text()),
    ("kind", sa.Text()),
    ("transaction_id", sa.Text()),
    ("started_at", UtcTime()),
    ("verdict_then", sa.Text()),
)
USE = (
    ("badge", sa.Text()),
    ("badge_id", sa.Text()),
    ("station_id", sa.Text()),
    ("verdict", sa.Text()),
    ("ended_at", UtcTime()),
)
