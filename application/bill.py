"""Bills: every finished charge is rated once, by whichever process sits in the seat, from wherever the last one got."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from application.amend import amend
from application.history import History
from application.journal import Journal
from application.payer import Payerbook
from application.price import Prices, Tally
from domain.bill import Account, Bill, Source, nothing, stream
from domain.catalog import CATALOG, Recorded
from domain.event import AnyCause, Event, Operator, Refusal, Timer
from domain.price import Priced, Unpriced
from domain.transaction import Transaction
from domain.transaction import stream as transaction_stream
from domain.usage import Facts

log = logging.getLogger("bornier.bill")

ENDINGS: tuple[type[Event], ...] = (
    Transaction.Ended, Transaction.Superseded, Transaction.Closed, Transaction.Corrected, Transaction.Doubted,
    Transaction.StartConfirmed,
)  # fmt: skip
TOPICS = tuple(name for kind in ENDINGS for name in CATALOG.names(kind))
OUTCOMES: tuple[type[Event], ...] = (Bill.Rated, Bill.Withheld, Bill.Credited)
OURS = tuple(name for kind in OUTCOMES for name in CATALOG.names(kind))
FAR = 2**62
SEAT_S = 2.0
LATEST = 50


class Case(NamedTuple):
    """A finished charge, what it costs, and who it is for."""

    facts: Facts
    found: Priced | Unpriced
    source: Source
    account: Account


class Bills:
    """Rates charges; safe in several processes, because the stream of a bill takes one word only."""

    def __init__(
        self, journal: Journal, history: History, prices: Prices, payers: Payerbook, clock: Callable[[], datetime]
    ) -> None:
        self.journal = journal
        self.history = history
        self.prices = prices
        self.payers = payers
        self.clock = clock

    async def settle(self, transaction_id: str, heard: int | None, cause: AnyCause) -> Bill | None:
        """Rate a charge as far as it is over and began when there were tariffs; again when more is known of it."""
        case = await asyncio.to_thread(self.case, transaction_id)
        if case is None:
            return None

        def decide(bill: Bill) -> None:
            bill.settle(case.found, case.source, case.account, heard, cause, self.clock())
            self.value(bill, case.facts, cause)

        return await amend(self.journal, self.history, lambda: Bill(stream(transaction_id)), decide)

    def value(self, bill: Bill, facts: Facts, cause: AnyCause) -> None:
        """Say what the live rating means for the employee, by the rules there are now."""
        if (live := bill.live) is not None:
            bill.value(*self.payers.worth(facts, live.account, live.price), cause, self.clock())

    def case(self, transaction_id: str) -> Case | None:
        """Everything a bill depends on. Blocks."""
        rows = self.history.stream(transaction_stream(transaction_id))
        facts = Facts(CATALOG.decode(row.topic, row.state) for row in rows)
        began = self.prices.book.first_at
        if not rows or not facts.over or began is None or facts.heard_at is None or facts.heard_at < began:
            return None
        found = self.prices.rate(Tally(facts, self.prices.hold(facts)))
        account = self.payers.account(facts)
        end = facts.ended_at or facts.heard_at
        month = self.payers.month(account, facts.station_id, end)
        places = {"first_position": rows[0].position, "last_position": rows[-1].position}
        return Case(facts, found, Source(station_id=facts.station_id, month=month, **places), account)

    def refresh(self) -> None:
        """Know every tariff and every payer there is by now. Blocks."""
        self.prices.book.load()
        self.payers.load()

    async def release(
        self, transaction_id: str, reason: str, energy_kwh: Decimal | None, tariff_id: str | None, waived: bool, by: str
    ) -> Bill:
        """A person decides what a withheld charge costs. Raises Refusal when that gives no price either."""
        await asyncio.to_thread(self.refresh)
        case = await asyncio.to_thread(self.case, transaction_id)
        if case is None:
            raise Refusal("there is no bill of this transaction")
        price = self.accepted(case, energy_kwh, tariff_id, waived)
        cause, said = Operator(name=by), {"energy_kwh": energy_kwh, "tariff_id": tariff_id, "waived": waived}

        def decide(bill: Bill) -> None:
            bill.release(reason, price, case.source, case.account, cause, self.clock(), **said)
            self.value(bill, case.facts, cause)

        return await amend(self.journal, self.history, lambda: Bill(stream(transaction_id)), decide)

    def accepted(self, case: Case, energy_kwh: Decimal | None, tariff_id: str | None, waived: bool) -> Priced:
        """The price by the figures a person accepts."""
        facts = case.facts
        end = facts.ended_at or self.clock()
        begin = min(facts.started_at or end, end)
        if waived:
            return nothing("EUR", begin, end)
        if energy_kwh is not None:
            if not (energy_kwh.is_finite() and 0 <= energy_kwh <= 10_000):
                raise Refusal("the energy is between 0 and 10,000 kWh")
            facts.readings, facts.counted_at = [], None
            facts.meter_start_wh, facts.meter_stop_wh = 0.0, float(energy_kwh * 1000)
            facts.accepted = True
        facts.doubt = None
        book = self.prices.book
        at = facts.began_at or end
        under = None
        if tariff_id is not None:
            version = book.version(tariff_id, self.clock())
            if version is None:
                raise Refusal(f"there is no tariff {tariff_id} that holds now")
            offer = book.offered(tariff_id, version, facts.station_id, at)
            under = lambda _: offer  # noqa: E731
        found = self.prices.rate(Tally(facts, self.prices.hold(facts)), under)
        if isinstance(found, Unpriced):
            raise Refusal(f"with these figures it has no price either: {found.reason}")
        return found

    async def review(self, transaction_ids: Sequence[str], cause: AnyCause) -> int:
        """Rate anew what has heard of something since it was rated; returns how many were looked at again."""
        await asyncio.to_thread(self.refresh)
        for transaction_id in transaction_ids:
            await self.settle(transaction_id, None, cause)
        return len(transaction_ids)


class Rater:
    """Follows the ends of charges. It resumes at the last one it settled, and settles again what it is not sure of."""

    def __init__(self, bills: Bills, may: Callable[[], bool] = lambda: True) -> None:
        self.bills = bills
        self.history = bills.history
        self.may = may

    async def watch(self) -> None:
        """For ever; of several processes one rates."""
        while True:
            try:
                if await asyncio.to_thread(self.may):
                    await self.follow()
            except Exception as error:  # the database is away, or a fault of ours: said, and tried again
                log.warning("bills wait: %s", str(error).strip() or type(error).__name__)
            await asyncio.sleep(SEAT_S)

    async def follow(self, until: int | None = None) -> None:
        """Rate whatever ends, as long as the seat is ours."""
        after = await asyncio.to_thread(self.resume)
        async for batch in self.history.follow(after, TOPICS, until=until):
            if not await asyncio.to_thread(self.may):
                return
            await self.work(batch)

    async def work(self, batch: Iterable[Recorded]) -> None:
        """In the order of the history: the last outcome tells how far we got."""
        await asyncio.to_thread(self.bills.refresh)
        if self.bills.prices.book.first_at is None:
            return
        for row in batch:
            transaction_id = row.stream.partition("/")[2]
            await self.bills.settle(transaction_id, row.position, Timer(rule="rate what has ended"))

    def resume(self) -> int:
        """Before which position everything is settled. Blocks."""
        head = self.history.head()
        self.bills.refresh()
        if self.bills.prices.book.first_at is None:
            return head
        return max(self.reached(), self.history.position_at(self.bills.prices.book.first_at))

    def reached(self) -> int:
        """What the latest outcome was about that nobody asked for."""
        before = FAR
        while rows := self.history.between(0, before, LATEST, True, OURS):
            for row in sorted(rows, key=lambda row: row.position, reverse=True):
                heard = getattr(CATALOG.decode(row.topic, row.state), "heard", None)
                if heard is not None:
                    return int(heard) - 1
            before = min(row.position for row in rows)
        return 0
