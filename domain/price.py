"""A price: lines, totals and how they are rounded. One policy for live cost, bill, CDR and report.

The policy `line-half-up-1`, all of it:

1. Quantities, prices and sums are exact (rational numbers) until a line is written.
2. A line is rounded once, half up, to the smallest unit of the currency: on the side the tariff prices in (without VAT,
   or with it when the tariff includes it).
3. VAT is reckoned for each rate, on the sum of the rounded lines of that rate, rounded half up, and shared out to the
   lines in whole cents: down everywhere, then up where most was cut off, until the sum is reached.
4. Totals are sums of lines. The least and the most of the tariff bound the two totals independently; what that adds or
   takes away is a line of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from typing import Literal, get_args

import msgspec

from domain.tariff import Limit, Terms

POLICY = "line-half-up-1"
Subject = Literal[
    "RESERVATION_FLAT", "RESERVATION_TIME", "FLAT", "ENERGY", "TIME", "PARKING_TIME", "MIN_PRICE", "MAX_PRICE"
]
ORDER: tuple[Subject, ...] = get_args(Subject)
Unit = Literal["kWh", "h", "once"]
PRECISION = 6


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One price, what it was applied to, and what that comes to.

    `measured` is what was used, `quantity` what is billed: more by the step of the tariff. `element` counts from 0.
    """

    subject: Subject
    quantity: Decimal
    measured: Decimal
    unit: Unit
    unit_price: Decimal
    vat_percent: Decimal | None
    excl_vat: Decimal
    vat: Decimal
    incl_vat: Decimal
    element: int | None
    begin: datetime
    end: datetime


class TaxLine(msgspec.Struct, frozen=True, kw_only=True):
    """The VAT of one rate. No rate: a least or most total that is not one rate's alone."""

    vat_percent: Decimal | None
    excl_vat: Decimal
    vat: Decimal
    incl_vat: Decimal


class Priced(msgspec.Struct, frozen=True, kw_only=True):
    """What a charge costs under one version of a tariff; `exact_*` are the totals before any rounding."""

    currency: str
    tariff_id: str
    tariff_version: int
    policy: str
    tax_included: bool
    lines: tuple[Line, ...]
    taxes: tuple[TaxLine, ...]
    excl_vat: Decimal
    vat: Decimal
    incl_vat: Decimal
    exact_excl_vat: Decimal
    exact_incl_vat: Decimal
    energy_kwh: Decimal
    charging_h: Decimal
    parking_h: Decimal
    reservation_h: Decimal
    begin: datetime
    end: datetime
    final: bool


class Unpriced(msgspec.Struct, frozen=True, kw_only=True):
    """Why something has no price: QUARANTINED needs a person, NO_TARIFF an assignment, NO_START the start."""

    code: Literal["QUARANTINED", "NO_TARIFF", "NO_START"]
    reason: str


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """A line before it is rounded: quantities in units, exact."""

    subject: Subject
    quantity: Fraction
    measured: Fraction
    unit: Unit
    unit_price: Decimal
    vat_percent: Decimal | None
    element: int
    begin: datetime
    end: datetime

    @property
    def amount(self) -> Fraction:
        return self.quantity * Fraction(self.unit_price)


class Total(msgspec.Struct, frozen=True):
    """A total on both sides."""

    excl_vat: Fraction
    incl_vat: Fraction

    def bounded(self, terms: Terms) -> Total:
        """Between the least and the most of the tariff, each side by itself."""
        rates = [c.vat_percent or Decimal(0) for element in terms.elements for c in element.components]
        usual = self.incl_vat / self.excl_vat if self.excl_vat else 1 + Fraction(max(rates)) / 100
        excl, incl = self.excl_vat, self.incl_vat
        for limit, bound in ((terms.min_price, max), (terms.max_price, min)):
            if limit is not None:
                low, high = sides(limit, usual)
                excl, incl = bound(excl, low), bound(incl, high)
        return Total(excl, incl)


def sides(limit: Limit, usual: Fraction) -> tuple[Fraction, Fraction]:
    """Both sides of a limit; one that is not said follows from the other by the VAT there is otherwise."""
    if limit.excl_vat is None:
        assert limit.incl_vat is not None
        return Fraction(limit.incl_vat) / usual, Fraction(limit.incl_vat)
    excl = Fraction(limit.excl_vat)
    return excl, Fraction(limit.incl_vat) if limit.incl_vat is not None else excl * usual


def exact(items: Sequence[Item], terms: Terms) -> Total:
    """The totals without any rounding."""
    with_vat = terms.tax_included == "YES"
    excl = sum((item.amount / (growth(item) if with_vat else 1) for item in items), Fraction(0))
    incl = sum((item.amount * (1 if with_vat else growth(item)) for item in items), Fraction(0))
    return Total(excl, incl).bounded(terms)


