"""Transactions that stations left open, or ended under an id nobody knows: people settle them, or a rule does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from application.gateway import Gateway
from application.journal import Fenced
from application.session import NotLoaded, Session
from domain.event import AnyCause, Operator, Refusal, Timer

log = logging.getLogger("bornier.transaction")

TRIES = 5
EVERY_S = 60.0
SILENCE = "silent transaction"
Decide = Callable[[Session], None]


class Clerk:
    """Every method returns once the change is durable, and raises Refusal when a rule says no.

    A station that is connected here is asked through its session, the only writer of its streams. One that is connected
    to another gateway is fenced off there, and comes back.
    """

    def __init__(self, gateway: Gateway, clock: Callable[[], datetime]) -> None:
        self.gateway = gateway
        self.clock = clock

    async def bind(self, station_id: str, orphan: int, transaction_id: str, operator: str) -> None:
        """An end that nobody could place belongs to this transaction."""
        await self.settle(
            station_id,
            Operator(name=operator),
            lambda session: session.bind(orphan, session.transaction(transaction_id)),
        )

    async def close(self, station_id: str, transaction_id: str, reason: str, operator: str) -> None:
        """A transaction is over, whatever its station says or does not say."""
        await self.settle(
            station_id,
            Operator(name=operator),
            lambda session: session.close(session.transaction(transaction_id), reason),
        )

    async def close_silent(self, station_id: str, transaction_id: str, since: datetime) -> None:
        """Close what nothing was heard of for long, unless another gateway holds the station: then that one does."""

        def decide(session: Session) -> None:
            transaction = session.transaction(transaction_id)
            elsewhere = session.line is None and session.station.connection_id is not None
            heard_of = transaction.heard_at is None or transaction.heard_at >= since
            if transaction.open and not heard_of and not elsewhere:
                session.close(transaction, "Timeout")

        await self.settle(station_id, Timer(rule=SILENCE), decide)

    async def settle(self, station_id: str, cause: AnyCause, decide: Decide) -> None:
        """Load, decide, record; again when somebody else was quicker."""
        for _ in range(TRIES):
            session = self.gateway.sessions.get(station_id)
            if session is None or session.writer.fenced:
                session = await self.gateway.restore(station_id)
            await self.decide(session, cause, decide)
            try:
                await self.gateway.flush(session)
            except Fenced:
                continue
            return
        raise Refusal("somebody else keeps changing this; try again")

    async def decide(self, session: Session, cause: AnyCause, decide: Decide) -> None:
        while True:
            session.begin(cause, self.clock())
            try:
                decide(session)
            except NotLoaded as missing:
                await self.gateway.load(session, missing.kind, missing.stream)
            else:
                return


class Silence:
    """A process manager: closes transactions of which nothing was heard for `limit`. It knows no time but what it is
    told, and keeps nothing: the history says what is open."""

    def __init__(self, clerk: Clerk, silent: Callable[[datetime], Sequence[tuple[str, str]]], limit: timedelta) -> None:
        self.clerk = clerk
        self.silent = silent
        self.limit = limit

    async def look(self, now: datetime) -> None:
        """Close what is due now."""
        since = now - self.limit
        for station_id, transaction_id in await asyncio.to_thread(self.silent, since):
            try:
                await self.clerk.close_silent(station_id, transaction_id, since)
            except Refusal as refusal:
                log.warning("transaction %s of %s stays open: %s", transaction_id, station_id, refusal)

    async def watch(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            await self.look(self.clerk.clock())
