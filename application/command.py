"""Commands: an operator asks, the gateway that holds the station sends, and each ends in one status with a reason."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec

from application.history import History
from application.journal import Fenced, Journal, Writer
from application.log import about
from application.secret import keep_out
from application.session import Session
from domain.catalog import CATALOG, events
from domain.command import Command, stream
from domain.event import AnyCause, Event, Operator, Order, Refusal, Timer

log = logging.getLogger("bornier.command")

TOPICS = tuple(name for kind in events(Command) for name in CATALOG.names(kind))
LONGEST = timedelta(hours=24)
GRACE = timedelta(seconds=5)
SOON_S = 0.04
"""An operator waits for the command: look often, however busy the store."""
Told = Callable[[Command, Sequence[Event]], None]
Closing = type[Command.Refused] | type[Command.Failed] | type[Command.TimedOut] | type[Command.Expired]


class Orders:
    """How an operator, a page or a program asks something of a station."""

    def __init__(
        self, journal: Journal, deadline_s: int, exists: Callable[[str], bool], clock: Callable[[], datetime]
    ) -> None:
        self.journal = journal
        self.deadline_s = deadline_s
        self.exists = exists
        self.clock = clock
        self.told: Told = lambda command, events: None

    async def request(
        self,
        station_id: str,
        action: str,
        parameters: dict[str, Any],
        requested_by: str,
        deadline_s: int | None = None,
        command_id: str | None = None,
        along: Sequence[Event] = (),
    ) -> tuple[str, Command.Requested, str | None]:
        """Ask; returns the command's id, its first event, and why it was refused at once, when that is durable.

        Events `along` with it are recorded together with it, or not at all.
        Raises Refusal for a deadline that makes no sense, or a password in the parameters; Fenced for an id that is
        taken. A station nobody has heard of is refused, and recorded.
        """
        wait = timedelta(seconds=self.deadline_s if deadline_s is None else deadline_s)
        if not timedelta(0) < wait <= LONGEST:
            raise Refusal("the deadline must be between 1 second and 24 hours")
        if not isinstance(station_id, str):
            raise Refusal("no station is named")
        keep_out(parameters)
        known = await asyncio.to_thread(self.exists, station_id)
        command_id, now = command_id or str(uuid4()), self.clock()
        command = Command(stream(command_id))
        asker = Operator(name=requested_by)
        refusal = None if known else f"there is no station {station_id}"
        command.request(station_id, action, parameters, requested_by, now + wait, asker, now)
        if refusal is not None:
            command.close(Command.Refused, refusal, asker, now)
        events = command.collect_events()
        assert isinstance(events[0], Command.Requested)
        await self.journal.record([*along, *events])
        self.told(command, events)
        return command_id, events[0], refusal


class Errand:
    """One command that is not final yet, in the hands of this gateway."""

    def __init__(self, command: Command, journal: Journal, clock: Callable[[], datetime], told: Told) -> None:
        self.command = command
        self.journal = journal
        self.clock = clock
        self.told = told
        self.writer = Writer()

    @property
    def command_id(self) -> str:
        return self.command.id.removeprefix("command/")

    @property
    def cause(self) -> Order:
        return Order(command_id=self.command_id)

    @property
    def due(self) -> bool:
        """The deadline has passed; one already sent gets a little longer, for another gateway may hold it."""
        grace = GRACE if self.command.status == "sent" else timedelta(0)
        return self.clock() > self.command.deadline + grace

    def send(self, connection_id: str, message_id: str, action: str, payload: bytes, then: Callable[[], None]) -> None:
        """Record that it goes out, then put it on the wire. If another gateway was quicker, nothing goes out."""
        self.command.send(connection_id, message_id, action, msgspec.Raw(payload), self.cause, self.clock())
        self.commit(then)

    def answer_part(self, message_id: str, answer: bytes, raw: str | None = None) -> None:
        """One of several calls is answered; `send` or `answer` commits it with what follows."""
        self.command.answer_part(message_id, msgspec.Raw(answer), self.cause, self.clock(), raw)

    def answer(self, accepted: bool, answer: bytes, reason: str | None, raw: str | None = None) -> None:
        self.command.answer(accepted, msgspec.Raw(answer), reason, self.cause, self.clock(), raw)
        self.commit()

    def close(self, kind: Closing, reason: str, cause: AnyCause | None = None, **facts: Any) -> None:
        self.command.close(kind, reason, cause or self.cause, self.clock(), **facts)
        self.commit()

    def commit(self, then: Callable[[], None] = lambda: None) -> None:
        events = self.command.collect_events()

        def done(error: Exception | None) -> None:
            if error is None:
                then()
                self.told(self.command, events)
            elif not isinstance(error, Fenced):
                with about(station_id=self.command.station_id, command_id=self.command_id):
                    log.error("command %s was not recorded: %s", self.command_id, error)

        self.journal.submit(events, self.writer, done)


class Dispatcher:
    """Follows the commands in the history, hands them to the stations here, and ends those whose time is up."""

    def __init__(self, journal: Journal, history: History, clock: Callable[[], datetime]) -> None:
        self.journal = journal
        self.history = history
        self.clock = clock
        self.errands: dict[str, Errand] = {}
        self.position = 0
        self.told: Told = lambda command, events: None
        self.held: Callable[[str], Session | None] = lambda station_id: None

    def load(self) -> None:
        """Commands that were asked before we started and are not final."""
        self.position = self.history.position_at(self.clock() - LONGEST - GRACE)
        while batch := self.history.read(self.position, 5_000, TOPICS):
            self.learn(CATALOG.decode(row.topic, row.state) for row in batch)
            self.position = batch[-1].position

    async def follow(self) -> None:
        async for batch in self.history.follow(self.position, TOPICS, most_rest_s=SOON_S):
            self.learn(CATALOG.decode(row.topic, row.state) for row in batch)
            for event in (CATALOG.decode(row.topic, row.state) for row in batch):
                if isinstance(event, Command.Requested) and (session := self.held(event.station_id)):
                    self.deliver(session)

    def learn(self, events: Iterable[Event]) -> None:
        """Keep what is not final; our own events come back here too and change nothing."""
        for event in events:
            errand = self.errands.get(event.originator_id)
            if errand is None and isinstance(event, Command.Requested):
                errand = Errand(Command(event.originator_id), self.journal, self.clock, self.told)
                self.errands[event.originator_id] = errand
            if errand is not None and event.originator_version > errand.command.version:
                errand.command.replay([event])
            if errand is not None and errand.command.final:
                del self.errands[event.originator_id]

    def deliver(self, session: Session) -> None:
        """Give a station that is here its waiting commands, oldest first."""
        for errand in self.errands.values():
            if (
                errand.command.station_id == session.station_id
                and errand.command.status == "requested"
                and session.line
            ):
                session.line.order(errand)

    async def expire(self, every_s: float = 0.5) -> None:
        """End what nobody could send or answer in time."""
        while True:
            await asyncio.sleep(every_s)
            for errand in [errand for errand in self.errands.values() if errand.due and not errand.command.final]:
                self.end(errand)

    def end(self, errand: Errand) -> None:
        timer = Timer(rule="command deadline")
        session = self.held(errand.command.station_id)
        if errand.command.status == "sent":
            if session is None or session.line is None:
                errand.close(Command.Failed, "the gateway that sent it did not record an answer", timer)
        elif session is not None and session.line is not None:
            errand.close(Command.Expired, "the station was busy with other commands until the deadline", timer)
        else:
            errand.close(Command.Expired, "the station was not connected before the deadline", timer)
