"""The keys of people.

Revision ID: 0018
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.create_table(
        "personal_key",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("place", sa.Text, unique=True),
        sa.Column("badge", sa.Text, index=True),
        sa.Column("person", sa.Text, index=True),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
    )
