"""A badge (OCPP: id token, idTag): what a driver presents, and on which terms it may charge."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from domain.aggregate import Aggregate
from domain.event import AnyCause, Event, Refusal

FORGOTTEN = "forgotten"
"""How a badge is called that has been forgotten."""
Unknown = Literal["accept", "reject"]

LONGEST = 255
LONGEST_KIND = 20
LONGEST_MESSAGE = 512
LONGEST_LANGUAGE = 8
MOST_CONCURRENT = 1_000
PRIORITIES = range(-9, 10)
BLOCKS_REMEMBERED = 8


def fold(badge: str) -> str:
    """Badges compare without case (OCPP 1.6 CiString20Type, OCPP 2.x identifierString)."""
    return badge.upper()


def stream(badge: str) -> str:
    return f"badge/{fold(badge)}"


class Place(msgspec.Struct, frozen=True):
    """One EVSE of one station."""

    station_id: str
    evse_id: int


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """On which terms a badge charges: where, until when, how often at once, and what a station may tell its driver."""

    kind: str = "ISO14443"
    group: str | None = None
    expires_at: datetime | None = None
    concurrent: int = 1
    stations: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    evses: tuple[Place, ...] = ()
    cache_s: int | None = None
    language: str | None = None
    message: str | None = None
    priority: int | None = None


class Badge(Aggregate):
    """A card, a fob, a contract id, a code or an app account that may start a charge."""

    class Registered(Event, tag="badge.registered.v1"):
        """An operator made the badge known; registering it again replaces its terms.

        `group` is groupIdToken (1.6: parentIdTag); `cache_s` is how long a station may remember our verdict, seconds;
        `concurrent` is how many charges it may pay for at once. With no station, site or EVSE it may charge anywhere.
        """

        personal = "card"
        badge: str
        kind: str = "ISO14443"
        group: str | None = None
        expires_at: datetime | None = None
        concurrent: int = 1
        stations: tuple[str, ...] = ()
        sites: tuple[str, ...] = ()
        evses: tuple[Place, ...] = ()
        cache_s: int | None = None
        language: str | None = None
        message: str | None = None
        priority: int | None = None

    class Blocked(Event, tag="badge.blocked.v1"):
        """The badge may no longer charge."""

        personal = "card"
        reason: str

    class Unblocked(Event, tag="badge.unblocked.v1"):
        """The badge may charge again."""

        personal = "card"
        reason: str

    class Expired(Event, tag="badge.expired.v1"):
        """An operator ended the time of the badge before its expiry time."""

        personal = "card"
        reason: str

    class Removed(Event, tag="badge.removed.v1"):
        """The badge is gone; what it paid for stays."""

        personal = "card"
        reason: str

    class Assigned(Event, tag="badge.assigned.v1"):
        """From now on a driver holds the badge; what is done with it is about this person."""

        personal = "card"
        driver_id: str

    class Unassigned(Event, tag="badge.unassigned.v1"):
        """The driver gave the badge back; who uses it now is not known."""

        personal = "card"
        driver_id: str
        reason: str

    class Forgotten(Event, tag="badge.forgotten.v1"):
        """The keys of the badge are destroyed, with its driver if it had one: nobody can tell any more which it was.

        Counted as with `driver.forgotten.v1`, for a badge that nobody held.
        """

        personal = "card"
        reason: str
        driver_id: str | None = None
        events: int | None = None
        plain_events: int = 0

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.holder: str | None = None
        self.last_holder: str | None = None
        self.badge = ""
        self.terms = Terms()
        self.registered = False
        self.removed_at: datetime | None = None
        self.blocks: tuple[tuple[datetime, datetime | None], ...] = ()

    @property
    def blocked(self) -> bool:
        return bool(self.blocks) and self.blocks[-1][1] is None

    @property
    def removed(self) -> bool:
        return self.removed_at is not None

    def blocked_at(self, moment: datetime) -> bool:
        """Was it blocked then? Only the latest blocks are remembered."""
        return any(since <= moment and (until is None or moment < until) for since, until in self.blocks)

    def expired_at(self, moment: datetime) -> bool:
        return self.terms.expires_at is not None and self.terms.expires_at <= moment

    def removed_by(self, moment: datetime) -> bool:
        return self.removed_at is not None and self.removed_at <= moment

    def register(self, badge: str, terms: Terms, cause: AnyCause, now: datetime) -> None:
        check(badge, terms)
        self.record(Badge.Registered, cause, now, badge=badge, **msgspec.structs.asdict(terms))

    def block(self, reason: str, cause: AnyCause, now: datetime) -> None:
        self.exists()
        if not self.blocked:
            self.record(Badge.Blocked, cause, now, reason=reason)

    def unblock(self, reason: str, cause: AnyCause, now: datetime) -> None:
        self.exists()
        if self.blocked:
            self.record(Badge.Unblocked, cause, now, reason=reason)

    def expire(self, reason: str, cause: AnyCause, now: datetime) -> None:
        self.exists()
        if not self.expired_at(now):
            self.record(Badge.Expired, cause, now, reason=reason)

    def remove(self, reason: str, cause: AnyCause, now: datetime) -> None:
        self.exists()
        self.record(Badge.Removed, cause, now, reason=reason)

    def assign(self, driver_id: str, cause: AnyCause, now: datetime) -> None:
        """One driver holds a badge at a time. It need not be registered: a badge may be unknown and have a driver."""
        check(self.id.removeprefix("badge/"), Terms())
        if self.holder not in (None, driver_id):
            raise Refusal(f"driver {self.holder} holds this badge: unassign it first")
        if self.holder is None:
            self.record(Badge.Assigned, cause, now, driver_id=driver_id)

    def unassign(self, reason: str, cause: AnyCause, now: datetime) -> None:
        if self.holder is None:
            raise Refusal("no driver holds this badge")
        self.record(Badge.Unassigned, cause, now, driver_id=self.holder, reason=reason)

    def forget(self, reason: str, driver_id: str | None, cause: AnyCause, now: datetime, **facts: Any) -> None:
        """Take it out of use first, so that stations are told as far as they can be."""
        if self.registered and not self.removed:
            self.remove(reason, cause, now)
        self.record(Badge.Forgotten, cause, now, reason=reason, driver_id=driver_id, **facts)

    def exists(self) -> None:
        if not self.registered or self.removed:
            raise Refusal("this badge is not registered")

    def apply(self, event: Event) -> None:
        match event:
            case Badge.Registered():
                self.registered, self.removed_at, self.badge = True, None, event.badge
                self.terms = Terms(**{name: getattr(event, name) for name in Terms.__struct_fields__})
            case Badge.Blocked():
                self.blocks = (*self.blocks, (event.recorded_at, None))[-BLOCKS_REMEMBERED:]
            case Badge.Unblocked():
                self.blocks = (*self.blocks[:-1], (self.blocks[-1][0], event.recorded_at))
            case Badge.Expired():
                self.terms = msgspec.structs.replace(self.terms, expires_at=event.recorded_at)
            case Badge.Removed():
                self.removed_at = event.recorded_at
            case Badge.Assigned():
                self.holder = self.last_holder = event.driver_id
            case Badge.Unassigned():
                self.holder = None
            case Badge.Forgotten():
                self.registered, self.holder, self.last_holder = False, None, None
                self.badge, self.terms, self.blocks = "", Terms(), ()


def check(badge: str, terms: Terms) -> None:
    """Raises Refusal for what no station could present or keep."""
    if not 1 <= len(badge) <= LONGEST or not badge.isprintable() or badge != badge.strip():
        raise Refusal(f"a badge has 1 to {LONGEST} printable characters, no space at its ends")
    if fold(badge) == fold(FORGOTTEN):
        raise Refusal("this is how badges are called that have been forgotten")
    if not 1 <= len(terms.kind) <= LONGEST_KIND or not terms.kind.isprintable():
        raise Refusal(f"the kind of a badge is an OCPP token type of 1 to {LONGEST_KIND} characters")
    if terms.group is not None and (not 1 <= len(terms.group) <= LONGEST or not terms.group.isprintable()):
        raise Refusal(f"a group has 1 to {LONGEST} printable characters")
    if not 1 <= terms.concurrent <= MOST_CONCURRENT:
        raise Refusal(f"a badge may charge 1 to {MOST_CONCURRENT:,} times at once")
    if terms.priority is not None and terms.priority not in PRIORITIES:
        raise Refusal("a charging priority is between -9 and 9")
    if terms.cache_s is not None and not 0 < terms.cache_s < 2**31:
        raise Refusal("a verdict may be remembered for 1 second or longer")
    if len(terms.language or "") > LONGEST_LANGUAGE or len(terms.message or "") > LONGEST_MESSAGE:
        raise Refusal(f"a language tag has at most {LONGEST_LANGUAGE} characters, a message {LONGEST_MESSAGE}")
