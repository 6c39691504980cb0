"""Bills, payers and what they are told by, invoices.

Revision ID: 0029
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from projections.table import Money, UtcTime

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    op.create_table(
        "bill",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("station_id", sa.Text),
        sa.Column("month", sa.Text),
        sa.Column("withheld", sa.Boolean),
        sa.Column("code", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("released_reason", sa.Text),
        sa.Column("number", sa.Integer),
        sa.Column("payer_id", sa.Text),
        sa.Column("sponsorship_id", sa.Text),
        sa.Column("cost_centre", sa.Text),
        sa.Column("group", sa.Text),
        sa.Column("driver_id", sa.Text),
        sa.Column("position", sa.BigInteger),
    )
    op.create_index("bill_by_month", "bill", ["month", "id"])
    op.create_table(
        "rating",
        sa.Column("bill_id", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("station_id", sa.Text),
        sa.Column("month", sa.Text),
        sa.Column("payer_id", sa.Text),
        sa.Column("sponsorship_id", sa.Text),
        sa.Column("cost_centre", sa.Text),
        sa.Column("group", sa.Text),
        sa.Column("driver_id", sa.Text),
        sa.Column("tariff_id", sa.Text),
        sa.Column("tariff_version", sa.Integer),
        sa.Column("currency", sa.Text),
        sa.Column("excl_vat", Money),
        sa.Column("vat", Money),
        sa.Column("incl_vat", Money),
        sa.Column("energy_kwh", Money),
        sa.Column("price", sa.JSON),
        sa.Column("begin", UtcTime),
        sa.Column("end", UtcTime),
        sa.Column("rated_at", UtcTime),
        sa.Column("first_position", sa.BigInteger),
        sa.Column("last_position", sa.BigInteger),
        sa.Column("heard", sa.BigInteger),
        sa.Column("credited_at", UtcTime),
        sa.Column("credit_reason", sa.Text),
        sa.Column("invoice_id", sa.Text),
        sa.Column("credit_note_id", sa.Text),
        sa.Column("reimbursed_driver_id", sa.Text),
        sa.Column("allowance_id", sa.Text),
        sa.Column("rate", Money),
        sa.Column("reimbursement", Money),
        sa.Column("reimbursement_basis", sa.Text),
        sa.Column("benefit_driver_id", sa.Text),
        sa.Column("benefit_cost", Money),
        sa.Column("benefit_value", Money),
        sa.Column("benefit_rule_id", sa.Text),
        sa.Column("benefit_basis", sa.Text),
        sa.Column("benefit_starts_on", sa.Date),
        sa.Column("benefit_ends_on", sa.Date),
        sa.Column("position", sa.BigInteger),
    )
    op.create_index("rating_by_month", "rating", ["month", "bill_id", "number"])
    op.create_table(
        "bill_line",
        sa.Column("bill_id", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("line", sa.Integer, primary_key=True),
        sa.Column("station_id", sa.Text),
        sa.Column("subject", sa.Text),
        sa.Column("quantity", Money),
        sa.Column("measured", Money),
        sa.Column("unit", sa.Text),
        sa.Column("unit_price", Money),
        sa.Column("vat_percent", Money),
        sa.Column("excl_vat", Money),
        sa.Column("vat", Money),
        sa.Column("incl_vat", Money),
        sa.Column("begin", UtcTime),
        sa.Column("end", UtcTime),
    )
    op.create_table(
        "payer",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("full_name", sa.Text),
        sa.Column("kind", sa.Text),
        sa.Column("address", sa.Text),
        sa.Column("postal_code", sa.Text),
        sa.Column("city", sa.Text),
        sa.Column("country", sa.Text),
        sa.Column("vat_number", sa.Text),
        sa.Column("siren", sa.Text),
        sa.Column("email", sa.Text),
        sa.Column("time_zone", sa.Text),
        sa.Column("split", sa.Text),
        sa.Column("seller_id", sa.Text),
        sa.Column("payment_days", sa.Integer),
        sa.Column("position", sa.BigInteger),
    )
    op.create_table(
        "seller",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("details", sa.JSON),
        sa.Column("position", sa.BigInteger),
    )
    op.create_table(
        "sponsorship",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("payer_id", sa.Text),
        sa.Column("driver_id", sa.Text),
        sa.Column("group", sa.Text),
        sa.Column("cost_centre", sa.Text),
        sa.Column("employer", sa.Boolean),
        sa.Column("starts_at", UtcTime),
        sa.Column("ends_at", UtcTime),
        sa.Column("position", sa.BigInteger),
    )
    op.create_index("sponsorship_by_payer", "sponsorship", ["payer_id", "id"])
    op.create_table(
        "allowance",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("driver_id", sa.Text),
        sa.Column("station_id", sa.Text),
        sa.Column("rate", Money),
        sa.Column("currency", sa.Text),
        sa.Column("starts_on", sa.Date),
        sa.Column("ends_on", sa.Date),
        sa.Column("legal_basis", sa.Text),
        sa.Column("without_badge", sa.Boolean),
        sa.Column("position", sa.BigInteger),
    )
    op.create_table(
        "benefit_rule",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("percent", Money),
        sa.Column("starts_on", sa.Date),
        sa.Column("ends_on", sa.Date),
        sa.Column("sites", sa.JSON),
        sa.Column("legal_basis", sa.Text),
        sa.Column("repealed", sa.Boolean),
        sa.Column("position", sa.BigInteger),
    )
    op.create_table(
        "invoice",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text),
        sa.Column("seller_id", sa.Text),
        sa.Column("payer_id", sa.Text),
        sa.Column("month", sa.Text),
        sa.Column("currency", sa.Text),
        sa.Column("cost_centre", sa.Text),
        sa.Column("group", sa.Text),
        sa.Column("credits", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("excl_vat", Money),
        sa.Column("vat", Money),
        sa.Column("incl_vat", Money),
        sa.Column("items", sa.JSON),
        sa.Column("drafted_at", UtcTime),
        sa.Column("dropped", sa.Boolean),
        sa.Column("dropped_reason", sa.Text),
        sa.Column("number", sa.Text),
        sa.Column("issued_on", sa.Date),
        sa.Column("due_on", sa.Date),
        sa.Column("issued_at", UtcTime),
        sa.Column("pdf_sha256", sa.Text),
        sa.Column("xml_sha256", sa.Text),
        sa.Column("position", sa.BigInteger),
    )
    op.create_index("invoice_by_number", "invoice", ["number"])
    op.create_index("invoice_by_payer", "invoice", ["payer_id", "id"])
    op.create_table(
        "invoice_credit",
        sa.Column("invoice_id", sa.Text, primary_key=True),
        sa.Column("credit_note_id", sa.Text, primary_key=True),
        sa.Column("number", sa.Text),
        sa.Column("incl_vat", Money),
    )
