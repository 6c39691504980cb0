"""Payers, sellers, sponsorships, allowances and rules of benefit: saying them, and knowing what held at any time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import TypeVar
from uuid import uuid4

from application.amend import amend
from application.history import History
from application.journal import Journal
from application.price import Dated, Pricebook
from domain.aggregate import Aggregate
from domain.allowance import Allowance
from domain.allowance import stream as allowance_stream
from domain.badge import Badge
from domain.badge import fold as same_badge
from domain.benefit import BenefitRule, valued
from domain.benefit import stream as benefit_stream
from domain.bill import Account, Benefit, Reimbursement
from domain.catalog import CATALOG, Recorded, events
from domain.event import Event, Operator, Refusal
from domain.payer import Details, Payer
from domain.payer import stream as payer_stream
from domain.price import Priced
from domain.seller import Details as SellerDetails
from domain.seller import Seller
from domain.seller import stream as seller_stream
from domain.site import zone
from domain.sponsorship import Sponsorship, sponsor
from domain.sponsorship import stream as sponsorship_stream
from domain.usage import Facts

SAID: tuple[type[Aggregate], ...] = (Payer, Seller, Sponsorship, Allowance, BenefitRule)
KINDS: list[type[Event]] = [*(kind for each in SAID for kind in events(each)), Badge.Assigned, Badge.Unassigned]
TOPICS = tuple(name for kind in KINDS for name in CATALOG.names(kind))
A = TypeVar("A", bound=Aggregate)


class Payerbook:
    """Follows who pays for whom; safe to be asked from several threads."""

    def __init__(self, history: History, book: Pricebook) -> None:
        self.history = history
        self.book = book
        self.position = 0
        self.lock = threading.Lock()
        self.known: dict[type[Aggregate], dict[str, Aggregate]] = {kind: {} for kind in SAID}
        self.holders: dict[str, Dated[str | None]] = {}

    def load(self) -> None:
        """Learn what was said since the last time."""
        with self.lock:
            while batch := self.history.read(self.position, 5_000, TOPICS):
                self.learn(batch)

    def learn(self, batch: Iterable[Recorded]) -> None:
        for row in batch:
            event = CATALOG.decode(row.topic, row.state)
            match event:
                case Badge.Assigned():
                    self.hold(row.stream, event.recorded_at, event.driver_id)
                case Badge.Unassigned():
                    self.hold(row.stream, event.recorded_at, None)
                case _:
                    kind = next(each for each in SAID if isinstance(event, tuple(events(each))))
                    self.known[kind].setdefault(row.stream, kind(row.stream)).replay([event])
            self.position = row.position

    def hold(self, stream: str, at: datetime, driver_id: str | None) -> None:
        badge = same_badge(stream.partition("/")[2])
        self.holders.setdefault(badge, Dated()).add(at, driver_id)

    def all(self, kind: type[A]) -> list[A]:
        return [each for each in self.known[kind].values() if isinstance(each, kind)]

    def payer(self, payer_id: str) -> Details | None:
        found = self.known[Payer].get(payer_stream(payer_id))
        return found.details if isinstance(found, Payer) else None

    def seller(self, seller_id: str) -> SellerDetails | None:
        found = self.known[Seller].get(seller_stream(seller_id))
        return found.details if isinstance(found, Seller) else None

    def driver(self, badge: str | None, at: datetime) -> str | None:
        """Who held a badge then."""
        known = self.holders.get(same_badge(badge)) if badge else None
        return known.at(at) if known else None

    def account(self, facts: Facts) -> Account:
        """Who a charge is for, by what held when it began; a badge unknown then counts as known when we were told."""
        assert facts.began_at is not None
        badge = same_badge(facts.badge or "")
        driver_id = self.driver(badge, since(self.holders.get(badge), facts))
        group = self.book.group(badge, since(self.book.groups.get(badge), facts))
        found = sponsor(self.all(Sponsorship), driver_id, group, facts.began_at)
        said = found.granted if found else None
        return Account(
            payer_id=said.payer_id if said else None, sponsorship_id=found.sponsorship_id if found else None,
            cost_centre=said.cost_centre if said else None, group=group, driver_id=driver_id,
        )  # fmt: skip

    def month(self, account: Account, station_id: str, at: datetime) -> str:
        """The month of whoever pays; where nobody does, that of the site."""
        payer = self.payer(account.payer_id) if account.payer_id else None
        name = payer.time_zone if payer else self.book.zone(station_id, at)
        return at.astimezone(zone(name)).strftime("%Y-%m")

    def worth(self, facts: Facts, account: Account, price: Priced) -> tuple[Reimbursement | None, Benefit | None]:
        """What a charge means for the employee who charged."""
        day = price.end.astimezone(zone(self.book.zone(facts.station_id, price.end))).date()
        for allowance in sorted(self.all(Allowance), key=lambda each: each.id):
            if allowance.holds(account.driver_id, facts.badge, facts.station_id, day):
                return allowance.reimburse(price.energy_kwh), None
        said = self.known[Sponsorship].get(sponsorship_stream(account.sponsorship_id or ""))
        employer = isinstance(said, Sponsorship) and said.granted is not None and said.granted.employer
        if account.driver_id is None or not employer:
            return None, None
        site = self.book.site(facts.station_id, price.end)
        return None, valued(self.all(BenefitRule), account.driver_id, site, day, price)


def since(known: Dated[str | None] | None, facts: Facts) -> datetime:
    """As of when to ask about the badge of a charge."""
    assert facts.began_at is not None
    assert facts.heard_at is not None
    return facts.heard_at if known and known.times[0] > facts.began_at else facts.began_at


class Payers:
    """Every method returns once the change is durable; raises Refusal."""

    def __init__(self, journal: Journal, book: Payerbook, clock: Callable[[], datetime]) -> None:
        self.journal = journal
        self.book = book
        self.clock = clock

    async def register(self, payer_id: str | None, details: Details, by: str) -> Payer:
        """Make a payer known, or say anew who it is."""
        name = payer_stream(payer_id or str(uuid4()))
        return await self.change(
            lambda: Payer(name), lambda payer: payer.register(details, Operator(name=by), self.clock())
        )

    async def register_seller(self, seller_id: str, details: SellerDetails, by: str) -> Seller:
        return await self.change(
            lambda: Seller(seller_stream(seller_id)),
            lambda seller: seller.register(details, Operator(name=by), self.clock()),
        )

    async def grant(
        self, payer_id: str, driver_id: str | None, group: str | None, cost_centre: str | None, employer: bool,
        starts_at: datetime | None, ends_at: datetime | None, by: str,
    ) -> Sponsorship:  # fmt: skip
        """Raises Refusal where there is no such payer."""
        await asyncio.to_thread(self.book.load)
        if self.book.payer(payer_id) is None:
            raise Refusal(f"there is no payer {payer_id}")
        name = sponsorship_stream(str(uuid4()))
        return await self.change(
            lambda: Sponsorship(name),
            lambda each: each.grant(
                payer_id, driver_id, group, cost_centre, employer, starts_at, ends_at, Operator(name=by), self.clock()
            ),
        )

    async def end_sponsorship(self, sponsorship_id: str, ends_at: datetime | None, by: str) -> Sponsorship:
        return await self.change(
            lambda: Sponsorship(sponsorship_stream(sponsorship_id)),
            lambda each: each.end(ends_at, Operator(name=by), self.clock()),
        )

    async def agree(
        self, driver_id: str, station_id: str, rate: Decimal, currency: str, starts_on: date, ends_on: date | None,
        legal_basis: str, without_badge: bool, by: str,
    ) -> Allowance:  # fmt: skip
        name = allowance_stream(str(uuid4()))
        return await self.change(
            lambda: Allowance(name),
            lambda each: each.agree(
                driver_id, station_id, rate, currency, starts_on, ends_on, legal_basis, without_badge,
                Operator(name=by), self.clock(),
            ),
        )  # fmt: skip

    async def end_allowance(self, allowance_id: str, ends_on: date, by: str) -> Allowance:
        return await self.change(
            lambda: Allowance(allowance_stream(allowance_id)),
            lambda each: each.end(ends_on, Operator(name=by), self.clock()),
        )

    async def rule(
        self, rule_id: str, percent: Decimal, starts_on: date, ends_on: date | None, sites: tuple[str, ...],
        legal_basis: str, by: str,
    ) -> BenefitRule:  # fmt: skip
        return await self.change(
            lambda: BenefitRule(benefit_stream(rule_id)),
            lambda each: each.rule(percent, starts_on, ends_on, sites, legal_basis, Operator(name=by), self.clock()),
        )

    async def repeal(self, rule_id: str, by: str) -> BenefitRule:
        return await self.change(
            lambda: BenefitRule(benefit_stream(rule_id)),
            lambda each: each.repeal(Operator(name=by), self.clock()),
        )

    async def change(self, blank: Callable[[], A], decide: Callable[[A], None]) -> A:
        changed = await amend(self.journal, self.book.history, blank, decide)
        await asyncio.to_thread(self.book.load)
        return changed
