"""A tariff: what a charge costs, and why. The model is that of OCPI (2.2.1 and 2.3.0, module tariffs).

Publishing never edits: every publication is a new version, and a charge keeps the version it began with.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

import msgspec

from domain.aggregate import Aggregate
from domain.event import AnyCause, Event, Refusal

Dimension = Literal["ENERGY", "FLAT", "TIME", "PARKING_TIME"]
Kind = Literal["AD_HOC_PAYMENT", "PROFILE_CHEAP", "PROFILE_FAST", "PROFILE_GREEN", "REGULAR"]
Tax = Literal["NO", "YES", "N/A"]
Weekday = Literal["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]
Booking = Literal["RESERVATION", "RESERVATION_EXPIRES"]

MOST_ELEMENTS = 100
HIGHEST_PRICE = Decimal(1_000_000)
FINEST = -6
"""Prices have at most six decimals."""
CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
MINOR_UNITS = {"BHD": 3, "CLP": 0, "ISK": 0, "JPY": 0, "JOD": 3, "KRW": 0, "KWD": 3, "OMR": 3, "TND": 3, "VND": 0}
BOUNDS = ("kwh", "current_a", "power_kw", "duration_s")


class Value(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A part of a tariff; equal when it says the same."""


class Component(Value):
    """A price: per kWh (ENERGY, step in Wh), per hour (TIME, PARKING_TIME, step in s) or once (FLAT)."""

    type: Dimension
    price: Decimal
    vat_percent: Decimal | None = None
    step_size: int = 1


class Restriction(Value):
    """When an element holds; everything said must be true. `min` is inclusive, `max` exclusive, times are local.

    Energy and duration count from the start of the charge; current is the sum over the phases.
    """

    start_time: str | None = None
    end_time: str | None = None
    start_date: date | None = None
    end_date: date | None = None
    min_kwh: Decimal | None = None
    max_kwh: Decimal | None = None
    min_current_a: Decimal | None = None
    max_current_a: Decimal | None = None
    min_power_kw: Decimal | None = None
    max_power_kw: Decimal | None = None
    min_duration_s: int | None = None
    max_duration_s: int | None = None
    day_of_week: tuple[Weekday, ...] = ()
    reservation: Booking | None = None


class Element(Value):
    """Some prices, and when they hold. Of several elements the first that holds counts, for each kind of price."""

    components: tuple[Component, ...]
    restriction: Restriction | None = None

    @property
    def booking(self) -> Booking | None:
        """An element about reservations prices nothing else."""
        return self.restriction.reservation if self.restriction else None


class Limit(Value):
    """A least or most total; the two sides bound the two totals independently."""

    excl_vat: Decimal | None = None
    incl_vat: Decimal | None = None


class Text(Value):
    """What a driver reads instead of the elements."""

    language: str
    text: str


class Terms(Value):
    """What one version of a tariff says. `tax_included` YES: prices include VAT; N/A: there is none."""

    currency: str
    elements: tuple[Element, ...]
    type: Kind | None = None
    tax_included: Tax = "NO"
    min_price: Limit | None = None
    max_price: Limit | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    texts: tuple[Text, ...] = ()
    url: str | None = None
    energy_mix: dict[str, Any] | None = None

    @property
    def cent(self) -> Decimal:
        """The smallest amount of the currency."""
        return Decimal(1).scaleb(-MINOR_UNITS.get(self.currency, 2))

    def covers(self, at: datetime) -> bool:
        """Is it meant to hold at that moment?"""
        return (self.starts_at is None or self.starts_at <= at) and (self.ends_at is None or at < self.ends_at)


def stream(tariff_id: str) -> str:
    return f"tariff/{tariff_id}"


class Tariff(Aggregate):
    """A tariff with all its versions."""

    class Published(Event, tag="tariff.published.v1"):
        """From now on the tariff says this; charges that run go on with the version they began with."""

        tariff_id: str
        version: int
        terms: Terms

    class Withdrawn(Event, tag="tariff.withdrawn.v1"):
        """The tariff prices no charge that begins from now on."""

        tariff_id: str
        reason: str | None = None

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.terms: Terms | None = None
        self.number = 0
        self.published_at: datetime | None = None
        self.withdrawn_at: datetime | None = None
        self.withdrawn_reason: str | None = None

    @property
    def withdrawn(self) -> bool:
        return self.withdrawn_at is not None

    @property
    def tariff_id(self) -> str:
        return self.id.removeprefix("tariff/")

    def publish(self, terms: Terms, cause: AnyCause, now: datetime) -> None:
        """A new version. Raises Refusal when the tariff could not price, or nothing differs."""
        check_id(self.tariff_id)
        check(terms)
        if terms == self.terms and not self.withdrawn:
            raise Refusal(f"version {self.number} of this tariff says the same already")
        if self.terms is not None and terms.currency != self.terms.currency:
            raise Refusal(f"a tariff keeps its currency ({self.terms.currency}): publish another tariff instead")
        self.record(Tariff.Published, cause, now, tariff_id=self.tariff_id, version=self.number + 1, terms=terms)

    def withdraw(self, reason: str | None, cause: AnyCause, now: datetime) -> None:
        if self.terms is None:
            raise Refusal("there is no such tariff")
        if self.withdrawn:
            raise Refusal("this tariff is withdrawn already")
        self.record(Tariff.Withdrawn, cause, now, tariff_id=self.tariff_id, reason=reason)

    def apply(self, event: Event) -> None:
        match event:
            case Tariff.Published():
                self.terms, self.number, self.published_at = event.terms, event.version, event.recorded_at
                self.withdrawn_at = self.withdrawn_reason = None
            case Tariff.Withdrawn():
                self.withdrawn_at, self.withdrawn_reason = event.recorded_at, event.reason


