"""Rating: the fold that turns what a charge used, stretch after stretch, into a price under one tariff.

It is the only place that prices. Its state is one entry for each price in force so far, so that a stretch costs the
same however long the charge has lasted. Source: OCPI 2.2.1 and 2.3.0, modules tariffs and CDRs.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from fractions import Fraction
from typing import NamedTuple

import msgspec

from domain.price import POLICY, Item, Priced, Subject, Unit, exact, shown, taxes, written
from domain.restriction import MICROSECOND, WH, Bookings, Calendar, Moment, Rule
from domain.tariff import Dimension

HOUR_US = 3_600_000_000
SECOND_US = 1_000_000
UNITS: dict[Dimension, tuple[Unit, int]] = {
    "ENERGY": ("kWh", WH),
    "TIME": ("h", HOUR_US),
    "PARKING_TIME": ("h", HOUR_US),
    "FLAT": ("once", 1),
}
"""What prices are for, and how much of what is counted (Wh, µs) makes one."""
BOOKED: dict[Dimension, Subject] = {"FLAT": "RESERVATION_FLAT", "TIME": "RESERVATION_TIME"}
ZERO = Fraction(0)
ANY_TIME = Moment(datetime.min)
"""Where no element depends on it."""


class Slot:
    """What one price was applied to so far, in Wh, µs or times."""

    __slots__ = ("amount", "begin", "end", "rule")

    def __init__(self, rule: Rule, begin: datetime) -> None:
        self.rule, self.amount, self.begin, self.end = rule, ZERO, begin, begin


class Stretch(NamedTuple):
    """A time in which nothing is known to have changed: what flowed, evenly, and whether the car was charging."""

    begin: datetime
    end: datetime
    energy_wh: Fraction
    charging: bool
    current_a: float | None = None


class Rating:
    """One charge under one tariff, from its start on; `advance` takes what follows, `priced` says what it costs."""

    def __init__(self, calendar: Calendar, begin: datetime) -> None:
        self.calendar = calendar
        self.begin = self.until = begin
        self.wh = ZERO
        self.charging_us = self.parking_us = self.reserved_us = 0
        self.flat = False
        self.slots: dict[tuple[Dimension, int], Slot] = {}
        self.booked: dict[tuple[Dimension, int], Slot] = {}
        self.last_energy: Rule | None = None
        self.last_time: Rule | None = None
        self.last_booked: Rule | None = None
        self.started = False

    def reserve(self, begin: datetime, end: datetime, expired: bool) -> None:
        """The EVSE was held before the charge, or (`expired`) for nobody: what the elements on reservations say."""
        bookings: Bookings = ("RESERVATION_EXPIRES", "RESERVATION") if expired else ("RESERVATION",)
        flat = self.calendar.rule("FLAT", Moment(self.calendar.local(begin)), bookings)
        if flat is not None:
            count(self.booked, flat, Fraction(1), begin, begin)
        stretch = Stretch(begin, end, ZERO, False)
        for part, now in self.parts(stretch, begin, ZERO):
            rule = self.calendar.rule("TIME", now, bookings)
            if rule is not None:
                length = Fraction((part.end - part.begin) // MICROSECOND)
                count(self.booked, rule, length, part.begin, part.end)
                self.last_booked = rule if rule.component.price else self.last_booked
        self.reserved_us += (end - begin) // MICROSECOND

    def start(self, stretch: Stretch | None = None) -> None:
        """The charge began: what is paid once, by the price in force then."""
        self.started = True
        now = self.moment(stretch or Stretch(self.begin, self.begin, ZERO, True), self.begin, ZERO, ZERO)
        rule = self.calendar.rule("FLAT", now)
        if rule is not None:
            count(self.slots, rule, Fraction(1), self.begin, self.begin)

    def advance(self, stretch: Stretch) -> None:
        """What followed. Stretches come one after the other, without gaps."""
        if not self.started:
            self.start(stretch)
        dimension: Dimension = "TIME" if stretch.charging else "PARKING_TIME"
        for part, now in self.parts(stretch, self.begin, self.wh):
            length = (part.end - part.begin) // MICROSECOND
            rule = self.calendar.rule(dimension, now)
            if rule is not None and length:
                count(self.slots, rule, Fraction(length), part.begin, part.end)
                self.last_time = rule if rule.component.price else self.last_time
            rule = self.calendar.rule("ENERGY", now) if part.energy_wh else None
            if rule is not None:
                count(self.slots, rule, part.energy_wh, part.begin, part.end)
                self.last_energy = rule
        spent = (stretch.end - stretch.begin) // MICROSECOND
        self.charging_us += spent if stretch.charging else 0
        self.parking_us += 0 if stretch.charging else spent
        self.wh += stretch.energy_wh
        self.until = stretch.end

    def parts(self, stretch: Stretch, origin: datetime, wh: Fraction) -> Iterator[tuple[Stretch, Moment]]:
        """The stretch, cut where another element may begin to hold; and what restrictions look at amid each part."""
        if self.calendar.plain:
            yield stretch, ANY_TIME
            return
        gone = (stretch.begin - origin) // MICROSECOND
        length = (stretch.end - stretch.begin) // MICROSECOND
        cuts = self.calendar.cuts(stretch.begin, stretch.end, gone, wh, stretch.energy_wh)
        if not cuts:
            middle, half_us = stretch.begin + (stretch.end - stretch.begin) / 2, Fraction(length, 2)
            yield stretch, self.moment(stretch, middle, wh + stretch.energy_wh / 2, gone + half_us)
            return
        for low, high in zip([ZERO, *cuts], [*cuts, Fraction(1)], strict=True):
            begin, end = (stretch.begin + MICROSECOND * round(length * edge) for edge in (low, high))
            amid = (low + high) / 2
            part = stretch._replace(begin=begin, end=end, energy_wh=stretch.energy_wh * (high - low))
            middle = stretch.begin + MICROSECOND * int(length * amid)
            yield part, self.moment(stretch, middle, wh + stretch.energy_wh * amid, gone + length * amid)

    def moment(self, stretch: Stretch, at: datetime, wh: Fraction, duration_us: Fraction) -> Moment:
        """What restrictions look at; power is the mean of the stretch."""
        spent = (stretch.end - stretch.begin) // MICROSECOND
        power_kw = float(stretch.energy_wh / WH / Fraction(spent, HOUR_US)) if spent and stretch.energy_wh > 0 else 0.0
        return Moment(self.calendar.local(at), wh, duration_us, stretch.current_a or 0.0, power_kw)

    def copy(self) -> Rating:
        """A second one that goes its own way."""
        twin = Rating.__new__(Rating)
        twin.__dict__.update(self.__dict__)
        twin.slots = {key: clone(slot) for key, slot in self.slots.items()}
        twin.booked = {key: clone(slot) for key, slot in self.booked.items()}
        return twin

    def priced(self, tariff_id: str, version: int, final: bool) -> Priced:
        """What it costs as it is now, steps and limits included."""
        items, terms = list(self.items()), self.calendar.terms
        if not self.started:
            terms = msgspec.structs.replace(terms, min_price=None, max_price=None)
        begin = min([self.begin, *(slot.begin for slot in self.booked.values())])
        lines, total = written(items, terms, begin, self.until), exact(items, terms)
        excl = sum((line.excl_vat for line in lines), 0 * terms.cent)
        incl = sum((line.incl_vat for line in lines), 0 * terms.cent)
        return Priced(
            currency=terms.currency,
            tariff_id=tariff_id,
            tariff_version=version,
            policy=POLICY,
            tax_included=terms.tax_included == "YES",
            lines=tuple(lines),
            taxes=taxes(lines),
            excl_vat=excl,
            vat=incl - excl,
            incl_vat=incl,
            exact_excl_vat=shown(total.excl_vat),
            exact_incl_vat=shown(total.incl_vat),
            energy_kwh=shown(self.wh / WH),
            charging_h=shown(Fraction(self.charging_us, HOUR_US)),
            parking_h=shown(Fraction(self.parking_us, HOUR_US)),
            reservation_h=shown(Fraction(self.reserved_us, HOUR_US)),
            begin=begin,
            end=self.until,
            final=final,
        )

    def items(self) -> Iterator[Item]:
        """What was used of every price, with the surplus of the step on the last price of energy and that of time."""
        surplus = step(self.booked, self.last_booked, SECOND_US)
        for key, slot in self.booked.items():
            yield item(slot, surplus.get(key, ZERO), booked=True)
        surplus = step(self.slots, self.last_time, SECOND_US) | step(self.slots, self.last_energy, 1)
        for key, slot in self.slots.items():
            yield item(slot, surplus.get(key, ZERO))


def step(
    slots: dict[tuple[Dimension, int], Slot], last: Rule | None, unit: int
) -> dict[tuple[Dimension, int], Fraction]:
    """How much is billed beyond what was used: the total of a dimension, rounded up to the step of its last price."""
    if last is None or not last.component.step_size:
        return {}
    dimension = last.component.type
    total = sum((slot.amount for (kind, _), slot in slots.items() if kind == dimension and counted(slot)), ZERO)
    size = last.component.step_size * unit
    return {(dimension, last.element): -(-total // size) * size - total}


def counted(slot: Slot) -> bool:
    """Free time is not rounded; free energy is part of the total."""
    return slot.rule.component.type == "ENERGY" or slot.rule.component.price > 0


def item(slot: Slot, more: Fraction, booked: bool = False) -> Item:
    dimension = slot.rule.component.type
    unit, size = UNITS[dimension]
    return Item(
        subject=BOOKED[dimension] if booked else dimension,
        quantity=max(slot.amount + more, ZERO) / size,
        measured=slot.amount / size,
        unit=unit,
        unit_price=slot.rule.component.price,
        vat_percent=slot.rule.component.vat_percent,
        element=slot.rule.element,
        begin=slot.begin,
        end=slot.end,
    )


def count(
    slots: dict[tuple[Dimension, int], Slot], rule: Rule, amount: Fraction, begin: datetime, end: datetime
) -> None:
    """So much more at this price."""
    key = rule.component.type, rule.element
    slot = slots.get(key)
    if slot is None:
        slot = slots[key] = Slot(rule, begin)
    slot.amount += amount
    slot.end = end


def clone(slot: Slot) -> Slot:
    twin = Slot(slot.rule, slot.begin)
    twin.amount, twin.end = slot.amount, slot.end
    return twin
