"""A seller (émetteur): whoever issues invoices, and what the law wants to be said of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal

import msgspec

from domain.aggregate import Aggregate
from domain.event import AnyCause, Event, Refusal
from domain.payer import business_faults

PREFIX = re.compile(r"[A-Z0-9-]{1,8}")


class Details(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What invoices say of the seller. What is missing is asked for when something is to be issued, not before."""

    name: str
    legal_form: str | None = None
    capital: str | None = None
    siren: str | None = None
    rcs: str | None = None
    vat_number: str | None = None
    vat_exemption: str | None = None
    address: str | None = None
    postal_code: str | None = None
    city: str | None = None
    country: str = "FR"
    email: str | None = None
    iban: str | None = None
    penalty: str | None = None
    early_payment: str | None = None
    recovery: Decimal = Decimal(40)
    vat_on_debits: bool = False
    invoice_prefix: str = "F"
    credit_prefix: str = "A"


def stream(seller_id: str) -> str:
    return f"seller/{seller_id}"


class Seller(Aggregate):
    """One legal entity."""

    class Registered(Event, tag="seller.registered.v1"):
        """Somebody said who issues invoices, or said it anew; issued documents keep what was said then."""

        details: Details

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.details: Details | None = None

    @property
    def seller_id(self) -> str:
        return self.id.removeprefix("seller/")

    def register(self, details: Details, cause: AnyCause, now: datetime) -> None:
        wrong = [*business_faults(details.siren, details.vat_number, details.country), *prefix_faults(details)]
        if not details.name.strip():
            wrong.append("the seller has a name")
        if not (details.recovery.is_finite() and details.recovery >= 0):
            wrong.append("the indemnity for recovery is 0 or more")
        if wrong:
            raise Refusal("; ".join(wrong))
        if details != self.details:
            self.record(Seller.Registered, cause, now, details=details)

    def apply(self, event: Event) -> None:
        if isinstance(event, Seller.Registered):
            self.details = event.details


def prefix_faults(details: Details) -> Iterator[str]:
    if not (PREFIX.fullmatch(details.invoice_prefix) and PREFIX.fullmatch(details.credit_prefix)):
        yield "prefixes of numbers have 1 to 8 capitals, digits or hyphens"
    elif details.invoice_prefix == details.credit_prefix:
        yield "invoices and credit notes need different prefixes"


WANTED = {
    "legal_form": "legal form", "capital": "capital", "siren": "SIREN", "rcs": "RCS", "address": "address",
    "postal_code": "postal code", "city": "city", "penalty": "late-payment rate",
    "early_payment": "early-payment terms",
}  # fmt: skip


def missing(details: Details) -> list[str]:
    """The mentions an invoice must have and nobody has told yet."""
    found = [words for name, words in WANTED.items() if not getattr(details, name)]
    if not details.vat_number and not details.vat_exemption:
        found.append("VAT number, or why there is no VAT")
    return found


def series(details: Details, credit: bool, day: date) -> str:
    """The series a document of that day belongs to: its numbers follow each other without a gap."""
    return f"{details.credit_prefix if credit else details.invoice_prefix}{day.year}"