def check_id(tariff_id: str) -> None:
    """OCPI allows 36 characters; anything printable without a slash may stand in addresses."""
    if (
        not 1 <= len(tariff_id) <= 36
        or not tariff_id.isprintable()
        or "/" in tariff_id
        or tariff_id.strip() != tariff_id
    ):
        raise Refusal("the id of a tariff has 1 to 36 printable characters, and no slash")


def check(terms: Terms) -> None:
    """Raises Refusal with every reason why nothing could be priced so."""
    wrong = list(faults(terms))
    if wrong:
        raise Refusal("; ".join(wrong[:10]))


def faults(terms: Terms) -> Iterator[str]:
    if not re.fullmatch(r"[A-Z]{3}", terms.currency):
        yield f"the currency is three capitals (ISO 4217), not {terms.currency!r}"
    if not 1 <= len(terms.elements) <= MOST_ELEMENTS:
        yield f"a tariff has 1 to {MOST_ELEMENTS} elements"
    if terms.starts_at and terms.ends_at and terms.starts_at >= terms.ends_at:
        yield "it must end after it starts"
    for number, element in enumerate(terms.elements, 1):
        for fault in (*component_faults(element), *restriction_faults(element)):
            yield f"element {number}: {fault}"
    yield from limit_faults(terms)


def component_faults(element: Element) -> Iterator[str]:
    types = [component.type for component in element.components]
    if not types:
        yield "it has no price"
    if len(set(types)) < len(types):
        yield "it prices the same thing twice"
    for component in element.components:
        if not sound(component.price):
            yield f"the price of {component.type} must be 0 or more, with at most six decimals"
        if component.vat_percent is not None and not (sound(component.vat_percent) and component.vat_percent <= 100):
            yield f"the VAT of {component.type} must be a percentage between 0 and 100"
        if component.step_size < 0 or (component.step_size == 0 and component.type != "FLAT"):
            yield f"the step of {component.type} must be 1 or more"
    if element.booking and not set(types) <= {"FLAT", "TIME"}:
        yield "a reservation is priced by FLAT and TIME only"


def restriction_faults(element: Element) -> Iterator[str]:
    said = element.restriction
    if said is None:
        return
    for name, clock in (("start_time", said.start_time), ("end_time", said.end_time)):
        if clock is not None and not CLOCK.fullmatch(clock):
            yield f"{name} must be a time like 17:30, not {clock!r}"
    if said.start_date and said.end_date and said.start_date >= said.end_date:
        yield "end_date must be after start_date: it is the first day on which it no longer holds"
    for name in BOUNDS:
        least, most = getattr(said, f"min_{name}"), getattr(said, f"max_{name}")
        if any(bound is not None and not sound(Decimal(bound)) for bound in (least, most)):
            yield f"min_{name} and max_{name} must be 0 or more"
        elif least is not None and most is not None and least >= most:
            yield f"max_{name} must be more than min_{name}"
    if len(set(said.day_of_week)) < len(said.day_of_week):
        yield "day_of_week names a day twice"


def limit_faults(terms: Terms) -> Iterator[str]:
    for name, limit in (("min_price", terms.min_price), ("max_price", terms.max_price)):
        if limit is None:
            continue
        sides = [side for side in (limit.excl_vat, limit.incl_vat) if side is not None]
        if not sides or not all(map(sound, sides)):
            yield f"{name} must be 0 or more"
        elif len(sides) == 2 and sides[0] > sides[1]:
            yield f"{name} including VAT must not be less than without it"
    least, most = terms.min_price, terms.max_price
    if least and most:
        pairs = ((least.excl_vat, most.excl_vat), (least.incl_vat, most.incl_vat))
        known = [(low, high) for low, high in pairs if low is not None and high is not None]
        if not known:
            yield "min_price and max_price must be told on the same side of VAT"
        elif any(low > high for low, high in known):
            yield "min_price must not be more than max_price"


def sound(number: Decimal) -> bool:
    """Finite, not negative, of a size and precision that somebody can mean."""
    exponent = number.normalize().as_tuple().exponent
    return isinstance(exponent, int) and exponent >= FINEST and 0 <= number <= HIGHEST_PRICE
