"""A site: a place with stations, its address, its operator and its time zone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cache, partial
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from domain import declaration
from domain.aggregate import Aggregate
from domain.declaration import Rule
from domain.event import AnyCause, Event, Refusal
from domain.territory import situated

Setting = Literal["STREET", "PUBLIC_CAR_PARK", "OPEN_PRIVATE_CAR_PARK", "CUSTOMER_CAR_PARK", "RAPID_STATION"]
Entry = Literal["FREE", "RESTRICTED"]
Connection = Literal["DIRECT", "INDIRECT"]
FAR_COMMUNES = ("975", "977", "978", "98")
"""Communes overseas that the shapes of the administration do not cover."""


class Details(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of a site. `time_zone` is an IANA name (`Europe/Paris`); without one that of the settings holds."""

    name: str | None = None
    address: str | None = None
    postal_code: str | None = None
    city: str | None = None
    country: str | None = None
    time_zone: str | None = None
    operator: str | None = None


class Premises(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the public is told of a site with charge points (the part of IRVE that its points share).

    Name, address and operator are those of `Details`. `owner` is the amenageur, `delivery_point` the PDL, `local_id`
    the id that is used where there is no roaming.
    """

    owner: str | None = None
    owner_siren: str | None = None
    owner_contact: str | None = None
    operator_contact: str | None = None
    operator_phone: str | None = None
    brand: str | None = None
    pool_id: str | None = None
    local_id: str | None = None
    setting: Setting | None = None
    insee: str | None = None
    longitude: Decimal | None = None
    latitude: Decimal | None = None
    entry: Entry | None = None
    hours: str | None = None
    two_wheelers: bool | None = None
    connection: Connection | None = None
    delivery_point: str | None = None
    opened_on: date | None = None


RULES: Mapping[str, Rule] = {
    "owner": declaration.text,
    "owner_siren": declaration.siren,
    "owner_contact": declaration.email,
    "operator_contact": declaration.email,
    "operator_phone": declaration.phone,
    "brand": declaration.text,
    "pool_id": declaration.pool_id,
    "local_id": declaration.text,
    "insee": declaration.insee,
    "longitude": declaration.longitude,
    "latitude": declaration.latitude,
    "hours": declaration.hours,
    "delivery_point": declaration.delivery_point,
}
"""Field → what may stand there."""


def stream(site_id: str) -> str:
    return f"site/{site_id}"


class Site(Aggregate):
    """Stations name the site they stand on; the site says what they share."""

    class Registered(Event, tag="site.registered.v1"):
        """Somebody made the site known, or said anew what it is."""

        site_id: str
        details: Details

    class Declared(Event, tag="site.declared.v1"):
        """Somebody said what the public is told of the site: owner, access, hours, place, grid connection (IRVE)."""

        site_id: str
        premises: Premises

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.details: Details | None = None
        self.premises: Premises | None = None

    @property
    def site_id(self) -> str:
        return self.id.removeprefix("site/")

    def register(self, details: Details, cause: AnyCause, now: datetime) -> None:
        """Registering again replaces what was said. Raises Refusal for a zone nobody knows."""
        self.check_id()
        if details.time_zone is not None:
            zone(details.time_zone)
        if details.country is not None and not (len(details.country) == 2 and details.country.isupper()):
            raise Refusal("the country is two capitals (ISO 3166), such as FR")
        if details != self.details:
            self.record(Site.Registered, cause, now, site_id=self.site_id, details=details)

    def declare(self, premises: Premises, cause: AnyCause, now: datetime) -> None:
        """Declaring again replaces what was said. Raises Refusal with every field that cannot be so."""
        self.check_id()
        written = checked(premises, now.date())
        if written != self.premises:
            self.record(Site.Declared, cause, now, site_id=self.site_id, premises=written)

    def check_id(self) -> None:
        if not 1 <= len(self.site_id) <= 255 or not self.site_id.isprintable():
            raise Refusal("a site id has 1 to 255 printable characters")

    def apply(self, event: Event) -> None:
        match event:
            case Site.Registered():
                self.details = event.details
            case Site.Declared():
                self.premises = event.premises


def checked(premises: Premises, today: date) -> Premises:
    """What was said, as we write it. Raises Refusal."""
    rules: dict[str, Rule] = {**RULES, "opened_on": partial(declaration.past, today=today)}
    written = Premises(**declaration.checked(msgspec.structs.asdict(premises), rules))
    wrong = misplaced(written)
    if wrong is not None:
        raise Refusal(f"longitude, latitude: {wrong}")
    return written


def misplaced(premises: Premises) -> str | None:
    """Why a place cannot be where a French site is; None: it can. Near a border the shapes are too coarse to say."""
    if premises.longitude is None or premises.latitude is None:
        return None if premises.longitude is premises.latitude else "say both, or neither"
    place = float(premises.longitude), float(premises.latitude)
    if situated(place) == "inside":
        return None
    if situated((place[1], place[0])) == "inside":
        return f"{place[0]}, {place[1]} is not in France, {place[1]}, {place[0]} is: they are the wrong way round"
    if situated(place) == "far" and premises.insee is not None and not premises.insee.startswith(FAR_COMMUNES):
        return f"{place[0]}, {place[1]} is not in France, and commune {premises.insee} is"
    return None


@cache
def known(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def zone(name: str) -> ZoneInfo:
    """A time zone by its IANA name. Raises Refusal when there is none."""
    try:
        return known(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Refusal(f"there is no time zone {name!r}: say it like Europe/Paris") from None
