"""An invoice (facture) or a credit note (avoir): drafted without a number, issued with one, then never touched."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID, uuid5

import msgspec

from domain.aggregate import Aggregate
from domain.event import AnyCause, Event, Refusal

NAMESPACE = UUID("3b0c2f0a-5a36-5b5e-8f0d-666163747572")
Kind = Literal["INVOICE", "CREDIT_NOTE"]


class Item(msgspec.Struct, frozen=True, order=True):
    """One rating of one bill."""

    transaction_id: str
    number: int


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes that were stored, by their key and their SHA-256."""

    key: str
    sha256: str
    size_bytes: int


class Content(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is to be issued. `credits`: the invoice a credit note takes back, all of it or some bills."""

    kind: Kind
    seller_id: str
    payer_id: str
    month: str
    currency: str
    items: tuple[Item, ...]
    excl_vat: Decimal
    vat: Decimal
    incl_vat: Decimal
    cost_centre: str | None = None
    group: str | None = None
    credits: str | None = None
    again: bool = False
    reason: str | None = None

    @property
    def slot(self) -> tuple[str | None, ...]:
        """Of all drafts for the same thing there is one."""
        return (
            self.kind, self.seller_id, self.payer_id, self.month, self.currency, self.cost_centre, self.group,
            self.credits,
        )  # fmt: skip


def stream(invoice_id: str) -> str:
    return f"invoice/{invoice_id}"


def identify(content: Content, attempt: int = 0) -> str:
    """The same bills are the same document, whoever drafts it; `attempt`: once more, after it was credited."""
    return str(uuid5(NAMESPACE, f"{attempt}{msgspec.json.encode(content).decode()}"))


class Invoice(Aggregate):
    """Its bytes are stored when it is issued, and never made again."""

    class Drafted(Event, tag="invoice.drafted.v1"):
        """What a payer owes for a month was put together; it has no number yet and binds nobody."""

        content: Content

    class Dropped(Event, tag="invoice.dropped.v1"):
        """The draft will not be issued."""

        reason: str

    class Issued(Event, tag="invoice.issued.v1"):
        """It has a number and went out: PDF with Factur-X, and the XML by itself."""

        number: str
        issued_on: date
        due_on: date
        pdf: Document
        xml: Document

    class Credited(Event, tag="invoice.credited.v1"):
        """A credit note took back some of it, or all."""

        credit_note_id: str
        number: str
        incl_vat: Decimal

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.content: Content | None = None
        self.issued: Invoice.Issued | None = None
        self.dropped = False

    @property
    def invoice_id(self) -> str:
        return self.id.removeprefix("invoice/")

    @property
    def draft(self) -> bool:
        return self.content is not None and self.issued is None and not self.dropped

    def draw(self, content: Content, cause: AnyCause, now: datetime) -> None:
        """Put it together; the same again is no news."""
        if not content.items:
            raise Refusal("there is nothing on it")
        if self.content is None or self.dropped:
            self.record(Invoice.Drafted, cause, now, content=content)

    def drop(self, reason: str, cause: AnyCause, now: datetime) -> None:
        self.drafted()
        self.record(Invoice.Dropped, cause, now, reason=reason)

    def issue(
        self, number: str, issued_on: date, due_on: date, pdf: Document, xml: Document, cause: AnyCause, now: datetime
    ) -> None:
        self.drafted()
        facts = {"number": number, "issued_on": issued_on, "due_on": due_on, "pdf": pdf, "xml": xml}
        self.record(Invoice.Issued, cause, now, **facts)

    def credit(self, note: str, number: str, incl_vat: Decimal, cause: AnyCause, now: datetime) -> None:
        facts = {"credit_note_id": note, "number": number, "incl_vat": incl_vat}
        self.record(Invoice.Credited, cause, now, **facts)

    def drafted(self) -> Content:
        """Raises Refusal unless it can still be issued."""
        if self.content is None:
            raise Refusal(f"there is no invoice {self.invoice_id}")
        if self.issued is not None:
            raise Refusal(f"it is issued already, as {self.issued.number}")
        if self.dropped:
            raise Refusal("this draft was dropped: draft again")
        return self.content

    def apply(self, event: Event) -> None:
        match event:
            case Invoice.Drafted():
                self.content, self.dropped = event.content, False
            case Invoice.Dropped():
                self.dropped = True
            case Invoice.Issued():
                self.issued = event
