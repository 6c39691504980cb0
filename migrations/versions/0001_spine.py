"""Stations, transactions, commands, checkpoints, credentials.

Revision ID: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from projections.table import UtcTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "checkpoint",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("moved_at", UtcTime),
        sa.Column("error", sa.Text),
    )
    op.create_table(
        "credential",
        sa.Column("station_id", sa.Text, primary_key=True),
        sa.Column("password_hash", sa.Text, nullable=False),
    )
    op.create_table(
        "station",
        sa.Column("id", sa.Text, primary_key=True),
        *(sa.Column(name, kind) for name, kind in STATION),
    )
    op.create_index("station_by_site", "station", ["site", "id"])
    op.create_table(
        "connector",
        sa.Column("station_id", sa.Text, primary_key=True),
        sa.Column("evse_id", sa.Integer, primary_key=True),
        sa.Column("connector_id", sa.Integer, primary_key=True),
        *(sa.Column(name, kind) for name, kind in CONNECTOR),
    )
    op.create_table(
        "transaction",
        sa.Column("id", sa.Text, primary_key=True),
        *(sa.Column(name, kind) for name, kind in TRANSACTION),
    )
    op.create_index("transaction_by_start", "transaction", ["started_at", "id"])
    op.create_index("transaction_by_station", "transaction", ["station_id", "started_at", "id"])
    op.create_index("transaction_by_badge", "transaction", ["badge", "started_at", "id"])
    still_open = sa.text("ended_at IS NULL")
    op.create_index(
        "transaction_open", "transaction", ["started_at", "id"], postgresql_where=still_open, sqlite_where=still_open
    )
    op.create_table(
        "reading",
        sa.Column("transaction_id", sa.Text, primary_key=True),
        sa.Column("at", UtcTime, primary_key=True),
        sa.Column("position", sa.BigInteger, primary_key=True),
        sa.Column("item", sa.Integer, primary_key=True),
        *(sa.Column(name, kind) for name, kind in READING),
    )
    op.create_table(
        "command",
        sa.Column("id", sa.Text, primary_key=True),
        *(sa.Column(name, kind) for name, kind in COMMAND),
    )
    op.create_index("command_by_time", "command", ["requested_at", "id"])
    op.create_index("command_by_station", "command", ["station_id", "requested_at", "id"])
    op.create_index("command_by_status", "command", ["status", "requested_at", "id"])


STATION = (
    ("site", sa.Text()),
    ("registered", sa.Boolean()),
    ("vendor", sa.Text()),
    ("model", sa.Text()),
    ("serial_number", sa.Text()),
    ("firmware_version", sa.Text()),
    ("iccid", sa.Text()),
    ("imsi", sa.Text()),
    ("meter_type", sa.Text()),
    ("meter_serial_number", sa.Text()),
    ("ocpp_version", sa.Text()),
    ("connected", sa.Boolean()),
    ("connection_id", sa.Text()),
    ("gateway", sa.Text()),
    ("address", sa.Text()),
    ("last_seen_at", UtcTime()),
    ("booted_at", UtcTime()),
    ("boot_status", sa.Text()),
    ("status", sa.Text()),
    ("error_code", sa.Text()),
    ("status_at", UtcTime()),
    ("position", sa.BigInteger()),
)
CONNECTOR = (
    ("status", sa.Text()),
    ("status_at", UtcTime()),
    ("error_code", sa.Text()),
    ("reason", sa.Text()),
    ("activity", sa.Text()),
    ("activity_at", UtcTime()),
)
TRANSACTION = (
    ("station_id", sa.Text()),
    ("evse_id", sa.Integer()),
    ("connector_id", sa.Integer()),
    ("station_transaction_id", sa.Text()),
    ("badge", sa.Text()),
    ("verdict", sa.Text()),
    ("started_at", UtcTime()),
    ("ended_at", UtcTime()),
    ("meter_start_wh", sa.Float()),
    ("meter_stop_wh", sa.Float()),
    ("meter_last_wh", sa.Float()),
    ("power_w", sa.Float()),
    ("soc_start", sa.Float()),
    ("soc_end", sa.Float()),
    ("metered_at", UtcTime()),
    ("charging_state", sa.Text()),
    ("stop_reason", sa.Text()),
    ("doubt", sa.Text()),
    ("superseded_by", sa.Text()),
    ("remote_start_id", sa.BigInteger()),
    ("reservation_id", sa.BigInteger()),
    ("offline", sa.Boolean()),
    ("position", sa.BigInteger()),
)
READING = (
    ("context", sa.Text()),
    ("register_wh", sa.Float()),
    ("power_w", sa.Float()),
    ("current_a", sa.Float()),
    ("voltage_v", sa.Float()),
    ("soc_percent", sa.Float()),
    ("offered_w", sa.Float()),
    ("offered_a", sa.Float()),
)
COMMAND = (
    ("station_id", sa.Text()),
    ("action", sa.Text()),
    ("parameters", sa.JSON()),
    ("status", sa.Text()),
    ("requested_by", sa.Text()),
    ("requested_at", UtcTime()),
    ("deadline", UtcTime()),
    ("sent_at", UtcTime()),
    ("answered_at", UtcTime()),
    ("answer", sa.JSON()),
    ("error", sa.Text()),
    ("position", sa.BigInteger()),
)
