"""Tokens of the API, and accesses that were refused.

Revision ID: 0020
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from projections.table import UtcTime

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.create_table(
        "api_token",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text),
        sa.Column("roles", sa.JSON),
        sa.Column("sites", sa.JSON),
        sa.Column("badges", sa.JSON),
        sa.Column("fields", sa.JSON),
        sa.Column("issued_by", sa.Text),
        sa.Column("issued_at", UtcTime),
        sa.Column("expires_at", UtcTime),
        sa.Column("used_at", UtcTime),
        sa.Column("revoked_by", sa.Text),
        sa.Column("revoked_at", UtcTime),
        sa.Column("reason", sa.Text),
        sa.Column("position", sa.BigInteger),
    )
    op.create_index("api_token_by_time", "api_token", ["issued_at", "id"])
    op.create_table(
        "refused_access",
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", UtcTime),
        sa.Column("code", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("asked", sa.Text),
        sa.Column("name", sa.Text),
        sa.Column("address", sa.Text),
        sa.Column("times", sa.Integer),
    )
    op.create_index("refused_access_by_name", "refused_access", ["name", "position"])
    op.create_index("refused_access_by_address", "refused_access", ["address", "position"])
