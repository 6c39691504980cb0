"""How many messages of a transaction are missing.

Revision ID: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("transaction", sa.Column("missing", sa.Integer()))


def downgrade() -> None:
    op.drop_column("transaction", "missing")
