"""How many messages of a transaction are missing.

Revision ID: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("transaction", sa.Column("missing", sa.Integer()))


def downgrade() -> None:
    op.drop_column("transaction", "missing")
