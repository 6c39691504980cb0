"""Reservations: asking for one, knowing what each station holds, and ending what nobody else ends."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from application.history import History
from application.journal import Fenced, Journal
from application.process import Process, loaded
from domain.catalog import CATALOG, events
from domain.command import Command
from domain.event import Event, Operator, Order, Refusal, Timer
from domain.number import Number
from domain.reservation import NUMBERS, Reservation, stream
from domain.transaction import Transaction

CLOSINGS = (Command.Refused, Command.Failed, Command.TimedOut, Command.Expired)
KINDS: list[type[Event]] = [*events(Reservation), Command.Requested, *CLOSINGS, Transaction.Started]
TOPICS = tuple(name for kind in KINDS for name in CATALOG.names(kind))
OWN = tuple(name for kind in events(Reservation) for name in CATALOG.names(kind))
TRIES = 20
Decision = Callable[[Reservation, datetime], None]


class Desk:
    """Where an operator or a program asks for a reservation."""

    def __init__(self, journal: Journal, history: History, clock: Callable[[], datetime]) -> None:
        self.journal = journal
        self.history = history
        self.clock = clock

    async def request(self, station_id: str, badge: str, expires_at: datetime, requested_by: str, **facts: Any) -> int:
        """Note that it was asked for; its number is never given twice. Raises Refusal when it could never be used."""
        cause, now = Operator(name=requested_by), self.clock()
        for skipped in range(TRIES):
            number = await asyncio.to_thread(self.numbers)
            reservation_id = number.reserve(1 + skipped, "reservations", cause, now)[-1]
            reservation = Reservation(stream(reservation_id))
            reservation.request(station_id, badge, expires_at, requested_by, cause, now, **facts)
            with contextlib.suppress(Fenced):  # somebody else took this number: take the next one
                await self.journal.record([*number.collect_events(), *reservation.collect_events()])
                return reservation_id
        raise Refusal("somebody else keeps taking the numbers of reservations; try again")

    def numbers(self) -> Number:
        rows = self.history.latest_of(NUMBERS)
        return Number(NUMBERS).replay(CATALOG.decode(row.topic, row.state) for row in rows)

    async def find(self, reservation_id: str) -> Reservation:
        """The reservation as it is now. Raises Refusal if there is none."""
        reservation = await loaded(self.history, Reservation(f"reservation/{reservation_id}"))
        if reservation.status is None:
            raise Refusal(f"there is no reservation {reservation_id}")
        return reservation


class Book:
    """What stations hold: the live reservations, in memory of every gateway. Safe to feed the same event twice."""

    def __init__(self) -> None:
        self.known: dict[str, Reservation] = {}
        self.promised: dict[str, Reservation] = {}

    def learn(self, event: Event) -> None:
        reservation = self.known.setdefault(event.originator_id, Reservation(event.originator_id))
        if event.originator_version > reservation.version:
            reservation.replay([event])
        promised = self.promised.get(event.originator_id)
        if promised is not None and reservation.version >= promised.version:
            del self.promised[event.originator_id]
        if not reservation.live:
            del self.known[event.originator_id]

    def promise(self, reservation: Reservation) -> None:
        """The station has just agreed; the history tells us so in a moment."""
        self.promised[reservation.id] = reservation

    def held(self, station_id: str) -> list[Reservation]:
        """What a station has agreed to hold."""
        live = self.known | self.promised
        return [each for each in live.values() if each.station_id == station_id and each.status == "ACTIVE"]

    def over(self, now: datetime) -> list[Reservation]:
        return [each for each in self.known.values() if each.expires_at is not None and each.expires_at <= now]


class Keeper(Process):
    """Ends reservations: used by a transaction, never answered, or over."""

    topics = TOPICS

    def __init__(self, journal: Journal, history: History, book: Book, clock: Callable[[], datetime]) -> None:
        super().__init__(journal, history, clock)
        self.book = book
        self.asked: dict[str, int] = {}
        self.undecided: list[tuple[int, Decision]] = []

    def load(self) -> None:
        """All live reservations, however old, then what happened lately."""
        while batch := self.history.read(self.position, 5_000, OWN):
            self.learn(batch)
        super().load()

    def consider(self, event: Event) -> None:
        if isinstance(event, Command.Requested):
            if event.action == "reserveNow":
                self.asked[event.originator_id] = event.parameters["reservation_id"]
        elif isinstance(event, CLOSINGS):
            reservation_id = self.asked.pop(event.originator_id, None)
            if reservation_id is not None:
                self.undecided.append((reservation_id, refusing(event)))
        elif isinstance(event, Transaction.Started):
            if event.reservation_id is not None:
                self.undecided.append((event.reservation_id, using(event)))
        else:
            self.book.learn(event)

    async def settle(self) -> None:
        while self.undecided:
            reservation_id, decision = self.undecided.pop(0)
            await self.decide(partial(Reservation, stream(reservation_id)), decision)

    async def expire(self, every_s: float = 0.5) -> None:
        """End what is over, whether or not the station says so."""
        while True:
            await asyncio.sleep(every_s)
            for reservation in self.book.over(self.clock()):
                await self.decide(partial(Reservation, reservation.id), expiring)


def refusing(closing: Any) -> Decision:
    """The command that asked for it ended without an answer."""
    cause = Order(command_id=closing.originator_id.removeprefix("command/"))
    return lambda reservation, now: reservation.refuse(closing.reason, cause, now)


def using(start: Transaction.Started) -> Decision:
    """A station says so itself; it can only use its own reservations."""
    transaction_id, timer = start.originator_id.removeprefix("transaction/"), Timer(rule="reservation use")

    def decide(reservation: Reservation, now: datetime) -> None:
        if reservation.station_id == start.station_id:
            reservation.use(transaction_id, start.occurred_at, timer, now)

    return decide


def expiring(reservation: Reservation, now: datetime) -> None:
    if reservation.expires_at is not None and reservation.expires_at <= now:
        reservation.expire(Timer(rule="reservation expiry"), now)
