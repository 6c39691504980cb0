"""Passwords of stations: a new one is offered, sent without ever being written down, and settled by the answer."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import string
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import uuid4

from application.amend import amend
from application.command import Orders
from application.history import History
from application.journal import Journal
from application.ports import Credentials
from domain.catalog import CATALOG
from domain.command import Command
from domain.event import Event, Operator, Order, Refusal
from domain.security import Security, stream

log = logging.getLogger("bornier.credential")

ACTION = "setPassword"
LENGTHS = range(16, 41)
GENERATED = 20
ALPHABET = string.ascii_letters + string.digits
PASSWORD = re.compile(r"[A-Za-z0-9*\-_=:+|@.,!#$%&/()?;<>{}\[\]~^'\"`\\]+")
TOPICS = tuple(
    name
    for kind in (Command.Requested, Command.Answered, Command.Refused, Command.Expired)
    for name in CATALOG.names(kind)
)
LOOKBACK = timedelta(hours=25)
AGAIN_S = 1.0


class Passwords:
    """Sets passwords through the stations themselves (A01), and learns from their answers which are void."""

    def __init__(
        self,
        journal: Journal,
        history: History,
        credentials: Credentials,
        orders: Orders,
        clock: Callable[[], datetime],
    ) -> None:
        self.journal = journal
        self.history = history
        self.credentials = credentials
        self.orders = orders
        self.clock = clock
        self.pending: dict[str, tuple[str, str]] = {}

    async def offer(
        self, station_id: str, password: str | None, operator: str, deadline_s: int | None
    ) -> tuple[str, tuple[str, Command.Requested, str | None]]:
        """Give a station a new password, made here when none is given; returns it and the command that carries it.

        The password itself is in no event and no command: both only name it.
        """
        new = generate() if password is None else checked(password)
        credential_id = str(uuid4())
        if await asyncio.to_thread(self.orders.exists, station_id):
            await self.credentials.offer(station_id, credential_id, new, self.clock())
            cause = Operator(name=operator)
            await self.amend(station_id, lambda s: s.offer(credential_id, cause, self.clock()))
        parameters = {"credential_id": credential_id, "length": len(new)}
        return new, await self.orders.request(station_id, ACTION, parameters, operator, deadline_s)

    async def follow(self) -> None:
        """Settle every offer by what became of its command. Silence settles nothing: the station may have taken it."""
        start = self.history.position_at(self.clock() - LOOKBACK)
        async for batch in self.history.follow(start, TOPICS):
            for row in batch:
                await self.patiently(CATALOG.decode(row.topic, row.state))

    async def patiently(self, event: Event) -> None:
        """However long the database is away: an answer that is forgotten would leave a void password valid."""
        while True:
            try:
                await self.learn(event)
                return
            except Exception as error:
                log.error("the answer to a new password is not settled yet: %s", error)
            await asyncio.sleep(AGAIN_S)

    async def learn(self, event: Event) -> None:
        if isinstance(event, Command.Requested):
            if event.action == ACTION:
                self.pending[event.originator_id] = (event.station_id, str(event.parameters.get("credential_id")))
        elif event.originator_id in self.pending:
            station_id, credential_id = self.pending[event.originator_id]
            taken = isinstance(event, Command.Answered) and event.accepted
            await self.credentials.conclude(credential_id, taken)
            if not taken:
                reason = str(getattr(event, "reason", None) or "the station did not say why")
                cause = Order(command_id=event.originator_id.removeprefix("command/"))
                await self.amend(station_id, lambda s: s.decline(credential_id, reason, cause, self.clock()))
            del self.pending[event.originator_id]

    async def amend(self, station_id: str, decide: Callable[[Security], None]) -> None:
        await amend(self.journal, self.history, lambda: Security(stream(station_id)), decide)


def generate() -> str:
    """20 characters, 119 bits: as long as OCPP 1.6 allows, and allowed everywhere."""
    return "".join(secrets.choice(ALPHABET) for _ in range(GENERATED))


def checked(password: str) -> str:
    """A password stations of OCPP 2.x accept (A00.FR.205). Raises Refusal, without repeating it."""
    if len(password) not in LENGTHS or not PASSWORD.fullmatch(password):
        raise Refusal("a password has 16 to 40 characters: letters, digits and signs, no spaces")
    return password
