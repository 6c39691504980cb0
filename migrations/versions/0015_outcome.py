"""What accepted commands led to.

Revision ID: 0015
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from projections.table import UtcTime

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.add_column("command", sa.Column("transaction_id", sa.Text))
    op.add_column("command", sa.Column("given_up_at", UtcTime))
