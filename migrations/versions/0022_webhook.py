"""Webhooks, what could not be delivered, how delivery goes, and their sealed secrets.

Revision ID: 0022
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from projections.table import UtcTime

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.create_table(
        "webhook",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("url", sa.Text),
        sa.Column("topics", sa.JSON),
        sa.Column("station_id", sa.Text),
        sa.Column("description", sa.Text),
        sa.Column("state", sa.Text),
        sa.Column("state_reason", sa.Text),
        sa.Column("begin", sa.BigInteger),
        sa.Column("registered_at", UtcTime),
        sa.Column("registered_by", sa.Text),
        sa.Column("registered_position", sa.BigInteger),
        sa.Column("secret_rotated_at", UtcTime),
        sa.Column("old_secret_until", UtcTime),
        sa.Column("resumed_position", sa.BigInteger),
        sa.Column("replay_begin", sa.BigInteger),
        sa.Column("replay_position", sa.BigInteger),
        sa.Column("tested_at", UtcTime),
        sa.Column("removed_at", UtcTime),
        sa.Column("position", sa.BigInteger),
    )
    op.create_table(
        "webhook_dead_letter",
        sa.Column("webhook_id", sa.Text, primary_key=True),
        sa.Column("position", sa.BigInteger, primary_key=True),
        sa.Column("stream", sa.Text),
        sa.Column("topic", sa.Text),
        sa.Column("attempts", sa.Integer),
        sa.Column("first_tried_at", UtcTime),
        sa.Column("dead_at", UtcTime),
        sa.Column("reason", sa.Text),
        sa.Column("status", sa.Integer),
        sa.Column("answer", sa.Text),
        sa.Column("asked_at", UtcTime),
        sa.Column("asked_position", sa.BigInteger),
        sa.Column("delivered_at", UtcTime),
    )
    op.create_index("webhook_dead_letter_open", "webhook_dead_letter", ["delivered_at", "position"])
    op.create_table(
        "webhook_cursor",
        sa.Column("webhook_id", sa.Text, primary_key=True),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("handled", sa.BigInteger, nullable=False),
        sa.Column("round", sa.BigInteger, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("unwell", sa.Integer, nullable=False),
        sa.Column("failing_since", UtcTime),
        sa.Column("rests_until", UtcTime),
        sa.Column("reason", sa.Text),
        sa.Column("delivered", sa.BigInteger, nullable=False),
        sa.Column("refused", sa.BigInteger, nullable=False),
        sa.Column("delivered_at", UtcTime),
    )
    op.create_table(
        "webhook_waiting",
        sa.Column("webhook_id", sa.Text, primary_key=True),
        sa.Column("position", sa.BigInteger, primary_key=True),
        sa.Column("lane", sa.Text, nullable=False),
        sa.Column("stream", sa.Text, nullable=False),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("first_tried_at", UtcTime),
        sa.Column("due_at", UtcTime),
        sa.Column("reason", sa.Text),
        sa.Column("status", sa.Integer),
        sa.Column("answer", sa.Text),
    )
    op.create_table(
        "webhook_attempt",
        sa.Column("webhook_id", sa.Text, primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("at", UtcTime, nullable=False),
        sa.Column("duration_ms", sa.Integer, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("reason", sa.Text),
    )
    op.create_table(
        "webhook_secret",
        sa.Column("webhook_id", sa.Text, primary_key=True),
        sa.Column("made_at", UtcTime, primary_key=True),
        sa.Column("sealed", sa.Text, nullable=False),
        sa.Column("valid_until", UtcTime),
    )