def growth(item: Item | Line) -> Fraction:
    """With VAT over without it."""
    return 1 + Fraction(item.vat_percent or 0) / 100


def written(items: Sequence[Item], terms: Terms, begin: datetime, end: datetime) -> list[Line]:
    """The lines of a document, rounded by the policy."""
    lines: list[Line] = []
    for rate in {item.vat_percent or Decimal(0) for item in items}:
        lines += of_rate([item for item in items if (item.vat_percent or Decimal(0)) == rate], terms)
    lines.sort(key=lambda line: (ORDER.index(line.subject), line.begin, line.element))
    return lines + limited(lines, terms, begin, end)


def of_rate(items: Sequence[Item], terms: Terms) -> list[Line]:
    """Lines of one rate, whose VAT comes to that of their sum."""
    with_vat = terms.tax_included == "YES"
    told = [rounded(item.amount, terms.cent) for item in items]
    other = shared(told, 1 / growth(items[0]) if with_vat else growth(items[0]), terms.cent)
    pairs = zip(other, told, strict=True) if with_vat else zip(told, other, strict=True)
    return [
        Line(
            subject=item.subject,
            quantity=shown(item.quantity),
            measured=shown(item.measured),
            unit=item.unit,
            unit_price=item.unit_price,
            vat_percent=item.vat_percent,
            excl_vat=excl,
            vat=incl - excl,
            incl_vat=incl,
            element=item.element,
            begin=item.begin,
            end=item.end,
        )
        for item, (excl, incl) in zip(items, pairs, strict=True)
    ]


def shared(amounts: Sequence[Decimal], factor: Fraction, cent: Decimal) -> list[Decimal]:
    """Every amount times a factor in whole cents, so that the sum is the sum times the factor, rounded once."""
    cents = [Fraction(amount) * factor / Fraction(cent) for amount in amounts]
    whole = [each.numerator // each.denominator for each in cents]
    missing = int(rounded(sum(cents, Fraction(0)), Decimal(1))) - sum(whole)
    for index in sorted(range(len(cents)), key=lambda i: (whole[i] - cents[i], i))[:missing]:
        whole[index] += 1
    return [each * cent for each in whole]


def limited(lines: Sequence[Line], terms: Terms, begin: datetime, end: datetime) -> list[Line]:
    """The line that brings the totals within the limits of the tariff, if they are not."""
    now = Total(Fraction(sum(line.excl_vat for line in lines)), Fraction(sum(line.incl_vat for line in lines)))
    then = now.bounded(terms)
    excl = rounded(then.excl_vat, terms.cent) - rounded(now.excl_vat, terms.cent)
    incl = rounded(then.incl_vat, terms.cent) - rounded(now.incl_vat, terms.cent)
    if not excl and not incl:
        return []
    rates = {line.vat_percent for line in lines}
    return [
        Line(
            subject="MIN_PRICE" if excl > 0 or incl > 0 else "MAX_PRICE",
            quantity=Decimal(1),
            measured=Decimal(1),
            unit="once",
            unit_price=incl if terms.tax_included == "YES" else excl,
            vat_percent=rates.pop() if len(rates) == 1 else None,
            excl_vat=excl,
            vat=incl - excl,
            incl_vat=incl,
            element=None,
            begin=begin,
            end=end,
        )
    ]


def taxes(lines: Sequence[Line]) -> tuple[TaxLine, ...]:
    """The VAT by rate."""
    found: dict[Decimal | None, list[Line]] = {}
    for line in lines:
        found.setdefault(line.vat_percent, []).append(line)
    return tuple(
        TaxLine(
            vat_percent=rate,
            excl_vat=sum((line.excl_vat for line in group), Decimal(0)),
            vat=sum((line.vat for line in group), Decimal(0)),
            incl_vat=sum((line.incl_vat for line in group), Decimal(0)),
        )
        for rate, group in found.items()
    )


def rounded(amount: Fraction, cent: Decimal) -> Decimal:
    """Half up, away from zero, to the smallest unit; exact whatever the size."""
    scaled = abs(amount) / Fraction(cent)
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return (Decimal(whole) * cent).copy_sign(Decimal(-1 if amount < 0 else 1)) if whole else Decimal(0) * cent


def shown(quantity: Fraction, places: int = PRECISION) -> Decimal:
    """An exact number as decimals somebody can read; it is the exact one that is reckoned with."""
    with localcontext() as context:
        context.prec = 40
        number = Decimal(quantity.numerator) / Decimal(quantity.denominator)
        number = number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP).normalize()
        return number.quantize(Decimal(1)) if number == number.to_integral() else number
