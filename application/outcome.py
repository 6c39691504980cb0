"""The outcome of a remote start: a station that says Accepted has not started anything yet.

Which transaction an accepted start led to is found by the remote start id (OCPP 2.x, F01.FR.25) or by the id in the
answer (F01.FR.13); where the station says neither, by station, connector, badge and time. A start without a
transaction in time is given up, and whoever asked can see it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import msgspec

from application.history import History
from application.journal import Journal
from application.process import Process
from domain.catalog import CATALOG
from domain.command import Command
from domain.event import Event, Timer
from domain.transaction import Transaction

START = "remoteStart"
REMEMBERED = 1_000
TIMER = Timer(rule="outcome of a remote start")
Decision = Callable[[Command, datetime], None]
KINDS: tuple[type[Event], ...] = (
    Command.Requested, Command.Sent, Command.Answered, Command.Refused, Command.Failed, Command.TimedOut,
    Command.Expired, Command.Fulfilled, Command.GivenUp, Transaction.Started, Transaction.BadgePresented,
)  # fmt: skip
TOPICS = tuple(name for kind in KINDS for name in CATALOG.names(kind))


@dataclass
class Start:
    """A remote start that is not over: asked, sent, then accepted."""

    stream: str
    station_id: str
    badge: str
    evse_id: int | None
    sent_at: datetime | None = None
    remote_start_id: int | None = None
    station_transaction_id: str | None = None
    accepted_at: datetime | None = None

    def led_to(self, began: Transaction.Started) -> bool:
        """This transaction is the one that was asked for."""
        if began.station_id != self.station_id:
            return False
        if began.remote_start_id is not None and self.remote_start_id is not None:
            return began.remote_start_id == self.remote_start_id
        if self.station_transaction_id is not None:
            return began.station_transaction_id == self.station_transaction_id
        where = self.evse_id in (None, 0, began.evse_id) or not began.evse_id
        return where and began.badge == self.badge and self.sent_at is not None and began.recorded_at >= self.sent_at


class Outcomes(Process):
    """Follows starts and transactions."""

    topics = TOPICS

    def __init__(self, journal: Journal, history: History, patience: timedelta, clock: Callable[[], datetime]) -> None:
        super().__init__(journal, history, clock)
        self.patience = patience
        self.starts: dict[str, Start] = {}
        self.begun: dict[str, Transaction.Started] = {}
        self.found: dict[str, str] = {}

    def consider(self, event: Event) -> None:
        if isinstance(event, Transaction.Started):
            self.begin(event)
        elif isinstance(event, Transaction.BadgePresented):
            self.present(event)
        elif isinstance(event, Command.Requested):
            self.ask(event)
        elif isinstance(event, Command.Fulfilled):
            self.found.pop(event.originator_id, None)
        elif event.originator_id in self.starts:
            self.go_on(self.starts[event.originator_id], event)

    def ask(self, event: Command.Requested) -> None:
        if event.action == START:
            wish = event.parameters
            evse_id = wish.get("evse_id") or wish.get("connector_id")
            self.starts[event.originator_id] = Start(event.originator_id, event.station_id, wish["badge"], evse_id)

    def go_on(self, start: Start, event: Event) -> None:
        """The next step of a start; every end but Accepted is its end here."""
        if isinstance(event, Command.Sent):
            start.sent_at = event.recorded_at
            start.remote_start_id = payload(event.payload).get("remoteStartId")
        elif isinstance(event, Command.Answered) and event.accepted:
            start.accepted_at = event.recorded_at
            start.station_transaction_id = payload(event.answer).get("transactionId")
            self.match([start], list(self.begun.values()))
        else:
            del self.starts[start.stream]

    def begin(self, event: Transaction.Started) -> None:
        self.begun[event.originator_id] = event
        if len(self.begun) > REMEMBERED:
            del self.begun[next(iter(self.begun))]
        self.match(list(self.starts.values()), [event])

    def present(self, event: Transaction.BadgePresented) -> None:
        """A car was plugged in first: the badge comes with the remote start."""
        known = self.begun.get(event.originator_id)
        if known is not None:
            self.begin(msgspec.structs.replace(known, badge=event.badge, recorded_at=event.recorded_at))

    def match(self, starts: Iterable[Start], begun: Iterable[Transaction.Started]) -> None:
        """One start leads to one transaction."""
        for start in starts:
            for began in begun:
                if start.accepted_at is not None and start.led_to(began):
                    self.found[start.stream] = began.originator_id.removeprefix("transaction/")
                    del self.starts[start.stream], self.begun[began.originator_id]
                    return

    async def settle(self) -> None:
        while self.found:
            stream, transaction_id = self.found.popitem()
            await self.decide(partial(Command, stream), fulfilling(transaction_id))

    async def expire(self, every_s: float = 0.5) -> None:
        """Say which starts came to nothing."""
        while True:
            await asyncio.sleep(every_s)
            now = self.clock()
            for start in list(self.starts.values()):
                if start.accepted_at is not None and start.accepted_at + self.patience < now:
                    self.starts.pop(start.stream, None)
                    reason = f"no charge began within {self.patience.total_seconds():g} s"
                    await self.decide(partial(Command, start.stream), giving_up(reason))


def fulfilling(transaction_id: str) -> Decision:
    return lambda command, now: command.fulfil(transaction_id, TIMER, now)


def giving_up(reason: str) -> Decision:
    return lambda command, now: command.give_up(reason, TIMER, now)


def payload(raw: msgspec.Raw) -> dict[str, Any]:
    found = msgspec.json.decode(raw)
    return found if isinstance(found, dict) else {}
