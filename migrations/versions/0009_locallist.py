"""Local lists of stations.

Revision ID: 0009
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from projections.table import UtcTime

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "locallist", sa.Column("station_id", sa.Text, primary_key=True), *(sa.Column(*column) for column in LIST)
    )


LIST = (
    ("version", sa.Integer()),
    ("status", sa.Text()),
    ("error", sa.Text()),
    ("automatic", sa.Boolean()),
    ("command_id", sa.Text()),
    ("job_id", sa.Text()),
    ("left", sa.Integer()),
    ("entries", sa.Integer()),
    ("requested_at", UtcTime()),
    ("changed_at", UtcTime()),
    ("position", sa.BigInteger()),
)
