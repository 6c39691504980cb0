"""Passwords on their way, connections not let in, certificates.

Revision ID: 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from projections.table import UtcTime

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("credential", sa.Column("hexadecimal", sa.Boolean))
    op.create_table(
        "credential_offer",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("station_id", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("sealed", sa.Text),
        sa.Column("offered_at", UtcTime, nullable=False),
    )
    op.create_index("ix_credential_offer_station_id", "credential_offer", ["station_id"])
    op.create_table(
        "attempt",
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        *(sa.Column(name, kind) for name, kind in ATTEMPT),
    )
    op.create_index("attempt_by_station", "attempt", ["station_id", "position"])
    op.create_index("attempt_by_host", "attempt", ["host", "position"])
    op.create_table(
        "certificate",
        sa.Column("serial_number", sa.Text, primary_key=True),
        *(sa.Column(name, kind) for name, kind in CERTIFICATE),
    )
    op.create_index("certificate_by_end", "certificate", ["not_after", "serial_number"])
    op.create_index("certificate_by_station", "certificate", ["station_id", "not_after", "serial_number"])
    op.create_table(
        "trusted",
        *(sa.Column(name, sa.Text, primary_key=True) for name in HASH),
        *(sa.Column(name, kind) for name, kind in TRUSTED),
    )
    op.create_table(
        "trust_listing",
        sa.Column("station_id", sa.Text, primary_key=True),
        sa.Column("use", sa.Text, primary_key=True),
        sa.Column("position", sa.BigInteger),
    )


ATTEMPT = (
    ("at", UtcTime()),
    ("station_id", sa.Text()),
    ("host", sa.Text()),
    ("address", sa.Text()),
    ("path", sa.Text()),
    ("offered", sa.JSON()),
    ("reason", sa.Text()),
    ("status", sa.Integer()),
    ("unrecorded", sa.Integer()),
)
CERTIFICATE = (
    ("station_id", sa.Text()),
    ("kind", sa.Text()),
    ("common_name", sa.Text()),
    ("not_before", UtcTime()),
    ("not_after", UtcTime()),
    ("chain", sa.Text()),
    ("status", sa.Text()),
    ("reason", sa.Text()),
    ("changed_at", UtcTime()),
    ("renewal_due_at", UtcTime()),
    ("revoked_at", UtcTime()),
    ("position", sa.BigInteger()),
)
HASH = ("station_id", "hash_algorithm", "issuer_name_hash", "issuer_key_hash", "serial_number")
TRUSTED = (
    ("use", sa.Text()),
    ("children", sa.JSON()),
    ("certificate", sa.Text()),
    ("present", sa.Boolean()),
    ("seen_at", UtcTime()),
    ("position", sa.BigInteger()),
)
