"""Drivers: who they are, which badges they hold, everything the history says about them, and how they are forgotten.

Whoever holds a badge when an event is recorded is the one it is about: the key that seals it is theirs. What a badge
did before anybody was known for it belongs to its first driver (ADR 0010).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import uuid4

import msgspec

from application.amend import TRIES, amend
from application.badge import Badges
from application.history import PAGE, History
from application.journal import Fenced, Journal
from application.privacy import GONE, STREAMS, Ring
from application.process import LOOK_BACK
from application.snapshot import load
from domain.badge import Badge
from domain.badge import stream as badge_stream
from domain.catalog import CATALOG, Recorded
from domain.driver import Details, Driver, stream
from domain.event import Event, Operator, Refusal

HANDED = (Badge.Assigned, Badge.Unassigned)
ENDED = (Driver.Forgotten, Badge.Forgotten)
TOPICS = tuple(name for kind in (*HANDED, *ENDED) for name in CATALOG.names(kind))
ERASED = tuple(name for kind in ENDED for name in CATALOG.names(kind))


class Forgetting(NamedTuple):
    """What was forgotten: so many badges, in so many events. `plain_events` were stored before anything was sealed."""

    badges: int
    events: int
    plain_events: int


class Named(NamedTuple):
    """A key by its name and its place; none once the place has another key."""

    id: str
    place: str


class Owners(Protocol):
    """Whose keys they are."""

    def hand(self, use: str, card: str, person: str | None) -> None:
        """The keys in these places are a person's from now on; a key for the use that was somebody else's leaves."""

    def held_by(self, person: str) -> Sequence[Named]:
        """All keys of a person, in a place or not."""

    def of_badge(self, use: str, card: str) -> Sequence[Named]:
        """The keys of a badge that are nobody else's: that of the card, and those of its use by persons unknown."""

    def destroy(self, ids: Sequence[str]) -> None:
        """They are gone, durably."""


class Person(NamedTuple):
    """By what the history knows somebody: the names of keys, and badges as they were written in old times."""

    keys: Sequence[str]
    badges: Sequence[Badge]

    @property
    def sealed(self) -> list[bytes]:
        return [key.encode() for key in self.keys]

    @property
    def plain(self) -> list[bytes]:
        names = {name for badge in self.badges for name in (badge.badge, badge.id, badge.id.removeprefix(STREAMS))}
        return [msgspec.json.encode(name) for name in sorted(filter(None, names))]


class Custody:
    """Whose key is whose, as the history has it. Everything here may be done again, and changes nothing then."""

    def __init__(self, history: History, ring: Ring, owners: Owners) -> None:
        self.history = history
        self.ring = ring
        self.owners = owners

    def settle(self, badge: str) -> None:
        """The keys of a badge belong to whoever holds it now; what somebody else did with it stays theirs."""
        holder = load(self.history, Badge(badge_stream(badge))).aggregate.holder
        places = (self.ring.use(badge), self.ring.card(badge))
        self.owners.hand(*places, stream(holder) if holder else None)
        self.ring.leave(places)

    def of_driver(self, driver_id: str) -> Person:
        """The driver and the badges they hold or were the last to hold."""
        named = self.owners.held_by(stream(driver_id))
        return Person([each.id for each in named], list(self.badges_of(driver_id)))

    def badges_of(self, driver_id: str) -> Iterator[Badge]:
        after, seen = 0, set[str]()
        while rows := self.history.read(after, PAGE, CATALOG.names(Badge.Assigned)):
            after = rows[-1].position
            for row in rows:
                event = decoded(row)
                if isinstance(event, Badge.Assigned) and event.driver_id == driver_id and row.stream not in seen:
                    seen.add(row.stream)
                    badge = load(self.history, Badge(row.stream)).aggregate
                    if badge.last_holder == driver_id:
                        yield badge

    def of_badge(self, badge: str) -> Person:
        """A badge that nobody holds. What its drivers did with it is theirs."""
        known = load(self.history, Badge(badge_stream(badge))).aggregate
        if known.holder is not None:
            raise Refusal(f"driver {known.holder} holds this badge: ask about the driver, or unassign it first")
        named = self.owners.of_badge(self.ring.use(badge), self.ring.card(badge))
        return Person([each.id for each in named], [known])

    def destroy(self, keys: Sequence[str]) -> None:
        """From now on nobody reads what these keys sealed."""
        self.owners.destroy(keys)
        self.ring.forget()

    def destroy_badge(self, badge: str) -> None:
        named = self.owners.of_badge(self.ring.use(badge), self.ring.card(badge))
        self.destroy([each.id for each in named])

    def heed(self, row: Recorded) -> None:
        """Do what the history says has been decided, by whatever process; whoever decided it may have died since."""
        event = decoded(row)
        gone = row.stream.startswith(f"{STREAMS}{GONE}")
        if isinstance(event, Driver.Forgotten):
            self.destroy([each.id for each in self.owners.held_by(row.stream)])
        elif isinstance(event, Badge.Forgotten):
            if event.driver_id is None and not gone:
                self.destroy_badge(row.stream.removeprefix(STREAMS))
            self.ring.forget()
        elif not gone:
            self.settle(row.stream.removeprefix(STREAMS))


