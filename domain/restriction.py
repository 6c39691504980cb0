"""When the elements of a tariff hold, and where a stretch of time has to be cut because another one does.

Source: OCPI 2.2.1 and 2.3.0, class TariffRestrictions. Bounds: `min` inclusive, `max` exclusive, a start inclusive, an
end exclusive; an end before its start wraps over midnight, an end of 00:00 is the end of the day.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from fractions import Fraction
from typing import NamedTuple, get_args

from domain.tariff import Booking, Component, Dimension, Restriction, Terms, Weekday

WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)
MINUTE = timedelta(minutes=1)
MICROSECOND = timedelta(microseconds=1)
WH = 1000
Bookings = tuple[Booking | None, ...]


class Moment(NamedTuple):
    """What restrictions look at: the local clock, and what the charge has come to."""

    local: datetime
    wh: Fraction = Fraction(0)
    duration_us: Fraction = Fraction(0)
    current_a: float = 0.0
    power_kw: float = 0.0


class Rule(NamedTuple):
    """A component with its place in the tariff."""

    element: int
    component: Component
    restriction: Restriction | None


def holds(said: Restriction | None, now: Moment) -> bool:
    """All restrictions of an element, without the one on reservations."""
    if said is None:
        return True
    return (
        in_day(said, now.local.time())
        and (said.start_date is None or now.local.date() >= said.start_date)
        and (said.end_date is None or now.local.date() < said.end_date)
        and (not said.day_of_week or WEEKDAYS[now.local.weekday()] in said.day_of_week)
        and within(said.min_kwh, said.max_kwh, now.wh / WH)
        and within(said.min_duration_s, said.max_duration_s, now.duration_us / 1_000_000)
        and within(said.min_current_a, said.max_current_a, now.current_a)
        and within(said.min_power_kw, said.max_power_kw, now.power_kw)
    )


def in_day(said: Restriction, now: time) -> bool:
    start = time.fromisoformat(said.start_time or "00:00")
    end = time.fromisoformat(said.end_time or "00:00")
    if end == time():
        return now >= start
    return start <= now < end if start < end else now >= start or now < end


def within(least: object, most: object, value: object) -> bool:
    return (least is None or value >= least) and (most is None or value < most)  # type: ignore[operator]


class Calendar:
    """A tariff in the time zone of a site: which prices hold when."""

    def __init__(self, terms: Terms, zone: tzinfo) -> None:
        self.terms = terms
        self.zone = zone
        said = [element.restriction for element in terms.elements if element.restriction is not None]
        self.clocks = sorted({time.fromisoformat(text) for text in clocks(said)})
        self.durations_us = sorted({1_000_000 * bound for bound in bounds(said, "duration_s")})
        self.whs = sorted({WH * Fraction(bound) for bound in bounds(said, "kwh")})
        self.free = not (self.clocks or self.durations_us or self.whs)
        self.plain = all(each == Restriction(reservation=each.reservation) for each in said)
        self.dimensions: dict[tuple[Dimension, Booking | None], list[Rule]] = {}
        for number, element in enumerate(terms.elements):
            for component in element.components:
                rules = self.dimensions.setdefault((component.type, element.booking), [])
                rules.append(Rule(number, component, element.restriction))

    def rule(self, dimension: Dimension, now: Moment, bookings: Bookings = (None,)) -> Rule | None:
        """The price in force: that of the first element that has one and holds; bookings are asked one by one."""
        for booking in bookings:
            for rule in self.dimensions.get((dimension, booking), ()):
                if holds(rule.restriction, now):
                    return rule
        return None

    def local(self, at: datetime) -> datetime:
        return at.astimezone(self.zone)

    def cuts(
        self, begin: datetime, end: datetime, duration_us: int, wh: Fraction, energy_wh: Fraction
    ) -> list[Fraction]:
        """Where in a stretch another element may begin to hold, as parts of it between 0 and 1.

        `duration_us` and `wh` are those of the charge at its beginning; its `energy_wh` flow evenly.
        """
        length = (end - begin) // MICROSECOND
        if self.free or length == 0:
            return []
        found = {Fraction((at - begin) // MICROSECOND, length) for at in self.instants(begin, end)}
        found |= {Fraction(bound - duration_us, length) for bound in self.durations_us}
        if energy_wh > 0:
            found |= {(bound - wh) / energy_wh for bound in self.whs}
        return sorted(part for part in found if 0 < part < 1)

    def instants(self, begin: datetime, end: datetime) -> Iterator[datetime]:
        """When clocks on site show a time the tariff names, or are put forward or back."""
        if not self.clocks:
            return
        first, last = self.local(begin), self.local(end)
        for day in days(first.date(), last.date()):
            for clock in self.clocks:
                for fold in (0, 1):
                    yield datetime.combine(day, clock.replace(fold=fold), self.zone).astimezone(UTC)
        if first.utcoffset() != last.utcoffset():
            yield shift(begin, end, self.zone)


def clocks(said: Iterable[Restriction]) -> Iterator[str]:
    """The local times at which something may change; midnight, when days matter."""
    for restriction in said:
        if restriction.start_time or restriction.end_time:
            yield restriction.start_time or "00:00"
            yield restriction.end_time or "00:00"
        if restriction.start_time or restriction.start_date or restriction.end_date or restriction.day_of_week:
            yield "00:00"


def bounds(said: Iterable[Restriction], name: str) -> Iterator[int]:
    for restriction in said:
        for side in ("min", "max"):
            bound = getattr(restriction, f"{side}_{name}")
            if bound is not None:
                yield bound


def days(first: date, last: date) -> Iterator[date]:
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)


def shift(begin: datetime, end: datetime, zone: tzinfo) -> datetime:
    """The instant between two others at which the clocks are changed, to the minute."""
    before = begin.astimezone(zone).utcoffset()
    low, high = int(begin.timestamp()) // 60, int(end.timestamp()) // 60 + 1
    while high - low > 1:
        middle = (low + high) // 2
        changed = datetime.fromtimestamp(middle * 60, zone).utcoffset() != before
        low, high = (low, middle) if changed else (middle, high)
    return datetime.fromtimestamp(high * 60, UTC)
