"""A label: a price as a driver reads it before charging.

Regulation (EU) 2023/1804 (AFIR), article 5: per kWh, per minute, per session, in this order; to a consumer with VAT.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from domain.price import shown
from domain.restriction import Calendar, Moment
from domain.tariff import Component, Dimension

Language = Literal["fr", "en"]
ORDER: tuple[Dimension, ...] = ("ENERGY", "TIME", "PARKING_TIME", "FLAT")
WORDS: dict[Language, dict[Dimension, str]] = {
    "fr": {
        "ENERGY": "{} par kWh",
        "TIME": "{} par minute de charge",
        "PARKING_TIME": "{} par minute de stationnement sans charge",
        "FLAT": "{} par session",
    },
    "en": {
        "ENERGY": "{} per kWh",
        "TIME": "{} per minute of charging",
        "PARKING_TIME": "{} per minute plugged in without charging",
        "FLAT": "{} per session",
    },
}
FREE: dict[Language, str] = {"fr": "gratuit", "en": "free of charge"}
SIGNS = {"EUR": "€", "GBP": "£", "USD": "$"}
MINUTES = 60


def label(calendar: Calendar, at: datetime, language: Language = "fr") -> str:
    """The prices in force at a moment for a charge that begins then, with VAT."""
    said = [
        WORDS[language][dimension].format(money(price, calendar.terms.currency, language))
        for dimension, price in prices(calendar, at)
    ]
    return " + ".join(said) or FREE[language]


def prices(calendar: Calendar, at: datetime) -> list[tuple[Dimension, Decimal]]:
    """The same as numbers, in the same order: per kWh, per minute or once, with VAT."""
    now, found = Moment(calendar.local(at)), []
    for dimension in ORDER:
        rule = calendar.rule(dimension, now)
        if rule is not None and rule.component.price:
            found.append((dimension, with_vat(rule.component, calendar.terms.tax_included == "YES")))
    return found


def with_vat(component: Component, included: bool) -> Decimal:
    """Per kWh, per minute or once; to four decimals."""
    price = Fraction(component.price)
    if not included:
        price *= 1 + Fraction(component.vat_percent or 0) / 100
    return shown(price / MINUTES if component.type in ("TIME", "PARKING_TIME") else price, 4)


def money(amount: Decimal, currency: str, language: Language) -> str:
    """`0,45 €` in French, `€0.45` in English; two decimals at least."""
    exponent = amount.as_tuple().exponent
    text = f"{amount:.{max(2, -exponent if isinstance(exponent, int) else 2)}f}"
    sign = SIGNS.get(currency, currency)
    if language == "fr":
        return f"{text.replace('.', ',')} {sign}"
    return f"{sign}{text}" if sign != currency else f"{text} {currency}"
