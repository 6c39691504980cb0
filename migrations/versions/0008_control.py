"""Tariffs on stations, settlements, battery swaps, vendor messages, security events, refused messages.

Revision ID: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from projections.table import UtcTime

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "pricelist",
        sa.Column("station_id", sa.Text, primary_key=True),
        sa.Column("evse_id", sa.Integer, primary_key=True),
        sa.Column("tariff_id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text),
        sa.Column("tariff", sa.JSON),
        sa.Column("since", UtcTime),
        sa.Column("until", UtcTime),
        sa.Column("position", sa.BigInteger),
    )
    op.create_table(
        "swap",
        sa.Column("station_id", sa.Text, primary_key=True),
        sa.Column("request_id", sa.BigInteger, primary_key=True),
        *(sa.Column(name, kind) for name, kind in SWAP),
    )
    op.create_index("swap_by_beginning", "swap", ["began"])
    op.create_index("swap_by_station", "swap", ["station_id", "began"])
    for name, columns in LISTS.items():
        op.create_table(
            name,
            sa.Column("position", sa.BigInteger, primary_key=True),
            sa.Column("station_id", sa.Text),
            *(sa.Column(column, kind) for column, kind in columns),
        )
        op.create_index(f"{name}_by_station", name, ["station_id", "position"])
    op.create_index("vendor_message_by_vendor", "vendor_message", ["vendor_id", "position"])


SWAP = (
    ("badge", sa.Text()),
    ("arranged_at", UtcTime()),
    ("inserted_at", UtcTime()),
    ("inserted", sa.JSON()),
    ("taken_at", UtcTime()),
    ("taken", sa.JSON()),
    ("left_at", UtcTime()),
    ("began", sa.BigInteger()),
    ("position", sa.BigInteger()),
)
LISTS = {
    "settlement": (
        ("status", sa.Text()),
        ("amount", sa.Text()),
        ("settled_at", UtcTime()),
        ("psp_reference", sa.Text()),
        ("transaction_id", sa.Text()),
        ("detail", sa.Text()),
        ("receipt_id", sa.Text()),
        ("receipt_url", sa.Text()),
        ("vat_number", sa.Text()),
        ("company", sa.JSON()),
    ),
    "vendor_message": (
        ("vendor_id", sa.Text()),
        ("message_id", sa.Text()),
        ("content", sa.JSON()),
        ("status", sa.Text()),
        ("received_at", UtcTime()),
    ),
    "incident": (
        ("kind", sa.Text()),
        ("detail", sa.Text()),
        ("occurred_at", UtcTime()),
        ("received_at", UtcTime()),
    ),
    "refusal": (
        ("action", sa.Text()),
        ("code", sa.Text()),
        ("reason", sa.Text()),
        ("raw", sa.Text()),
        ("received_at", UtcTime()),
    ),
}
