"""Prices: which tariff a charge began with, and what it costs under it."""

from __future__ import annotations

import asyncio
import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Generic, NamedTuple, TypeVar

from application.history import History
from domain.assignment import Assignment, Charge, ranked
from domain.badge import Badge
from domain.badge import fold as same_badge
from domain.catalog import CATALOG, Recorded, events
from domain.event import Event
from domain.price import Priced, Unpriced
from domain.reservation import Reservation
from domain.reservation import stream as reservation_stream
from domain.restriction import Calendar
from domain.site import Site, zone
from domain.station import Station
from domain.tariff import Tariff, Terms
from domain.transaction import stream
from domain.usage import NO_START, Facts, Hold, rate, rate_expired

KINDS: list[type[Event]] = [
    *events(Tariff), *events(Assignment), *events(Site), Station.Registered, Badge.Registered, Badge.Removed,
]  # fmt: skip
TOPICS = tuple(name for kind in KINDS for name in CATALOG.names(kind))
REMEMBERED = 10_000
TALLY = "tally"
"""The question of a session that needs a tally."""
NO_TARIFF = Unpriced(code="NO_TARIFF", reason="no tariff was assigned to it when it began")
V = TypeVar("V")


class Dated(Generic[V]):
    """What something was at any time, by when we recorded it."""

    def __init__(self) -> None:
        self.times: list[datetime] = []
        self.values: list[V] = []

    def add(self, at: datetime, value: V) -> None:
        self.times.append(at)
        self.values.append(value)

    def until(self, at: datetime) -> list[V]:
        """All that was recorded by then, in order."""
        return self.values[: bisect_right(self.times, at)]

    def at(self, at: datetime) -> V | None:
        known = self.until(at)
        return known[-1] if known else None


class Version(NamedTuple):
    """One version of a tariff; no terms: it was withdrawn."""

    number: int
    terms: Terms | None


class Offer(NamedTuple):
    """The tariff a charge began with, in the time zone of its site."""

    tariff_id: str
    version: int
    calendar: Calendar
    assignment_id: str | None = None


class Tally(NamedTuple):
    """All that the price of a transaction depends on."""

    facts: Facts
    hold: Hold | None


class Pricebook:
    """Follows tariffs and assignments, and what decides which one holds; knows what held at any time."""

    def __init__(self, history: History, time_zone: str) -> None:
        self.history = history
        self.time_zone = time_zone
        self.position = 0
        self.lock = threading.Lock()
        self.tariffs: dict[str, Dated[Version]] = {}
        self.assignments: dict[str, Assignment] = {}
        self.zones: dict[str, Dated[str | None]] = {}
        self.sites: dict[str, Dated[str | None]] = {}
        self.groups: dict[str, Dated[str | None]] = {}
        self.calendars: dict[tuple[str, int, str], Calendar] = {}
        self.first_at: datetime | None = None

    def load(self) -> None:
        """Read all there is so far."""
        while batch := self.history.read(self.position, 5_000, TOPICS):
            self.learn(batch)

    async def follow(self) -> None:
        """Learn for ever."""
        async for batch in self.history.follow(self.position, TOPICS):
            self.learn(batch)

    def learn(self, batch: Iterable[Recorded]) -> None:
        """Safe to be told the same twice, and from several threads."""
        with self.lock:
            for row in batch:
                if row.position > self.position:
                    self.note(CATALOG.decode(row.topic, row.state))
                    self.position = row.position

    def note(self, event: Event) -> None:
        at, owner = event.recorded_at, event.originator_id.partition("/")[2]
        match event:
            case Tariff.Published():
                self.tariffs.setdefault(event.tariff_id, Dated()).add(at, Version(event.version, event.terms))
            case Tariff.Withdrawn():
                self.tariffs.setdefault(event.tariff_id, Dated()).add(at, Version(0, None))
            case Assignment.Assigned() | Assignment.Revoked():
                self.assignments.setdefault(owner, Assignment(event.originator_id)).replay([event])
                self.first_at = self.first_at or at
            case Site.Registered():
                self.zones.setdefault(event.site_id, Dated()).add(at, event.details.time_zone)
            case Station.Registered():
                self.sites.setdefault(owner, Dated()).add(at, event.site)
            case Badge.Registered():
                self.groups.setdefault(same_badge(event.badge), Dated()).add(at, event.group)
            case Badge.Removed():
                self.groups.setdefault(same_badge(owner), Dated()).add(at, None)

    def offer(
        self, station_id: str, evse_id: int, badge: str | None, began_at: datetime, heard_at: datetime
    ) -> Offer | None:
        """The version a charge began with, by all that was known when it began.

        One that began before anybody assigned anything, and is told only now, takes what held when we heard of it.
        """
        if self.first_at is None:
            return None
        at = began_at if began_at >= self.first_at else heard_at
        charge = Charge(self.site(station_id, at), station_id, evse_id, self.group(badge, at))
        for assignment in ranked(list(self.assignments.values()), charge, at):
            if assignment.assigned_at is None or assignment.assigned_at > heard_at or assignment.tariff_id is None:
                continue
            version = self.version(assignment.tariff_id, at)
            if version is not None:
                return self.offered(assignment.tariff_id, version, station_id, at, assignment.assignment_id)
        return None

    def offered(
        self, tariff_id: str, version: Version, station_id: str | None, at: datetime, assignment_id: str | None = None
    ) -> Offer:
        assert version.terms is not None
        zone_name = self.zone(station_id, at)
        key = tariff_id, version.number, zone_name
        calendar = self.calendars.get(key)
        if calendar is None:
            calendar = self.calendars[key] = Calendar(version.terms, zone(zone_name))
        return Offer(tariff_id, version.number, calendar, assignment_id)

    def version(self, tariff_id: str, at: datetime) -> Version | None:
        """The newest version whose time has come, unless it is over or the tariff withdrawn."""
        known = self.tariffs.get(tariff_id)
        for version in reversed(known.until(at) if known else []):
            if version.terms is None:
                return None
            if version.terms.starts_at is None or version.terms.starts_at <= at:
                return version if version.terms.covers(at) else None
        return None

    def site(self, station_id: str, at: datetime) -> str | None:
        known = self.sites.get(station_id)
        return known.at(at) if known else None

    def group(self, badge: str | None, at: datetime) -> str | None:
        known = self.groups.get(same_badge(badge)) if badge else None
        return known.at(at) if known else None

    def zone(self, station_id: str | None, at: datetime) -> str:
        """That of the site of a station, else that of the settings."""
        site = self.site(station_id, at) if station_id else None
        known = self.zones.get(site) if site else None
        return (known.at(at) if known else None) or self.time_zone


