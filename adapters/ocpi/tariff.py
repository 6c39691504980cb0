"""OCPI tariffs, 2.2.1 and 2.3.0: read into ours, written from ours.

The versions differ in three names: amounts are `excl_vat` and `incl_vat` in 2.2.1, `before_taxes` and `after_taxes` in
2.3.0, which also says in `tax_included` whether prices hold the tax. Numbers are read as decimals, never as floats.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from domain.event import Refusal
from domain.tariff import Component, Dimension, Element, Kind, Limit, Restriction, Tax, Terms, Text, check

AMOUNTS: dict[str, tuple[str, str]] = {
    "2.2.1": ("excl_vat", "incl_vat"),
    "2.3.0": ("before_taxes", "after_taxes"),
}
RESTRICTIONS = {
    "start_time": "start_time",
    "end_time": "end_time",
    "start_date": "start_date",
    "end_date": "end_date",
    "min_kwh": "min_kwh",
    "max_kwh": "max_kwh",
    "min_current": "min_current_a",
    "max_current": "max_current_a",
    "min_power": "min_power_kw",
    "max_power": "max_power_kw",
    "min_duration": "min_duration_s",
    "max_duration": "max_duration_s",
    "day_of_week": "day_of_week",
    "reservation": "reservation",
}
"""What OCPI calls it, and what we do, with the unit."""


class Said(msgspec.Struct, kw_only=True):
    """Unknown keys are passed over: a later version may say more."""


class SaidComponent(Said):
    type: Dimension
    price: Decimal
    vat: Decimal | None = None
    step_size: int = 1


class SaidElement(Said):
    price_components: list[SaidComponent]
    restrictions: dict[str, Any] | None = None


class SaidAmount(Said):
    excl_vat: Decimal | None = None
    incl_vat: Decimal | None = None
    before_taxes: Decimal | None = None
    after_taxes: Decimal | None = None


class SaidText(Said):
    language: str
    text: str


class SaidTariff(Said):
    currency: str
    elements: list[SaidElement]
    id: str | None = None
    country_code: str | None = None
    party_id: str | None = None
    type: Kind | None = None
    tariff_alt_text: list[SaidText] = []
    tariff_alt_url: str | None = None
    min_price: SaidAmount | None = None
    max_price: SaidAmount | None = None
    tax_included: Tax = "NO"
    start_date_time: datetime | None = None
    end_date_time: datetime | None = None
    energy_mix: dict[str, Any] | None = None


def read(document: Any) -> tuple[str | None, Terms]:
    """The id and the terms of an OCPI tariff, as bytes of JSON or as what they hold. Raises Refusal."""
    if isinstance(document, bytes):
        document = parsed(document)
    if isinstance(document, dict) and isinstance(document.get("data"), dict):
        document = document["data"]
    try:
        said = msgspec.convert(document, SaidTariff, strict=False)
        terms = meant(said)
    except msgspec.ValidationError as error:
        raise Refusal(f"this is no OCPI tariff: {error}") from None
    check(terms)
    return said.id, terms


def parsed(text: bytes) -> Any:
    """JSON with its numbers as decimals."""
    try:
        return msgspec.json.Decoder(float_hook=Decimal).decode(text)
    except msgspec.DecodeError as error:
        raise Refusal(f"this is no JSON: {error}") from None


def meant(said: SaidTariff) -> Terms:
    return Terms(
        currency=said.currency,
        elements=tuple(map(element, said.elements)),
        type=said.type,
        tax_included=said.tax_included,
        min_price=amount(said.min_price),
        max_price=amount(said.max_price),
        starts_at=utc(said.start_date_time),
        ends_at=utc(said.end_date_time),
        texts=tuple(Text(language=text.language, text=text.text) for text in said.tariff_alt_text),
        url=said.tariff_alt_url,
        energy_mix=said.energy_mix,
    )


def element(said: SaidElement) -> Element:
    components = tuple(
        Component(type=each.type, price=each.price, vat_percent=each.vat, step_size=each.step_size)
        for each in said.price_components
    )
    told = said.restrictions or {}
    unknown = sorted(told.keys() - RESTRICTIONS.keys())
    if unknown:
        raise Refusal(f"there is no restriction {unknown[0]!r}: a price that ignores it would be wrong")
    renamed = {RESTRICTIONS[name]: value for name, value in told.items() if value is not None}
    restriction = msgspec.convert(renamed, Restriction, strict=False)
    return Element(components=components, restriction=restriction if renamed else None)


def amount(said: SaidAmount | None) -> Limit | None:
    if said is None:
        return None
    excl = said.excl_vat if said.before_taxes is None else said.before_taxes
    incl = said.incl_vat if said.after_taxes is None else said.after_taxes
    return Limit(excl_vat=excl, incl_vat=incl)


def utc(at: datetime | None) -> datetime | None:
    """OCPI times are UTC, with or without a Z."""
    return None if at is None else at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def write(
    tariff_id: str,
    terms: Terms,
    published_at: datetime,
    version: str = "2.2.1",
    country_code: str | None = None,
    party_id: str | None = None,
) -> dict[str, Any]:
    """An OCPI tariff. Raises Refusal for what a version cannot say."""
    if version not in AMOUNTS:
        raise Refusal(f"there is no OCPI {version} here: {' or '.join(AMOUNTS)}")
    if version == "2.2.1" and terms.tax_included == "YES":
        raise Refusal("prices are told without VAT in OCPI 2.2.1: this tariff includes it")
    names = AMOUNTS[version]
    said: dict[str, Any] = {
        "country_code": country_code,
        "party_id": party_id,
        "id": tariff_id,
        "currency": terms.currency,
        "type": terms.type,
        "tariff_alt_text": [{"language": text.language, "text": text.text} for text in terms.texts] or None,
        "tariff_alt_url": terms.url,
        "min_price": told(terms.min_price, names),
        "max_price": told(terms.max_price, names),
        "elements": [written(each) for each in terms.elements],
        "tax_included": terms.tax_included if version == "2.3.0" else None,
        "start_date_time": stamp(terms.starts_at),
        "end_date_time": stamp(terms.ends_at),
        "energy_mix": terms.energy_mix,
        "last_updated": stamp(published_at),
    }
    return {name: value for name, value in said.items() if value is not None}


def written(each: Element) -> dict[str, Any]:
    components = [
        given({
            "type": component.type,
            "price": number(component.price),
            "vat": number(component.vat_percent),
            "step_size": component.step_size,
        })
        for component in each.components
    ]  # fmt: skip
    if each.restriction is None:
        return {"price_components": components}
    said = {ours: getattr(each.restriction, ours) for ours in RESTRICTIONS.values()}
    restrictions = {name: number(said[ours]) for name, ours in RESTRICTIONS.items() if said[ours] not in (None, ())}
    return {"price_components": components, "restrictions": restrictions}


def told(limit: Limit | None, names: tuple[str, str]) -> dict[str, Any] | None:
    if limit is None:
        return None
    return given(dict(zip(names, (number(limit.excl_vat), number(limit.incl_vat)), strict=True)))


def given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def number(value: Any) -> Any:
    """JSON has no decimals: six of them survive a float. Other values stay."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, tuple):
        return list(value)
    return value if isinstance(value, str | int | None) else str(value)


def stamp(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")
