"""The gateway: the stations connected to this process, each with its session."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from datetime import UTC, datetime

from application.history import History
from application.journal import Fenced
from application.log import about
from application.ports import Credentials, Line
from application.session import Rules, Session
from application.snapshot import load, restore
from domain.aggregate import Aggregate
from domain.catalog import CATALOG
from domain.event import Connection, Event, Message, Refusal, Timer
from domain.station import Station
from domain.station import stream as station_stream
from domain.transaction import Transaction
from domain.transaction import stream as transaction_stream

AT_ONCE = 50
"""So many stations of a gateway that is gone are laid down together: their events share commits."""
log = logging.getLogger("bornier.gateway")


class Gateway:
    """Opens and ends sessions. One per process."""

    def __init__(
        self,
        name: str,
        rules: Rules,
        history: History,
        credentials: Credentials,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.name = name
        self.rules = rules
        self.history = history
        self.credentials = credentials
        self.clock = clock
        self.sessions: dict[str, Session] = {}
        self.opening: dict[str, asyncio.Lock] = {}
        self.settled: Callable[[Session], None] = lambda session: None

    async def open(self, station_id: str, cause: Connection, ocpp_version: str, line: Line) -> Session:
        """The session of a station for a new connection; an older connection of it is hung up. Raises Fenced rarely."""
        lock = self.opening.setdefault(station_id, asyncio.Lock())
        try:
            async with lock:
                session = self.sessions.get(station_id)
                if session is None or session.writer.fenced:
                    session = await self.restore(station_id)
                    self.sessions[station_id] = session
                if session.station.admission(self.rules.unknown_stations) == "Rejected":
                    del self.sessions[station_id]
                    raise Refusal(f"station {station_id} is not registered")
                session.connect(line, cause, ocpp_version, self.clock())
                await self.flush(session)
                with about(station_id=station_id, connection_id=cause.connection_id):
                    log.info("station %s is connected with OCPP %s from %s", station_id, ocpp_version, cause.address)
        finally:
            if not lock.locked():
                self.opening.pop(station_id, None)
        return session

    async def flush(self, session: Session) -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        session.commit(lambda error: done.set_exception(error) if error else done.set_result(None))
        await done

    async def restore(self, station_id: str) -> Session:
        return await asyncio.to_thread(self.read, station_id)

    async def reload(self, session: Session) -> None:
        """Read a session's aggregates again, after everything it handed to the journal is durable."""
        await self.flush(session)
        fresh = await self.restore(session.station_id)
        session.station, session.transactions = fresh.station, fresh.transactions
        session.others.clear()

    def read(self, station_id: str) -> Session:
        """A session as the history tells it: the station and its open transactions."""
        station, recent = restore(self.history, Station(station_stream(station_id)))
        heard = list(recent)
        transactions = {}
        for known in station.transactions.values():
            if known.open:
                events = self.events(transaction_stream(known.transaction_id))
                transactions[known.transaction_id] = Transaction(events[0].originator_id).replay(events)
                heard += events
        session = Session(station, transactions, self.rules)
        remember(session, heard)
        return session

    async def load(self, session: Session, kind: type[Aggregate], stream: str) -> None:
        """One more stream of a station, as the history tells it, and the answer that its latest event went with."""
        aggregate, recent = await asyncio.to_thread(load, self.history, kind(stream))
        session.keep(aggregate)
        cause = recent[-1].cause if recent else None
        if isinstance(cause, Message) and (cause.message_id, cause.action) not in session.answers:
            session.remember(cause)

    def events(self, stream: str) -> list[Event]:
        return [CATALOG.decode(row.topic, row.state) for row in self.history.stream(stream)]

    def close(self, session: Session, line: Line, reason: str, cause: Connection, close_code: int | None) -> None:
        """A connection is gone; the session ends with it once that is recorded."""
        if session.disconnect(line, reason, cause, self.clock(), close_code):
            with about(station_id=session.station_id, connection_id=cause.connection_id):
                log.info("station %s is disconnected: %s", session.station_id, reason)
            session.commit(lambda error: self.forget(session))

    def forget(self, session: Session) -> None:
        gone = session.line is None or session.writer.fenced
        if gone and self.sessions.get(session.station_id) is session:
            del self.sessions[session.station_id]

    async def disown(self, gateway: str, station_ids: list[str]) -> None:
        """Stations that the history believes connected to a gateway that is gone are not."""
        for at in range(0, len(station_ids), AT_ONCE):
            await asyncio.gather(*(self.lay_down(gateway, each) for each in station_ids[at : at + AT_ONCE]))

    async def lay_down(self, gateway: str, station_id: str) -> None:
        station, _ = await asyncio.to_thread(restore, self.history, Station(station_stream(station_id)))
        if station.connection_id is None or station.gateway != gateway:
            return
        station.disconnect("the gateway stopped without saying so", Timer(rule="gateway gone"), self.clock())
        with contextlib.suppress(Fenced):
            await self.rules.journal.record(station.collect_events())


def remember(session: Session, events: list[Event]) -> None:
    """Fill the memory of answers from recorded messages, so that a retry after our restart is still a retry."""
    messages = {}
    for event in sorted(events, key=lambda event: event.recorded_at)[-64:]:
        if isinstance(event.cause, Message):
            messages[event.cause.message_id, event.cause.action] = event.cause
    for message in messages.values():
        session.remember(message)
