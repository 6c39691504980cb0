"""Invoices: monthly statements and credit notes, from the draft to the document that was issued."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any

import strawberry

from api.graphql.command import said
from api.graphql.context import asker
from api.graphql.page import Connection, listed
from api.graphql.scalar import DateTime, Position
from projections import invoice as view


@strawberry.enum(description="What a document is.")
class InvoiceKind(Enum):
    INVOICE = strawberry.enum_value("INVOICE", description="A statement of a month (facture, 380).")
    CREDIT_NOTE = strawberry.enum_value(
        "CREDIT_NOTE", description="It takes an invoice back, or some of it (avoir, 381)."
    )


@strawberry.type(description="A bill on an invoice.")
class InvoiceItem:
    transaction_id: strawberry.ID = strawberry.field(description="The charge.")
    number: int = strawberry.field(description="Which rating of its bill.")


@strawberry.type(description="What a credit note took back.")
class InvoiceCredit:
    credit_note_id: strawberry.ID = strawberry.field(description="The credit note.")
    number: str = strawberry.field(description="Its number.")
    incl_vat: Decimal = strawberry.field(description="So much, with VAT.")


@strawberry.type(description="A statement or a credit note. Without a number it is a draft and binds nobody.")
class Invoice:
    id: strawberry.ID = strawberry.field(description="Its id.")
    kind: InvoiceKind = strawberry.field(description="Invoice or credit note.")
    seller_id: strawberry.ID = strawberry.field(description="Who issues it.")
    payer_id: strawberry.ID = strawberry.field(description="Who pays.")
    month: str = strawberry.field(description="The month of the charges.")
    currency: str = strawberry.field(description="ISO 4217.")
    cost_centre: str | None = strawberry.field(description="Only this cost centre.")
    group: str | None = strawberry.field(description="Only this badge group.")
    excl_vat: Decimal = strawberry.field(description="Without VAT: the sum of the bills.")
    vat: Decimal = strawberry.field(description="VAT: the sum of the bills.")
    incl_vat: Decimal = strawberry.field(description="With VAT: the sum of the bills. That of a credit note goes back.")
    items: list[InvoiceItem] = strawberry.field(description="The bills on it.")
    number: str | None = strawberry.field(description="Its number; null: a draft.")
    issued_on: date | None = strawberry.field(description="The date it bears.")
    due_on: date | None = strawberry.field(description="When it is to be paid.")
    issued_at: DateTime | None = strawberry.field(description="When it was issued.")
    dropped: bool = strawberry.field(description="A draft that was thrown away.")
    dropped_reason: str | None = strawberry.field(description="Why.")
    credits_id: strawberry.ID | None = strawberry.field(description="The invoice that a credit note takes back.")
    reason: str | None = strawberry.field(description="Why it takes it back.")
    pdf_sha256: str | None = strawberry.field(description="SHA-256 of the PDF that was issued.")
    xml_sha256: str | None = strawberry.field(description="SHA-256 of its XML.")
    pdf_path: str | None = strawberry.field(description="Where the PDF is.")
    position: Position | None = strawberry.field(description="The latest event that changed it; null: just now.")

    @strawberry.field(description="What credit notes took back of it.")
    async def credits(self, info: strawberry.Info) -> list[InvoiceCredit]:
        rows = await asker(info).reads.run(lambda c: view.credited_by(c, self.id))
        names = ("credit_note_id", "number", "incl_vat")
        return [InvoiceCredit(**{name: getattr(row, name) for name in names}) for row in rows]


ALIKE = (
    "id", "seller_id", "payer_id", "month", "currency", "cost_centre", "group", "excl_vat", "vat", "incl_vat", "number",
    "issued_on", "due_on", "issued_at", "dropped_reason", "reason", "pdf_sha256", "xml_sha256", "position",
)  # fmt: skip


def invoice(row: Any) -> Invoice:
    return Invoice(
        kind=InvoiceKind(row.kind),
        items=[
            InvoiceItem(transaction_id=strawberry.ID(name), number=number) for name, number in row._mapping["items"]
        ],
        dropped=bool(row.dropped),
        credits_id=row.credits,
        pdf_path=f"/api/invoices/{row.number}.pdf" if row.number else None,
        **{name: getattr(row, name) for name in ALIKE},
    )


def told(made: Any) -> Invoice:
    """As it has just been decided on."""
    content, issued = made.content, made.issued
    names = ("seller_id", "payer_id", "month", "currency", "cost_centre", "group", "excl_vat", "vat", "incl_vat",
             "reason")  # fmt: skip
    return Invoice(
        id=made.invoice_id,
        kind=InvoiceKind(content.kind),
        items=[InvoiceItem(transaction_id=strawberry.ID(i.transaction_id), number=i.number) for i in content.items],
        number=issued.number if issued else None,
        issued_on=issued.issued_on if issued else None,
        due_on=issued.due_on if issued else None,
        issued_at=issued.recorded_at if issued else None,
        dropped=made.dropped,
        dropped_reason=None,
        credits_id=content.credits,
        pdf_sha256=issued.pdf.sha256 if issued else None,
        xml_sha256=issued.xml.sha256 if issued else None,
        pdf_path=f"/api/invoices/{issued.number}.pdf" if issued else None,
        position=None,
        **{name: getattr(content, name) for name in names},
    )


@strawberry.type
class InvoiceQuery:
    @strawberry.field(description="One invoice or credit note, draft or issued.")
    async def invoice(self, info: strawberry.Info, id: strawberry.ID) -> Invoice | None:
        row = await asker(info).reads.run(lambda c: view.by_id(c, id))
        return invoice(row) if row is not None else None

    @strawberry.field(description="Invoices and credit notes in the order of their ids.")
    async def invoices(
        self,
        info: strawberry.Info,
        first: int | None = 50,
        after: str | None = None,
        payer_id: strawberry.ID | None = None,
        month: str | None = None,
        kind: InvoiceKind | None = None,
        issued: bool | None = None,
        dropped: bool = False,
    ) -> Connection[Invoice]:
        wanted: Any = kind.value if kind else None
        query = view.invoices(payer_id, month, wanted, issued, dropped)
        return await listed(info, "invoice", query, view.INVOICE, invoice, first, after)


@strawberry.input(description="Draft what payers owe for a month that is over.")
class DraftInvoicesInput:
    month: str = said("The month, such as 2026-11.")
    payer_id: strawberry.ID | None = said("Only for this payer.", default=None)


@strawberry.input(description="Issue a draft.")
class IssueInvoiceInput:
    id: strawberry.ID = said("The draft.")


@strawberry.input(description="Throw a draft away.")
class DropInvoiceInput:
    id: strawberry.ID = said("The draft.")
    reason: str = said("Why.")


@strawberry.input(description="Take back what is left of an invoice.")
class CreditInvoiceInput:
    id: strawberry.ID = said("The invoice.")
    reason: str = said("Why; it is printed on the credit note.")
    again: bool = said("Its bills go on another invoice.", default=True)


@strawberry.type
class InvoiceMutation:
    @strawberry.mutation(
        description="Draft invoices, and credit notes for bills that were corrected after they were issued."
    )
    async def draft_invoices(self, info: strawberry.Info, input: DraftInvoicesInput) -> list[Invoice]:
        who = asker(info)
        return [told(made) for made in await who.parts.invoices.draft(input.month, who.name, input.payer_id)]

    @strawberry.mutation(description="Give a draft its number and write the document: it is never changed again.")
    async def issue_invoice(self, info: strawberry.Info, input: IssueInvoiceInput) -> Invoice:
        who = asker(info)
        return told(await who.parts.invoices.issue(input.id, who.name))

    @strawberry.mutation(description="Throw a draft away; its bills can be drafted again.")
    async def drop_invoice(self, info: strawberry.Info, input: DropInvoiceInput) -> Invoice:
        who = asker(info)
        return told(await who.parts.invoices.drop(input.id, input.reason, who.name))

    @strawberry.mutation(description="Issue a credit note over what is left of an invoice.")
    async def credit_invoice(self, info: strawberry.Info, input: CreditInvoiceInput) -> Invoice:
        who = asker(info)
        return told(await who.parts.invoices.credit(input.id, input.reason, input.again, who.name))
