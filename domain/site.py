"""A site: a place with stations, its address, its operator and its time zone."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from domain.aggregate import Aggregate
from domain.event import AnyCause, Event, Refusal


class Details(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of a site. `time_zone` is an IANA name (`Europe/Paris`); without one that of the settings holds."""

    name: str | None = None
    address: str | None = None
    postal_code: str | None = None
    city: str | None = None
    country: str | None = None
    time_zone: str | None = None
    operator: str | None = None


def stream(site_id: str) -> str:
    return f"site/{site_id}"


class Site(Aggregate):
    """Stations name the site they stand on; the site says what they share."""

    class Registered(Event, tag="site.registered.v1"):
        """Somebody made the site known, or said anew what it is."""

        site_id: str
        details: Details

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.details: Details | None = None

    @property
    def site_id(self) -> str:
        return self.id.removeprefix("site/")

    def register(self, details: Details, cause: AnyCause, now: datetime) -> None:
        """Registering again replaces what was said. Raises Refusal for a zone nobody knows."""
        if not 1 <= len(self.site_id) <= 255 or not self.site_id.isprintable():
            raise Refusal("a site id has 1 to 255 printable characters")
        if details.time_zone is not None:
            zone(details.time_zone)
        if details.country is not None and not (len(details.country) == 2 and details.country.isupper()):
            raise Refusal("the country is two capitals (ISO 3166), such as FR")
        if details != self.details:
            self.record(Site.Registered, cause, now, site_id=self.site_id, details=details)

    def apply(self, event: Event) -> None:
        if isinstance(event, Site.Registered):
            self.details = event.details


@cache
def known(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def zone(name: str) -> ZoneInfo:
    """A time zone by its IANA name. Raises Refusal when there is none."""
    try:
        return known(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Refusal(f"there is no time zone {name!r}: say it like Europe/Paris") from None
