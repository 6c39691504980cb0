"""What a driver reads: per kWh, per minute, per session, with VAT."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec
import pytest

from domain.label import Language, label
from domain.restriction import Calendar
from domain.tariff import Component, Element, Restriction, Terms

NOON = datetime(2026, 3, 4, 11, 0, tzinfo=UTC)
PARIS = ZoneInfo("Europe/Paris")
ALL = Element(
    components=(
        Component(type="FLAT", price=Decimal(1), vat_percent=Decimal(20)),
        Component(type="PARKING_TIME", price=Decimal(3)),
        Component(type="ENERGY", price=Decimal("0.25"), vat_percent=Decimal(20)),
        Component(type="TIME", price=Decimal("2.1")),
    )
)
TERMS = Terms(currency="EUR", elements=(ALL,))


@pytest.mark.parametrize(
    ("language", "text"),
    [
        (
            "fr",
            "0,30 € par kWh + 0,035 € par minute de charge + 0,05 € par minute de stationnement sans charge"
            " + 1,20 € par session",
        ),
        (
            "en",
            "€0.30 per kWh + €0.035 per minute of charging + €0.05 per minute plugged in without charging"
            " + €1.20 per session",
        ),
    ],
)
def test_prices_are_told_in_the_order_of_the_law(language: Language, text: str) -> None:
    assert label(Calendar(TERMS, PARIS), NOON, language) == text


def test_only_what_holds_now_is_told() -> None:
    night = Element(components=ALL.components[2:3], restriction=Restriction(start_time="22:00", end_time="06:00"))
    calendar = Calendar(Terms(currency="CHF", elements=(night,)), PARIS)
    assert label(calendar, NOON) == "gratuit"
    assert label(calendar, NOON.replace(hour=23), "en") == "0.30 CHF per kWh"
    assert label(calendar, NOON.replace(hour=23)) == "0,30 CHF par kWh"


def test_vat_that_is_included_is_not_added_again() -> None:
    included = msgspec.structs.replace(TERMS, tax_included="YES")
    assert label(Calendar(included, PARIS), NOON).startswith("0,25 € par kWh")
