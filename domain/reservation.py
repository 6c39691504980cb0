"""A reservation: an EVSE is held for one badge until an expiry time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Literal, NamedTuple

from domain.aggregate import Aggregate
from domain.event import AnyCause, Event, Refusal

NUMBERS = "number/reservation"
Status = Literal["REQUESTED", "ACTIVE", "USED", "CANCELLED", "EXPIRED", "REFUSED", "REMOVED"]


def stream(reservation_id: int) -> str:
    return f"reservation/{reservation_id}"


class Reservation(Aggregate):
    """A driver is promised an EVSE of a station: a certain one, one with a certain plug, or any."""

    class Requested(Event, tag="reservation.requested.v1"):
        """Somebody asked to hold an EVSE for a badge; the station has not answered yet. No EVSE: any of them."""

        personal = "badge"
        station_id: str
        badge: str
        expires_at: datetime
        requested_by: str
        evse_id: int | None = None
        connector_type: str | None = None
        group_badge: str | None = None

    class Placed(Event, tag="reservation.placed.v1"):
        """The station holds it."""

    class Refused(Event, tag="reservation.refused.v1"):
        """The station does not hold it, or could not be asked."""

        reason: str

    class Used(Event, tag="reservation.used.v1"):
        """The driver came: a transaction began with it."""

        transaction_id: str

    class Cancelled(Event, tag="reservation.cancelled.v1"):
        """It was given back before use, and the station knows."""

    class Expired(Event, tag="reservation.expired.v1"):
        """Its time was over before anybody came."""

    class Removed(Event, tag="reservation.removed.v1"):
        """The station gave it up by itself, because of a fault or because no charge followed."""

        reason: str

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.status: Status | None = None
        self.station_id = self.badge = ""
        self.evse_id: int | None = None
        self.expires_at: datetime | None = None

    @property
    def reservation_id(self) -> int:
        return int(self.id.removeprefix("reservation/"))

    @property
    def live(self) -> bool:
        """Something may still come of it."""
        return self.status in ("REQUESTED", "ACTIVE")

    def request(
        self,
        station_id: str,
        badge: str,
        expires_at: datetime,
        requested_by: str,
        cause: AnyCause,
        now: datetime,
        evse_id: int | None = None,
        connector_type: str | None = None,
        group_badge: str | None = None,
    ) -> None:
        """Ask for it. Raises Refusal when it could never be used."""
        if expires_at <= now:
            raise Refusal("a reservation must expire in the future")
        self.record(
            Reservation.Requested,
            cause,
            now,
            station_id=station_id,
            badge=badge,
            expires_at=expires_at,
            requested_by=requested_by,
            evse_id=evse_id,
            connector_type=connector_type,
            group_badge=group_badge,
        )

    def place(self, cause: AnyCause, now: datetime) -> None:
        if self.status == "REQUESTED":
            self.record(Reservation.Placed, cause, now)

    def refuse(self, reason: str, cause: AnyCause, now: datetime) -> None:
        if self.status == "REQUESTED":
            self.record(Reservation.Refused, cause, now, reason=reason)

    def use(self, transaction_id: str, began_at: datetime, cause: AnyCause, now: datetime) -> None:
        """A transaction says that it began with it. One that began in time and was told late counts, too."""
        in_time = self.expires_at is not None and began_at <= self.expires_at
        if self.live or (self.status in ("EXPIRED", "REFUSED") and in_time):
            self.record(Reservation.Used, cause, now, transaction_id=transaction_id)

    def cancel(self, cause: AnyCause, now: datetime) -> None:
        if self.live:
            self.record(Reservation.Cancelled, cause, now)

    def expire(self, cause: AnyCause, now: datetime) -> None:
        if self.live:
            self.record(Reservation.Expired, cause, now)

    def remove(self, reason: str, cause: AnyCause, now: datetime) -> None:
        if self.live:
            self.record(Reservation.Removed, cause, now, reason=reason)

    def apply(self, event: Event) -> None:
        match event:
            case Reservation.Requested():
                self.status, self.station_id, self.badge = "REQUESTED", event.station_id, event.badge
                self.evse_id, self.expires_at = event.evse_id, event.expires_at
            case Reservation.Placed():
                self.status = "ACTIVE"
            case Reservation.Refused():
                self.status = "REFUSED"
            case Reservation.Used():
                self.status = "USED"
            case Reservation.Cancelled():
                self.status = "CANCELLED"
            case Reservation.Expired():
                self.status = "EXPIRED"
            case Reservation.Removed():
                self.status = "REMOVED"


class Wish(NamedTuple):
    """What a station is about to be asked to hold."""

    reservation_id: int
    evse_id: int | None
    expires_at: datetime


Rule = Callable[[Wish, Iterable[Reservation], datetime], str | None]


def in_time(wish: Wish, held: Iterable[Reservation], now: datetime) -> str | None:
    """A station that comes back late is not asked to hold what is over."""
    return None if wish.expires_at > now else "the reservation expired before the station could be asked"


def free(wish: Wish, held: Iterable[Reservation], now: datetime) -> str | None:
    """One EVSE is held for one badge at a time. Without an EVSE the station finds one, or says that it is full."""
    for other in held:
        if wish.evse_id and other.evse_id == wish.evse_id and other.reservation_id != wish.reservation_id:
            return f"EVSE {wish.evse_id} is held by reservation {other.reservation_id}"
    return None


RULES: tuple[Rule, ...] = (in_time, free)


def check(wish: Wish, held: Iterable[Reservation], now: datetime) -> None:
    """Raises Refusal with the first reason against it; `held` are the active reservations of the station."""
    known = list(held)
    for rule in RULES:
        reason = rule(wish, known, now)
        if reason is not None:
            raise Refusal(reason)
