"""Prices: what a charge costs, line by line, and why it has no price when it has none."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum

import strawberry

from api.graphql.scalar import DateTime
from domain.price import Line, Priced, TaxLine, Unpriced


@strawberry.enum(description="What a line is for.")
class CostSubject(Enum):
    RESERVATION_FLAT = strawberry.enum_value("RESERVATION_FLAT", description="Once for a reservation.")
    RESERVATION_TIME = strawberry.enum_value("RESERVATION_TIME", description="The time an EVSE was held before.")
    FLAT = strawberry.enum_value("FLAT", description="Once for the charge.")
    ENERGY = strawberry.enum_value("ENERGY", description="Energy, per kWh.")
    TIME = strawberry.enum_value("TIME", description="Time in which the car charged, per hour.")
    PARKING_TIME = strawberry.enum_value("PARKING_TIME", description="Time plugged in without charging, per hour.")
    MIN_PRICE = strawberry.enum_value("MIN_PRICE", description="What is missing to the least total.")
    MAX_PRICE = strawberry.enum_value("MAX_PRICE", description="What is beyond the most total, taken away.")


@strawberry.type(description="One price, what it was applied to, and what that comes to.")
class CostLine:
    subject: CostSubject = strawberry.field(description="What it is for.")
    quantity: Decimal = strawberry.field(description="How much is billed, in `unit`; steps of the tariff included.")
    measured: Decimal = strawberry.field(description="How much was used, in `unit`.")
    unit: str = strawberry.field(description="kWh, h or once.")
    unit_price: Decimal = strawberry.field(description="The price of one unit, with VAT if `taxIncluded`.")
    vat_percent: Decimal | None = strawberry.field(description="The rate of VAT; null: none, or several.")
    excl_vat: Decimal = strawberry.field(description="Without VAT.")
    vat: Decimal = strawberry.field(description="VAT.")
    incl_vat: Decimal = strawberry.field(description="With VAT.")
    element: int | None = strawberry.field(description="The element of the tariff, from 0; null: a limit.")
    begin: DateTime = strawberry.field(description="When this price first held.")
    end: DateTime = strawberry.field(description="Until when.")


@strawberry.type(description="The VAT of one rate.")
class CostTax:
    vat_percent: Decimal | None = strawberry.field(description="The rate; null: none, or several (a limit).")
    excl_vat: Decimal = strawberry.field(description="Without VAT.")
    vat: Decimal = strawberry.field(description="VAT.")
    incl_vat: Decimal = strawberry.field(description="With VAT.")


@strawberry.type(description="What a charge costs under one version of a tariff. Totals are the sums of the lines.")
class Cost:
    currency: str = strawberry.field(description="ISO 4217.")
    excl_vat: Decimal = strawberry.field(description="Total without VAT.")
    vat: Decimal = strawberry.field(description="VAT.")
    incl_vat: Decimal = strawberry.field(description="Total with VAT.")
    exact_excl_vat: Decimal = strawberry.field(description="Total without VAT before rounding, to six decimals.")
    exact_incl_vat: Decimal = strawberry.field(description="Total with VAT before rounding, to six decimals.")
    lines: list[CostLine] = strawberry.field(description="The lines.")
    taxes: list[CostTax] = strawberry.field(description="The lines summed up by their rate of VAT.")
    energy_kwh: Decimal = strawberry.field(description="Energy, kWh.")
    charging_h: Decimal = strawberry.field(description="Time in which the car charged, h.")
    parking_h: Decimal = strawberry.field(description="Time plugged in without charging, h.")
    reservation_h: Decimal = strawberry.field(description="Time an EVSE was held before, h.")
    begin: DateTime = strawberry.field(description="When it began, with the reservation.")
    end: DateTime = strawberry.field(description="Up to when it is reckoned: the last thing the station told.")
    final: bool = strawberry.field(description="The charge is over.")
    tariff_id: strawberry.ID = strawberry.field(description="The tariff.")
    tariff_version: int = strawberry.field(description="The version that held when the charge began.")
    tax_included: bool = strawberry.field(description="The tariff tells its prices with VAT.")
    policy: str = strawberry.field(description="The rules of rounding, by name (docs/tariff.md).")


@strawberry.enum(description="Why there is no price.")
class UnpricedCode(Enum):
    QUARANTINED = strawberry.enum_value("QUARANTINED", description="The figures cannot be true: a person must look.")
    NO_TARIFF = strawberry.enum_value("NO_TARIFF", description="No tariff was assigned when it began.")
    NO_START = strawberry.enum_value("NO_START", description="Nothing says when it began.")


@strawberry.type(name="Unpriced", description="Why a charge has no price.")
class WithoutPrice:
    code: UnpricedCode = strawberry.field(description="For programs.")
    reason: str = strawberry.field(description="For people.")


def cost(found: Priced | Unpriced) -> Cost | None:
    if isinstance(found, Unpriced):
        return None
    own = {name: getattr(found, name) for name in found.__struct_fields__ if name not in ("lines", "taxes")}
    return Cost(lines=[line(each) for each in found.lines], taxes=[tax(each) for each in found.taxes], **own)


def line(said: Line) -> CostLine:
    own = {name: getattr(said, name) for name in said.__struct_fields__ if name != "subject"}
    return CostLine(subject=CostSubject(said.subject), **own)


def tax(said: TaxLine) -> CostTax:
    return CostTax(**{name: getattr(said, name) for name in said.__struct_fields__})


def unpriced(found: Priced | Unpriced) -> WithoutPrice | None:
    if isinstance(found, Unpriced):
        return WithoutPrice(code=UnpricedCode(found.code), reason=found.reason)
    return None
