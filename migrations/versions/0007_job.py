"""Jobs with their steps, and files.

Revision ID: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from projections.table import UtcTime

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "job",
        sa.Column("id", sa.Text, primary_key=True),
        *(sa.Column(name, kind) for name, kind in JOB),
    )
    op.create_index("job_by_time", "job", ["requested_at", "id"])
    op.create_index("job_by_station", "job", ["station_id", "requested_at", "id"])
    op.create_table(
        "job_step",
        sa.Column("job_id", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        *(sa.Column(name, kind) for name, kind in STEP),
    )
    op.create_table(
        "file",
        sa.Column("id", sa.Text, primary_key=True),
        *(sa.Column(name, kind) for name, kind in FILE),
    )
    op.create_index("file_by_time", "file", ["stored_at", "id"])
    op.create_index("file_by_station", "file", ["station_id", "stored_at", "id"])


JOB = (
    ("station_id", sa.Text()),
    ("kind", sa.Text()),
    ("status", sa.Text()),
    ("station_status", sa.Text()),
    ("percent", sa.Float()),
    ("command_id", sa.Text()),
    ("request_id", sa.BigInteger()),
    ("location", sa.Text()),
    ("log_type", sa.Text()),
    ("file_id", sa.Text()),
    ("file_name", sa.Text()),
    ("size_bytes", sa.BigInteger()),
    ("sha256", sa.Text()),
    ("next_byte", sa.BigInteger()),
    ("requested_by", sa.Text()),
    ("requested_at", UtcTime()),
    ("started_at", UtcTime()),
    ("ended_at", UtcTime()),
    ("deadline", UtcTime()),
    ("error", sa.Text()),
    ("position", sa.BigInteger()),
)
STEP = (
    ("status", sa.Text()),
    ("detail", sa.Text()),
    ("percent", sa.Float()),
    ("at", UtcTime()),
)
FILE = (
    ("name", sa.Text()),
    ("purpose", sa.Text()),
    ("size_bytes", sa.BigInteger()),
    ("sha256", sa.Text()),
    ("md5", sa.Text()),
    ("content_type", sa.Text()),
    ("station_id", sa.Text()),
    ("job_id", sa.Text()),
    ("stored_by", sa.Text()),
    ("stored_at", UtcTime()),
    ("deleted_at", UtcTime()),
    ("position", sa.BigInteger()),
)
