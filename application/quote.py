"""A quote: what a charge would cost that has not happened."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from application.price import Offer
from domain.event import Refusal
from domain.price import Priced
from domain.rating import Rating, Stretch

LONGEST_MIN = 60 * 24 * 31
MOST_WH = Decimal(10_000_000)


class Wish(NamedTuple):
    """A charge as somebody imagines it: energy flows evenly while it charges, then the car stays."""

    energy_wh: Decimal
    charging_min: int
    parking_min: int = 0
    reserved_min: int = 0


def quote(offer: Offer, at: datetime, wish: Wish) -> Priced:
    """The expected price of a charge that begins then. Raises Refusal for what nobody can mean."""
    check(wish)
    rating = Rating(offer.calendar, at)
    if wish.reserved_min:
        rating.reserve(at - timedelta(minutes=wish.reserved_min), at, expired=False)
    full, left = at + timedelta(minutes=wish.charging_min), wish.charging_min + wish.parking_min
    rating.advance(Stretch(at, full, Fraction(wish.energy_wh), True))
    if wish.parking_min:
        rating.advance(Stretch(full, at + timedelta(minutes=left), Fraction(0), False))
    return rating.priced(offer.tariff_id, offer.version, final=False)


def check(wish: Wish) -> None:
    if not (wish.energy_wh.is_finite() and 0 <= wish.energy_wh <= MOST_WH):
        raise Refusal("the energy must be between 0 and 10 MWh")
    if not all(0 <= minutes <= LONGEST_MIN for minutes in wish[1:]):
        raise Refusal("minutes must be 0 or more, and not beyond a month")
