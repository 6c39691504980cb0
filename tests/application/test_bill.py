"""Every charge that is over is rated once, whoever rates, however often they are killed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar, cast

import pytest

from application.bill import Bills, Rater
from application.history import History
from application.journal import Journal
from application.payer import Payerbook, Payers
from application.price import Pricebook, Prices
from application.store import Store
from domain.assignment import Assignment, Scope
from domain.badge import Badge, Terms
from domain.bill import Bill, stream
from domain.catalog import CATALOG
from domain.event import Event, Operator, Refusal
from domain.meter import Reading
from domain.payer import Details
from domain.station import Station
from domain.tariff import Component, Element, Tariff
from domain.tariff import Terms as Content
from domain.transaction import Transaction

ANNA = Operator(name="anna")
BEGIN = datetime(2026, 10, 5, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
T = TypeVar("T")


@dataclass
class Office:
    """Bills on a real store."""

    store: Store
    journal: Journal
    history: History
    book: Pricebook
    bills: Bills
    payers: Payers
    now: datetime = BEGIN + 40 * 24 * HOUR

    def again(self) -> Bills:
        """Another process: it knows nothing but the history."""
        book = Pricebook(self.history, "Europe/Paris")
        return Bills(self.journal, self.history, Prices(self.history, book), Payerbook(self.history, book), self.clock)

    def clock(self) -> datetime:
        return self.now

    async def say(self, *events: Event) -> None:
        await self.journal.record(events)

    async def rate(self, bills: Bills | None = None) -> None:
        await Rater(bills or self.again()).follow(until=self.history.head())

    def events(self, kind: type[Event]) -> list[Any]:
        rows = self.history.read(0, 100_000, CATALOG.names(kind))
        return [CATALOG.decode(row.topic, row.state) for row in rows]

    def bill(self, name: str) -> Bill:
        rows = self.history.stream(stream(name))
        return Bill(stream(name)).replay(CATALOG.decode(row.topic, row.state) for row in rows)

    def topics(self, name: str) -> list[str]:
        return [row.topic.split(".")[1] for row in self.history.stream(stream(name))]


def office(database: str, work: Callable[[Office], Awaitable[T]]) -> T:
    """Open one, do the work, close it."""

    async def run() -> T:
        store = Store(database)
        history = History(store.recorder)
        journal = Journal(store.recorder, store.mapper, history.advance)
        journal.start()
        book = Pricebook(history, "Europe/Paris")
        here = Office(store, journal, history, book, cast(Any, None), cast(Any, None))
        here.bills = here.again()
        here.payers = Payers(journal, here.bills.payers, here.clock)
        try:
            return await work(here)
        finally:
            await journal.stop()
            store.close()

    return asyncio.run(run())


def tariff(price: str = "0.25", at: datetime = BEGIN - HOUR, vat: int | None = 20) -> Sequence[Event]:
    made, everywhere = Tariff("tariff/T"), Assignment("assignment/1")
    energy = Component(type="ENERGY", price=Decimal(price), vat_percent=None if vat is None else Decimal(vat))
    made.publish(Content(currency="EUR", elements=(Element(components=(energy,)),)), ANNA, at)
    everywhere.assign("T", Scope(), at, None, ANNA, at)
    return [*made.collect_events(), *everywhere.collect_events()]


def charge(
    name: str, kwh: float = 10, at: datetime = BEGIN, badge: str = "B", station: str = "CP", stop: bool = True
) -> tuple[Transaction, Sequence[Event]]:
    """An hour at a station. `stop`: the station tells its last register."""
    made = Transaction(f"transaction/{name}")
    facts = {"station_id": station, "station_transaction_id": name, "evse_id": 1, "occurred_at": at, "badge": badge}
    made.start(ANNA, at, meter_start_wh=1000.0, **facts)
    made.meter((Reading(at=at + HOUR / 2, register_wh=1000 + 500 * kwh),), ANNA, at + HOUR)
    made.end(at + HOUR, "Local", 1000 + 1000 * kwh if stop else None, badge, (), ANNA, at + HOUR)
    return made, made.collect_events()


ON_SQLITE = pytest.mark.parametrize("ready", ["sqlite"], indirect=True)


def test_what_is_over_is_rated_once_whoever_looks_again(ready: str) -> None:
    async def work(here: Office) -> None:
        await here.say(*tariff(), *charge("one")[1])
        await asyncio.gather(here.rate(), here.rate())
        await here.rate()
        assert here.topics("one") == ["rated"]
        (rated,) = here.events(Bill.Rated)
        assert (rated.price.excl_vat, rated.price.incl_vat) == (Decimal("2.50"), Decimal("3.00"))
        rows = here.history.stream("transaction/one")
        assert (rated.source.first_position, rated.source.last_position) == (rows[0].position, rows[-1].position)
        assert rated.heard == rows[-1].position
        assert rated.source.month == "2026-10"
        live = here.bills.prices
        live.book.load()
        assert live.price("one", rows[-1].position) == rated.price

    office(ready, work)


@ON_SQLITE
def test_whoever_is_killed_at_any_bill_is_followed_by_one_that_goes_on(ready: str) -> None:
    async def work(here: Office) -> None:
        await here.say(*tariff(), *(event for n in range(6) for event in charge(f"t{n}", at=BEGIN + n * HOUR)[1]))
        for died_after in range(1, 4):
            bills, count = here.again(), 0
            settle = bills.settle

            async def dying(*given: Any, settle: Any = settle, after: int = died_after) -> Bill | None:
                nonlocal count
                count += 1
                if count > after:
                    raise OSError("killed")
                found: Bill | None = await settle(*given)
                return found

            bills.settle = dying  # type: ignore[method-assign,assignment]
            with pytest.raises(OSError, match="killed"):
                await here.rate(bills)
        await here.rate()
        assert sorted(event.transaction_id for event in here.events(Bill.Rated)) == [f"t{n}" for n in range(6)]

    office(ready, work)


@ON_SQLITE
def test_what_becomes_known_later_is_credited_and_rated_again(ready: str) -> None:
    async def work(here: Office) -> None:
        made, events = charge("late", stop=False)
        await here.say(*tariff(), *events)
        await here.rate()
        made.meter((Reading(at=BEGIN + HOUR * 0.9, register_wh=9000.0),), ANNA, BEGIN + 2 * HOUR)
        await here.say(*made.collect_events())
        await here.rate()
        await here.rate()
        assert here.topics("late") == ["rated", "credited", "rated"]
        first, second = here.bill("late").ratings
        assert (first.credited, first.price.excl_vat, second.price.excl_vat) == (True, Decimal("1.25"), Decimal("2.00"))

    office(ready, work)


@ON_SQLITE
def test_what_cannot_be_true_waits_for_a_person(ready: str) -> None:
    async def work(here: Office) -> None:
        made, events = charge("odd")
        await here.say(*tariff(), *events, *charge("fine")[1])
        made.end_again(BEGIN + HOUR, "Local", 12_000.0, ANNA, BEGIN + 2 * HOUR)
        await here.say(*made.collect_events())
        await here.rate()
        assert here.topics("odd") == ["rated", "credited", "withheld"] or here.topics("odd") == ["withheld"]
        with pytest.raises(Refusal, match="between 0 and 10,000"):
            await here.bills.release("odd", "seen", Decimal(-1), None, False, "anna")
        with pytest.raises(Refusal, match="say why"):
            await here.bills.release("odd", " ", None, None, False, "anna")
        with pytest.raises(Refusal, match="not withheld"):
            await here.bills.release("fine", "seen", None, None, False, "anna")
        released = await here.bills.release(
            "odd", "a photo shows more than we believe", Decimal(1100), None, False, "anna"
        )
        assert released.live is not None
        assert released.live.price.excl_vat == Decimal("275.00")
        await here.rate()
        assert here.bill("odd").live == released.live
        with pytest.raises(Refusal, match="not withheld"):
            await here.bills.release("odd", "again", None, None, True, "anna")

    office(ready, work)


@ON_SQLITE
def test_without_a_tariff_it_is_withheld_and_before_all_tariffs_there_is_no_bill(ready: str) -> None:
    async def work(here: Office) -> None:
        await here.say(*charge("before", at=BEGIN - 9 * HOUR)[1], *tariff())
        revoked = Assignment("assignment/1").replay(
            CATALOG.decode(row.topic, row.state) for row in here.history.stream("assignment/1")
        )
        revoked.revoke(ANNA, BEGIN - HOUR / 2)
        await here.say(*revoked.collect_events(), *charge("none")[1], *charge("free", at=BEGIN + HOUR)[1])
        await here.rate()
        assert (here.topics("before"), here.topics("none")) == ([], ["withheld"])
        waived = await here.bills.release("free", "a gift", None, None, True, "anna")
        under = await here.bills.release("none", "agreed by mail", None, "T", False, "anna")
        assert waived.live is not None
        assert under.live is not None
        assert (waived.live.price.incl_vat, under.live.price.incl_vat) == (Decimal("0.00"), Decimal("3.00"))

    office(ready, work)


@ON_SQLITE
def test_a_free_charge_is_rated_at_nothing(ready: str) -> None:
    async def work(here: Office) -> None:
        await here.say(*tariff("0"), *charge("free")[1])
        await here.rate()
        (rated,) = here.events(Bill.Rated)
        assert (rated.price.incl_vat, rated.price.energy_kwh) == (Decimal("0.00"), Decimal(10))

    office(ready, work)


@ON_SQLITE
def test_who_pays_is_who_held_the_badge_and_who_sponsored_them_when_it_began(ready: str) -> None:
    async def work(here: Office) -> None:
        badge = Badge("badge/B")
        badge.register("B", Terms(group="fleet"), ANNA, BEGIN - 2 * HOUR)
        badge.assign("dora", ANNA, BEGIN - HOUR)
        badge.unassign("left", ANNA, BEGIN + 5 * HOUR)
        badge.assign("emil", ANNA, BEGIN + 5 * HOUR)
        await here.say(*tariff(), *badge.collect_events())
        for name in ("acme", "group"):
            await here.payers.register(name, Details(full_name=name, time_zone="Pacific/Auckland"), "anna")
        early = BEGIN - HOUR
        await here.payers.grant("acme", "dora", None, "R&D", True, early, None, "anna")
        await here.payers.grant("group", None, "fleet", None, False, early, None, "anna")
        with pytest.raises(Refusal, match="one driver or for one badge group"):
            await here.payers.grant("group", None, None, None, False, early, None, "anna")
        with pytest.raises(Refusal, match="no payer nobody"):
            await here.payers.grant("nobody", "dora", None, None, False, early, None, "anna")
        night = datetime(2026, 10, 31, 15, 0, tzinfo=UTC)
        await here.say(*charge("dora")[1], *charge("emil", at=night)[1])
        await here.rate()
        one, two = here.bill("dora").live, here.bill("emil").live
        assert one is not None
        assert two is not None
        assert (one.account.payer_id, one.account.driver_id, one.account.cost_centre) == ("acme", "dora", "R&D")
        assert (two.account.payer_id, two.account.driver_id, two.account.group) == ("group", "emil", "fleet")
        assert two.source.month == "2026-11"

    office(ready, work)


@ON_SQLITE
def test_what_a_charge_means_for_the_employee_follows_from_dated_rules(ready: str) -> None:
    async def work(here: Office) -> None:
        badge, station = Badge("badge/B"), Station("station/CP")
        badge.assign("dora", ANNA, BEGIN - HOUR)
        station.register("office", ANNA, BEGIN - HOUR)
        await here.say(*tariff(), *badge.collect_events(), *station.collect_events())
        await here.payers.register("acme", Details(full_name="ACME"), "anna")
        await here.payers.grant("acme", "dora", None, None, True, BEGIN - HOUR, None, "anna")
        last = date(2026, 10, 5)
        await here.payers.rule("work", Decimal(0), date(2025, 1, 1), last, ("office",), "the law", "anna")
        await here.payers.rule("half", Decimal(50), date(2025, 1, 1), last, (), "the other law", "anna")
        home = await here.payers.agree(
            "dora", "HOME", Decimal("0.2062"), "EUR", date(2026, 10, 1), None, "contract", False, "anna"
        )
        day = timedelta(days=1)
        await here.say(
            *charge("work")[1], *charge("away", station="X")[1], *charge("over", at=BEGIN + day)[1],
            *charge("home", kwh=11, station="HOME")[1], *charge("other", badge="Z", station="HOME")[1],
        )  # fmt: skip
        await here.rate()
        worth = {name: here.bill(name).worth.get(1, (None, None)) for name in ("work", "away", "over", "home", "other")}
        found = {name: (benefit.value, benefit.rule_id) for name, (_, benefit) in worth.items() if benefit}
        assert found == {
            "work": (Decimal("0.00"), "work"), "away": (Decimal("1.50"), "half"), "over": (Decimal("3.00"), None),
        }  # fmt: skip
        back = worth["home"][0]
        assert back is not None
        assert (back.amount, back.energy_kwh, back.allowance_id) == (Decimal("2.27"), Decimal(11), home.allowance_id)
        assert worth["other"] == (None, None)
        await here.payers.rule("work", Decimal(10), date(2025, 1, 1), None, ("office",), "the new law", "anna")
        await here.bills.review(["work"], ANNA)
        assert here.topics("work") == ["rated", "valued", "valued"]

    office(ready, work)