class Prices:
    """What transactions cost: live, at the end and as of any position, always by the same fold."""

    def __init__(self, history: History, book: Pricebook) -> None:
        self.history = history
        self.book = book
        self.known: OrderedDict[tuple[str, int, int], Priced | Unpriced] = OrderedDict()

    async def of(self, transactions: Sequence[tuple[str, int]]) -> list[Priced | Unpriced]:
        """The prices of transactions, each as of the position of its latest event that counts."""
        return await asyncio.to_thread(lambda: [self.price(*each) for each in transactions])

    def price(self, transaction_id: str, position: int) -> Priced | Unpriced:
        """What it costs by its events up to a position. Blocks."""
        key = transaction_id, position, self.book.position
        found = self.known.get(key)
        if found is None:
            facts = self.facts(transaction_id, position)
            found = self.known[key] = self.rate(Tally(facts, self.hold(facts)))
            while len(self.known) > REMEMBERED:
                self.known.popitem(last=False)
        return found

    def facts(self, transaction_id: str, position: int | None = None) -> Facts:
        """All that is known of a transaction, or was at a position. Blocks."""
        rows = self.history.stream(stream(transaction_id))
        told = (row for row in rows if position is None or row.position <= position)
        return Facts(CATALOG.decode(row.topic, row.state) for row in told)

    async def tally(self, transaction_id: str) -> Tally:
        """All that its price depends on, however long the database is away."""
        facts, after = Facts(), 0
        while rows := await self.history.read_patiently(after, (), stream(transaction_id)):
            for row in rows:
                facts.learn(CATALOG.decode(row.topic, row.state))
            after = rows[-1].position
        return Tally(facts, await asyncio.to_thread(self.hold, facts))

    def rate(self, tally: Tally, under: Callable[[Facts], Offer | None] | None = None) -> Priced | Unpriced:
        """The price by the tariff it began with, or by another one."""
        facts = tally.facts
        if facts.began_at is None or facts.heard_at is None:
            return NO_START
        offer = (under or self.offer)(facts)
        if offer is None:
            return NO_TARIFF
        return rate(facts, offer.calendar, offer.tariff_id, offer.version, tally.hold)

    def offer(self, facts: Facts) -> Offer | None:
        """The tariff a transaction began with."""
        assert facts.began_at is not None
        assert facts.heard_at is not None
        return self.book.offer(facts.station_id, facts.evse_id, facts.badge, facts.began_at, facts.heard_at)

    async def of_reservation(self, reservation_id: int) -> Priced | Unpriced | None:
        """What a reservation costs that expired; None: it did not, and what it costs is in the charge that used it."""
        return await asyncio.to_thread(self.expired, reservation_id)

    def expired(self, reservation_id: int) -> Priced | Unpriced | None:
        """The same. Blocks."""
        asked, placed, ended = None, None, None
        for row in self.history.stream(reservation_stream(reservation_id)):
            match CATALOG.decode(row.topic, row.state):
                case Reservation.Requested() as event:
                    asked = event
                case Reservation.Placed() as event:
                    placed = event.recorded_at
                case Reservation.Expired():
                    ended = True
                case Reservation.Used():
                    ended = None
        if asked is None or placed is None or not ended:
            return None
        offer = self.book.offer(asked.station_id, asked.evse_id or 0, asked.badge, placed, placed)
        if offer is None:
            return NO_TARIFF
        hold = Hold(placed, max(placed, asked.expires_at), expired=True)
        return rate_expired(hold, offer.calendar, offer.tariff_id, offer.version)

    def hold(self, facts: Facts) -> Hold | None:
        """The reservation the transaction used, from its placing on."""
        if facts.reservation_id is None or facts.began_at is None:
            return None
        rows = self.history.stream(reservation_stream(facts.reservation_id))
        found = [CATALOG.decode(row.topic, row.state) for row in rows]
        placed = next((event.recorded_at for event in found if isinstance(event, Reservation.Placed)), None)
        asked = next((event for event in found if isinstance(event, Reservation.Requested)), None)
        if placed is None or asked is None or asked.station_id != facts.station_id or placed >= facts.began_at:
            return None
        return Hold(placed, facts.began_at)
