"""A sponsorship (prise en charge): from when to when a payer pays for the charges of a driver or of a badge group."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from domain.aggregate import Aggregate
from domain.event import AnyCause, Event, Refusal


def stream(sponsorship_id: str) -> str:
    return f"sponsorship/{sponsorship_id}"


class Sponsorship(Aggregate):
    """It is about charges that begin in its time; what began before or after is somebody else's to pay."""

    class Granted(Event, tag="sponsorship.granted.v1"):
        """A payer takes over the charges of a driver or of a badge group. `employer`: it employs whoever charges."""

        payer_id: str
        starts_at: datetime
        ends_at: datetime | None = None
        driver_id: str | None = None
        group: str | None = None
        cost_centre: str | None = None
        employer: bool = False

    class Ended(Event, tag="sponsorship.ended.v1"):
        """The payer pays for no charge that begins from then on."""

        ends_at: datetime

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.granted: Sponsorship.Granted | None = None
        self.ends_at: datetime | None = None

    @property
    def sponsorship_id(self) -> str:
        return self.id.removeprefix("sponsorship/")

    def grant(
        self, payer_id: str, driver_id: str | None, group: str | None, cost_centre: str | None, employer: bool,
        starts_at: datetime | None, ends_at: datetime | None, cause: AnyCause, now: datetime,
    ) -> None:  # fmt: skip
        """Raises Refusal unless it is for one driver or for one group."""
        if (driver_id is None) == (group is None):
            raise Refusal("a sponsorship is for one driver or for one badge group: say which")
        begin = starts_at or now
        if ends_at is not None and ends_at <= begin:
            raise Refusal("it would be over before it begins")
        facts = {"driver_id": driver_id, "group": group, "cost_centre": cost_centre, "employer": employer}
        self.record(Sponsorship.Granted, cause, now, payer_id=payer_id, starts_at=begin, ends_at=ends_at, **facts)

    def end(self, ends_at: datetime | None, cause: AnyCause, now: datetime) -> None:
        if self.granted is None:
            raise Refusal("there is no such sponsorship")
        at = max(ends_at or now, self.granted.starts_at)
        if self.ends_at is not None and self.ends_at <= at:
            raise Refusal("this sponsorship has ended already")
        self.record(Sponsorship.Ended, cause, now, ends_at=at)

    def holds(self, at: datetime) -> bool:
        return self.granted is not None and self.granted.starts_at <= at and (self.ends_at is None or at < self.ends_at)

    def apply(self, event: Event) -> None:
        match event:
            case Sponsorship.Granted():
                self.granted, self.ends_at = event, event.ends_at
            case Sponsorship.Ended():
                self.ends_at = event.ends_at


def sponsor(known: Iterable[Sponsorship], driver_id: str | None, group: str | None, at: datetime) -> Sponsorship | None:
    """Who pays for a charge that begins then: for the driver goes before for the group, then the later begun."""
    found = [
        (each.granted.driver_id is not None, each.granted.starts_at, each.id, each)
        for each in known
        if each.granted is not None
        and each.holds(at)
        and (each.granted.driver_id == driver_id if each.granted.driver_id else each.granted.group == group)
        and (each.granted.driver_id or each.granted.group)
    ]
    return max(found, key=lambda each: each[:3])[3] if found else None
