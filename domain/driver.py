"""A driver (conducteur): a person who charges, as far as somebody told us about them, and until they are forgotten."""

from __future__ import annotations

from datetime import datetime

import msgspec

from domain.aggregate import Aggregate
from domain.event import AnyCause, Event, Refusal

LONGEST = 255
LONGEST_LANGUAGE = 8


class Details(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of a driver. `language` is a tag of RFC 5646, `site` where the driver belongs to."""

    full_name: str
    email: str | None = None
    phone: str | None = None
    language: str | None = None
    employer: str | None = None
    cost_centre: str | None = None
    licence_plate: str | None = None
    site: str | None = None


def stream(driver_id: str) -> str:
    return f"driver/{driver_id}"


class Driver(Aggregate):
    """One person. The id is random, so that it says nothing about whoever it was once they are forgotten."""

    class Registered(Event, tag="driver.registered.v1"):
        """An operator made the driver known; registering again replaces everything that was known."""

        personal = "driver"
        full_name: str
        email: str | None = None
        phone: str | None = None
        language: str | None = None
        employer: str | None = None
        cost_centre: str | None = None
        licence_plate: str | None = None
        site: str | None = None

    class Forgotten(Event, tag="driver.forgotten.v1"):
        """The keys of the driver and of so many badges are destroyed: so many events can never be read in full again.

        `plain_events` were stored before anything was sealed, and can still be read.
        """

        reason: str
        badges: int
        events: int
        plain_events: int = 0

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.details: Details | None = None
        self.forgotten = False

    @property
    def driver_id(self) -> str:
        return self.id.removeprefix("driver/")

    def register(self, details: Details, cause: AnyCause, now: datetime) -> None:
        """Raises Refusal for what cannot be true, and for a driver who has been forgotten."""
        if self.forgotten:
            raise Refusal("this driver has been forgotten")
        check(details)
        if details != self.details:
            self.record(Driver.Registered, cause, now, **msgspec.structs.asdict(details))

    def forget(self, reason: str, badges: int, events: int, plain_events: int, cause: AnyCause, now: datetime) -> None:
        self.exists()
        self.record(
            Driver.Forgotten, cause, now, reason=reason, badges=badges, events=events, plain_events=plain_events
        )

    def exists(self) -> None:
        if self.details is None or self.forgotten:
            raise Refusal(f"there is no driver {self.driver_id}")

    def apply(self, event: Event) -> None:
        match event:
            case Driver.Registered():
                self.details = Details(**{name: getattr(event, name) for name in Details.__struct_fields__})
            case Driver.Forgotten():
                self.details, self.forgotten = None, True


def check(details: Details) -> None:
    for name, value in msgspec.structs.asdict(details).items():
        if value is not None and not (1 <= len(value.strip()) <= LONGEST and value.isprintable()):
            raise Refusal(f"{name.replace('_', ' ')} has 1 to {LONGEST} printable characters")
    local, _, host = (details.email or "a@b").rpartition("@")
    if not local or not host:
        raise Refusal("an e-mail address has a name, an @ and a host")
    if len(details.language or "") > LONGEST_LANGUAGE:
        raise Refusal(f"a language tag has at most {LONGEST_LANGUAGE} characters")
