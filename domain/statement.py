"""A statement (relevé): what an invoice or a credit note says, line by line, before anybody puts it on paper."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal, NamedTuple

from domain.bill import Rating
from domain.event import Refusal
from domain.invoice import Content
from domain.payer import Details as Payer
from domain.price import Line, Unit
from domain.seller import Details as Seller

PRICE = Decimal("0.000001")
WIDEST = Decimal(1)
Category = Literal["S", "Z", "E"]


class Entry(NamedTuple):
    """One line of the document: one line of one bill. The price is without VAT and never negative."""

    transaction_id: str
    station_id: str
    subject: str
    begin: datetime
    end: datetime
    quantity: Decimal
    unit: Unit
    net_price: Decimal
    vat_percent: Decimal
    excl_vat: Decimal
    vat: Decimal
    incl_vat: Decimal


class Tax(NamedTuple):
    """The VAT of one rate: the sum of what the bills say, so that the document says the same."""

    vat_percent: Decimal
    excl_vat: Decimal
    vat: Decimal


class Statement(NamedTuple):
    """Everything a document needs. `original`: number and date of the invoice a credit note takes back."""

    content: Content
    number: str
    issued_on: date
    due_on: date
    seller: Seller
    payer: Payer
    zone: str
    entries: tuple[Entry, ...]
    taxes: tuple[Tax, ...]
    original: tuple[str, date] | None = None

    @property
    def begin(self) -> datetime:
        return min(entry.begin for entry in self.entries)

    @property
    def end(self) -> datetime:
        return max(entry.end for entry in self.entries)

    def category(self, vat_percent: Decimal) -> Category:
        """The VAT category of EN 16931: standard, zero rate, or exempt for a reason."""
        return "S" if vat_percent else "E" if self.seller.vat_exemption else "Z"


def entries(transaction_id: str, rating: Rating) -> Iterable[Entry]:
    """The lines of a bill. A bill without lines (waived) is one line of nothing."""
    for line in rating.price.lines:
        yield entry(transaction_id, rating, line)
    if not rating.price.lines:
        none, one = Decimal("0.00"), Decimal(1)
        times = (rating.price.begin, rating.price.end)
        yield Entry(
            transaction_id, rating.source.station_id, "FLAT", *times, one, "once", none, none, none, none, none
        )  # fmt: skip


def entry(transaction_id: str, rating: Rating, line: Line) -> Entry:
    if line.vat_percent is None and line.vat:
        raise Refusal(f"bill {transaction_id} has VAT of several rates in one line: no invoice can say that")
    quantity, price = line.quantity or Decimal(1), line.unit_price
    if rating.price.tax_included or not line.quantity:
        price = (line.excl_vat / quantity).quantize(PRICE, ROUND_HALF_UP)
    if line.excl_vat < 0:
        quantity, price = -abs(quantity), abs(price)
    return Entry(
        transaction_id, rating.source.station_id, line.subject, line.begin, line.end, quantity, line.unit, price,
        line.vat_percent or Decimal(0), line.excl_vat, line.vat, line.incl_vat,
    )  # fmt: skip


def taxes(lines: Iterable[Entry]) -> tuple[Tax, ...]:
    """By rate. Raises Refusal where so many roundings add up that the sum no longer looks like that rate."""
    found: dict[Decimal, Tax] = {}
    for line in lines:
        known = found.get(line.vat_percent, Tax(line.vat_percent, Decimal(0), Decimal(0)))
        found[line.vat_percent] = Tax(
            line.vat_percent, known.excl_vat + line.excl_vat, known.vat + line.vat
        )  # fmt: skip
    for tax in found.values():
        if abs(tax.excl_vat * tax.vat_percent / 100 - tax.vat) >= WIDEST:
            raise Refusal(
                "the VAT of so many bills is rounded too often for one document: split by cost centre or group"
            )
    return tuple(found[rate] for rate in sorted(found, reverse=True))
