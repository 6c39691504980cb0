"""The device model, monitors, reports, displays and periodic streams of stations.

Revision ID: 0016
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from projections.table import UtcTime

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.create_table(
        "variable",
        sa.Column("station_id", sa.Text, primary_key=True),
        sa.Column("component", sa.Text, primary_key=True),
        sa.Column("component_instance", sa.Text, primary_key=True),
        sa.Column("evse_id", sa.Integer, primary_key=True),
        sa.Column("connector_id", sa.Integer, primary_key=True),
        sa.Column("variable", sa.Text, primary_key=True),
        sa.Column("variable_instance", sa.Text, primary_key=True),
        sa.Column("attribute", sa.Text, primary_key=True),
        sa.Column("value", sa.Text),
        sa.Column("mutability", sa.Text),
        sa.Column("persistent", sa.Boolean),
        sa.Column("constant", sa.Boolean),
        sa.Column("unit", sa.Text),
        sa.Column("data_type", sa.Text),
        sa.Column("min_limit", sa.Float),
        sa.Column("max_limit", sa.Float),
        sa.Column("max_elements", sa.Integer),
        sa.Column("values_list", sa.Text),
        sa.Column("monitorable", sa.Boolean),
        sa.Column("status", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("known_at", UtcTime),
        sa.Column("restart_wanted_at", UtcTime),
        sa.Column("position", sa.BigInteger),
    )
    op.create_table(
        "station_start",
        sa.Column("station_id", sa.Text, primary_key=True),
        sa.Column("started_at", UtcTime),
    )
    op.create_table(
        "monitor",
        sa.Column("station_id", sa.Text, primary_key=True),
        sa.Column("monitor_id", sa.Integer, primary_key=True),
        sa.Column("component", sa.Text),
        sa.Column("component_instance", sa.Text),
        sa.Column("evse_id", sa.Integer),
        sa.Column("connector_id", sa.Integer),
        sa.Column("variable", sa.Text),
        sa.Column("variable_instance", sa.Text),
        sa.Column("kind", sa.Text),
        sa.Column("value", sa.Float),
        sa.Column("severity", sa.Integer),
        sa.Column("during_transaction", sa.Boolean),
        sa.Column("origin", sa.Text),
        sa.Column("seen_at", UtcTime),
        sa.Column("removed_at", UtcTime),
        sa.Column("position", sa.BigInteger),
    )
    op.create_table(
        "monitoring",
        sa.Column("station_id", sa.Text, primary_key=True),
        sa.Column("base", sa.Text),
        sa.Column("severity", sa.Integer),
        sa.Column("reset_at", UtcTime),
    )
    op.create_table(
        "notice",
        sa.Column("station_id", sa.Text, primary_key=True),
        sa.Column("position", sa.BigInteger, primary_key=True),
        sa.Column("item", sa.Integer, primary_key=True),
        sa.Column("event_id", sa.Integer),
        sa.Column("occurred_at", UtcTime),
        sa.Column("trigger", sa.Text),
        sa.Column("component", sa.Text),
        sa.Column("component_instance", sa.Text),
        sa.Column("evse_id", sa.Integer),
        sa.Column("connector_id", sa.Integer),
        sa.Column("variable", sa.Text),
        sa.Column("variable_instance", sa.Text),
        sa.Column("value", sa.Text),
        sa.Column("cleared", sa.Boolean),
        sa.Column("origin", sa.Text),
        sa.Column("monitor_id", sa.Integer),
        sa.Column("severity", sa.Integer),
        sa.Column("caused_by", sa.Integer),
        sa.Column("station_transaction_id", sa.Text),
        sa.Column("tech_code", sa.Text),
        sa.Column("tech_info", sa.Text),
    )
    op.create_table(
        "report",
        sa.Column("station_id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("request_id", sa.Integer, primary_key=True),
        sa.Column("subject", sa.Text),
        sa.Column("status", sa.Text),
        sa.Column("began_at", UtcTime),
        sa.Column("position", sa.BigInteger),
    )
    op.create_index("report_by_station", "report", ["station_id", "began_at", "kind", "request_id"])
    op.create_table(
        "report_part",
        sa.Column("station_id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("request_id", sa.Integer, primary_key=True),
        sa.Column("seq_no", sa.Integer, primary_key=True),
        sa.Column("final", sa.Boolean),
        sa.Column("line_count", sa.Integer),
        sa.Column("received_at", UtcTime),
    )
    op.create_table(
        "display_message",
        sa.Column("station_id", sa.Text, primary_key=True),
        sa.Column("message_id", sa.Integer, primary_key=True),
        sa.Column("priority", sa.Text),
        sa.Column("state", sa.Text),
        sa.Column("content", sa.Text),
        sa.Column("format", sa.Text),
        sa.Column("language", sa.Text),
        sa.Column("translations", sa.JSON),
        sa.Column("starts_at", UtcTime),
        sa.Column("ends_at", UtcTime),
        sa.Column("station_transaction_id", sa.Text),
        sa.Column("display", sa.Text),
        sa.Column("evse_id", sa.Integer),
        sa.Column("seen_at", UtcTime),
        sa.Column("removed_at", UtcTime),
        sa.Column("position", sa.BigInteger),
    )
    op.create_table(
        "display_listing",
        sa.Column("station_id", sa.Text, primary_key=True),
        sa.Column("since", UtcTime),
    )
    op.create_table(
        "event_stream",
        sa.Column("station_id", sa.Text, primary_key=True),
        sa.Column("stream_id", sa.Integer, primary_key=True),
        sa.Column("monitor_id", sa.Integer),
        sa.Column("interval_s", sa.Integer),
        sa.Column("value_count", sa.Integer),
        sa.Column("pending", sa.Integer),
        sa.Column("opened_at", UtcTime),
        sa.Column("heard_at", UtcTime),
        sa.Column("closed_at", UtcTime),
        sa.Column("position", sa.BigInteger),
    )
    op.create_table(
        "stream_sample",
        sa.Column("station_id", sa.Text, primary_key=True),
        sa.Column("stream_id", sa.Integer, primary_key=True),
        sa.Column("position", sa.BigInteger, primary_key=True),
        sa.Column("item", sa.Integer, primary_key=True),
        sa.Column("at", UtcTime),
        sa.Column("value", sa.Text),
    )