class Custodian:
    """In every process: follows who holds which badge and who is forgotten, so that no memory outlives a key."""

    def __init__(self, custody: Custody, badges: Badges | None, clock: Callable[[], datetime]) -> None:
        self.custody = custody
        self.badges = badges
        self.clock = clock

    async def follow(self) -> None:
        """For ever, from a day ago."""
        history = self.custody.history
        start = await asyncio.to_thread(history.position_at, self.clock() - LOOK_BACK)
        async for batch in history.follow(start, TOPICS):
            for row in batch:
                await asyncio.to_thread(self.custody.heed, row)
            if self.badges is not None and any(row.topic in ERASED for row in batch):
                await asyncio.to_thread(self.badges.reload)


class Drivers:
    """Every method returns once the change is durable, and raises Refusal when a rule says no."""

    def __init__(
        self, journal: Journal, custody: Custody, clock: Callable[[], datetime], badges: Badges | None = None
    ) -> None:
        self.journal = journal
        self.history = custody.history
        self.custody = custody
        self.clock = clock
        self.badges = badges

    async def register(self, driver_id: str | None, details: Details, operator: str) -> str:
        """Make a driver known, or say anew who an old one is; returns the id."""
        known = driver_id or str(uuid4())

        def decide(driver: Driver) -> None:
            if driver_id is not None:
                driver.exists()
            driver.register(details, Operator(name=operator), self.clock())

        await amend(self.journal, self.history, lambda: Driver(stream(known)), decide)
        return known

    async def assign(self, driver_id: str, badge: str, operator: str) -> None:
        """From now on the driver holds the badge."""
        driver = await asyncio.to_thread(load, self.history, Driver(stream(driver_id)))
        driver.aggregate.exists()
        await self.change(badge, lambda b: b.assign(driver_id, Operator(name=operator), self.clock()))

    async def unassign(self, badge: str, reason: str, operator: str) -> str:
        """The driver gives the badge back; returns whose it was."""
        holders: list[str] = []

        def decide(known: Badge) -> None:
            holders.append(known.holder or "")
            known.unassign(reason, Operator(name=operator), self.clock())

        await self.change(badge, decide)
        return holders[-1]

    async def change(self, badge: str, decide: Callable[[Badge], None]) -> None:
        await amend(self.journal, self.history, lambda: Badge(badge_stream(badge)), decide)
        await asyncio.to_thread(self.custody.settle, badge)

    async def forget(self, driver_id: str, reason: str, operator: str) -> Forgetting:
        """Destroy the keys of a driver and of the badges they hold or were the last to hold. For ever."""
        cause = Operator(name=operator)

        def decide() -> tuple[Person, Forgetting, list[Event]]:
            driver = load(self.history, Driver(stream(driver_id))).aggregate
            driver.exists()
            person = self.custody.of_driver(driver_id)
            told = self.count(person)
            driver.forget(reason, *told, cause, self.clock())
            for badge in person.badges:
                badge.forget(reason, driver_id, cause, self.clock())
            return person, told, [*driver.collect_events(), *(e for b in person.badges for e in b.collect_events())]

        return await self.erase(decide)

    async def forget_badge(self, badge: str, reason: str, operator: str) -> Forgetting:
        """Destroy the keys of a badge that no driver holds. For ever; presented again it is a new, unknown badge."""

        def decide() -> tuple[Person, Forgetting, list[Event]]:
            person = self.custody.of_badge(badge)
            told = self.count(person)
            if not told.events + told.plain_events:
                raise Refusal("the history has never heard of this badge")
            (known,) = person.badges
            facts = {"events": told.events, "plain_events": told.plain_events}
            known.forget(reason, None, Operator(name=operator), self.clock(), **facts)
            return person, told, list(known.collect_events())

        return await self.erase(decide)

    async def erase(self, decide: Callable[[], tuple[Person, Forgetting, list[Event]]]) -> Forgetting:
        """What is decided is recorded first: a process that dies in between is followed by one that destroys."""
        for _ in range(TRIES):
            person, told, events = await asyncio.to_thread(decide)
            try:
                await self.journal.record(events)
            except Fenced:
                continue
            await asyncio.to_thread(self.custody.destroy, person.keys)
            for event in events:
                if isinstance(event, Badge.Forgotten) and event.driver_id is None:  # its card has a key since just now
                    await asyncio.to_thread(self.custody.destroy_badge, event.originator_id.removeprefix(STREAMS))
            if self.badges is not None:
                await asyncio.to_thread(self.badges.reload)
            return told
        raise Refusal("somebody else keeps changing this; try again")

    def count(self, person: Person) -> Forgetting:
        events = self.history.mentions(person.sealed)
        return Forgetting(len(person.badges), events, self.history.mentions(person.plain))

    def everything(self, driver_id: str | None, badge: str | None) -> Iterator[Recorded]:
        """Every event about a driver, or about a badge that nobody holds, in clear (GDPR article 15)."""
        if driver_id is not None:
            load(self.history, Driver(stream(driver_id))).aggregate.exists()
            person = self.custody.of_driver(driver_id)
        else:
            person = self.custody.of_badge(badge or "")
        after, words = 0, [*person.sealed, *person.plain]
        while rows := self.history.mentioning(words, after, PAGE):
            yield from rows
            after = rows[-1].position


def decoded(row: Recorded) -> Event:
    return CATALOG.decode(row.topic, row.state)
