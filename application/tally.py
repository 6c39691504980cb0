"""Tallies: stations that can show it are told what a charge costs, live and at its end (OCPP 2.x, I02, I03).

The price is that of everybody else's, by the same fold; a charge without a price costs no station a wait.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from decimal import Decimal

from eventsourcing.persistence import InterfaceError, OperationalError

from application.command import Orders
from application.price import TALLY, Prices, Tally
from application.session import NotAsked, Session
from domain.event import Refusal
from domain.price import Priced
from domain.transaction import Transaction

log = logging.getLogger("bornier.tally")

NAME = "running cost"
DEADLINE_S = 30


def tallied(session: Session, station_transaction_id: str) -> Tally | None:
    """All that the price of a transaction depends on, before the message at hand; None where nothing has a price.

    Raises NotAsked the first time: it comes before anything is recorded for this message.
    """
    known, prices = session.station.find(station_transaction_id), session.rules.prices
    if prices is None or known is None or prices.book.first_at is None:
        return None
    if known.transaction_id not in session.tallies:
        raise NotAsked(TALLY, {"transaction_id": known.transaction_id})
    return session.tallies.pop(known.transaction_id)


def total(session: Session, transaction: Transaction, tally: Tally) -> float | None:
    """What a transaction costs with VAT, what has just been recorded included; None: it has no price."""
    assert session.rules.prices is not None
    for event in transaction.pending:
        tally.facts.learn(event)
    found = session.rules.prices.rate(tally)
    return float(found.incl_vat) if isinstance(found, Priced) else None


class Teller:
    """Tells stations of this gateway the running cost of their charges, whenever it has changed."""

    def __init__(self, orders: Orders, prices: Prices, sessions: Mapping[str, Session], interval_s: int) -> None:
        self.orders = orders
        self.prices = prices
        self.sessions = sessions
        self.interval_s = interval_s
        self.told: dict[str, tuple[int, Decimal | None]] = {}

    async def keep(self) -> None:
        """Round after round."""
        while True:
            await asyncio.sleep(self.interval_s)
            try:
                await self.round()
            except (OperationalError, InterfaceError) as error:
                log.warning("running costs are not told now: %s", str(error).strip())

    async def round(self) -> None:
        """Every open charge once; what is over is forgotten."""
        if self.prices.book.first_at is None:
            return
        open_now: dict[str, tuple[int, Decimal | None]] = {}
        for session in list(self.sessions.values()):
            for transaction in showing(session):
                open_now[transaction.transaction_id] = await self.tell(session, transaction)
        self.told = open_now

    async def tell(self, session: Session, transaction: Transaction) -> tuple[int, Decimal | None]:
        """The version that was priced, and the cost told for it."""
        transaction_id, version = transaction.transaction_id, transaction.version
        before = self.told.get(transaction_id, (0, None))
        if before[0] == version:
            return before
        found = self.prices.rate(await self.prices.tally(transaction_id))
        cost = found.incl_vat if isinstance(found, Priced) else None
        if cost is not None and cost != before[1]:
            wish = {"transaction_id": transaction_id, "total_cost": str(cost)}
            try:
                await self.orders.request(session.station_id, "costUpdated", wish, NAME, DEADLINE_S)
            except Refusal as refusal:
                log.warning("station %s is not told a cost: %s", session.station_id, refusal)
        return version, cost


def showing(session: Session) -> list[Transaction]:
    """Open charges of a connected station that can be told a cost."""
    if session.line is None or session.station.ocpp_version == "1.6":
        return []
    known = (session.transactions.get(each.transaction_id) for each in session.station.transactions.values())
    return [transaction for transaction in known if transaction is not None and transaction.open]
