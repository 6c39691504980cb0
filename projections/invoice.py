"""Invoices: what is drafted, what was issued under which number, and what was credited?"""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, Column, Connection, Date, Index, Row, Select, Table, Text, select

from domain.invoice import Content, Invoice
from projections.change import Changes
from projections.projection import Projection, owner
from projections.table import METADATA, Money, UtcTime

AMOUNTS = ("excl_vat", "vat", "incl_vat")
TEXTS = ("kind", "seller_id", "payer_id", "month", "currency", "cost_centre", "group", "credits", "reason")
INVOICE = Table(
    "invoice",
    METADATA,
    Column("id", Text, primary_key=True),
    *(Column(name, Text) for name in TEXTS),
    *(Column(name, Money) for name in AMOUNTS),
    Column("items", JSON),
    Column("drafted_at", UtcTime),
    Column("dropped", Boolean),
    Column("dropped_reason", Text),
    Column("number", Text),
    Column("issued_on", Date),
    Column("due_on", Date),
    Column("issued_at", UtcTime),
    Column("pdf_sha256", Text),
    Column("xml_sha256", Text),
    Column("position", BigInteger),
    Index("invoice_by_number", "number"),
    Index("invoice_by_payer", "payer_id", "id"),
)
CREDIT = Table(
    "invoice_credit",
    METADATA,
    Column("invoice_id", Text, primary_key=True),
    Column("credit_note_id", Text, primary_key=True),
    Column("number", Text),
    Column("incl_vat", Money),
)


def drafted(changes: Changes, event: Invoice.Drafted, position: int) -> None:
    content: Content = event.content
    facts = {name: getattr(content, name) for name in (*TEXTS, *AMOUNTS)}
    items = [[item.transaction_id, item.number] for item in content.items]
    changes.put(
        "invoice", (owner(event),), items=items, drafted_at=event.recorded_at, dropped=False, dropped_reason=None,
        position=position, **facts,
    )  # fmt: skip


def dropped(changes: Changes, event: Invoice.Dropped, position: int) -> None:
    changes.put("invoice", (owner(event),), dropped=True, dropped_reason=event.reason, position=position)


def issued(changes: Changes, event: Invoice.Issued, position: int) -> None:
    facts = {"number": event.number, "issued_on": event.issued_on, "due_on": event.due_on}
    sums = {"pdf_sha256": event.pdf.sha256, "xml_sha256": event.xml.sha256}
    changes.put("invoice", (owner(event),), issued_at=event.recorded_at, position=position, **facts, **sums)


def credited(changes: Changes, event: Invoice.Credited, position: int) -> None:
    facts = {"number": event.number, "incl_vat": event.incl_vat}
    changes.put("invoice_credit", (owner(event), event.credit_note_id), **facts)


PROJECTION = Projection(
    name="invoice",
    tables={"invoice": INVOICE, "invoice_credit": CREDIT},
    handlers={
        Invoice.Drafted: drafted,
        Invoice.Dropped: dropped,
        Invoice.Issued: issued,
        Invoice.Credited: credited,
    },
)


def by_id(connection: Connection, invoice_id: str) -> Row[Any] | None:
    return connection.execute(select(INVOICE).where(INVOICE.c.id == invoice_id)).first()


def by_number(connection: Connection, number: str) -> Row[Any] | None:
    """The first of this number; sellers that share a prefix share numbers, too."""
    query = select(INVOICE).where(INVOICE.c.number == number).order_by(INVOICE.c.seller_id)
    return connection.execute(query).first()


def credited_by(connection: Connection, invoice_id: str) -> list[Row[Any]]:
    query = select(CREDIT).where(CREDIT.c.invoice_id == invoice_id)
    return list(connection.execute(query.order_by(CREDIT.c.number)))


def invoices(
    payer_id: str | None = None,
    month: str | None = None,
    kind: str | None = None,
    issued: bool | None = None,
    dropped: bool = False,
) -> Select[Any]:
    """Invoices and credit notes in the order of their ids."""
    query = select(INVOICE)
    for name, value in (("payer_id", payer_id), ("month", month), ("kind", kind)):
        if value is not None:
            query = query.where(INVOICE.c[name] == value)
    if issued is not None:
        query = query.where(INVOICE.c.number.is_not(None) if issued else INVOICE.c.number.is_(None))
    return query if dropped else query.where(INVOICE.c.dropped.is_(False))
