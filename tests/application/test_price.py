"""Which tariff a charge began with, and that every way to tell of a charge gives the same price."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from adapters.ocpi.tariff import read
from application.history import History
from application.price import NO_TARIFF, Offer, Pricebook, Prices
from application.quote import Wish, quote
from domain.assignment import Assignment, Scope
from domain.badge import Badge, Terms
from domain.catalog import Recorded
from domain.event import Event, Operator, Refusal
from domain.label import label
from domain.price import Priced, Unpriced
from domain.reservation import Reservation
from domain.restriction import Calendar
from domain.site import Details, Site
from domain.station import Station
from domain.tariff import Component, Element, Restriction, Tariff
from domain.tariff import Terms as Content
from tests.history import Notebook, Talk

ANNA = Operator(name="anna")
MONDAY = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Rows:
    """A history that is a list."""

    def __init__(self, events: Sequence[Event]) -> None:
        notebook = Notebook()
        notebook.events = list(events)
        self.rows = notebook.rows()

    def read(self, after: int, limit: int, topics: Sequence[str] = (), stream: str | None = None) -> list[Recorded]:
        return [
            row for row in self.rows
            if row.position > after and (not topics or row.topic in topics) and stream in (None, row.stream)
        ][:limit]  # fmt: skip

    def stream(self, stream: str) -> list[Recorded]:
        return self.read(0, len(self.rows), stream=stream)

    async def read_patiently(self, after: int, topics: Sequence[str], stream: str | None) -> list[Recorded]:
        return self.read(after, 3, topics, stream)


class House:
    """Tariffs and where they hold, decided one after the other."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.tariffs: dict[str, Tariff] = {}
        self.assigned = 0

    def publish(self, name: str, at: datetime, price: str = "0.25", **more: Any) -> None:
        tariff = self.tariffs.setdefault(name, Tariff(f"tariff/{name}"))
        elements = (Element(components=(Component(type="ENERGY", price=Decimal(price)),)),)
        tariff.publish(Content(currency="EUR", elements=elements, **more), ANNA, at)
        self.events += tariff.collect_events()

    def withdraw(self, name: str, at: datetime) -> None:
        self.tariffs[name].withdraw(None, ANNA, at)
        self.events += self.tariffs[name].collect_events()

    def assign(self, name: str, at: datetime, starts_at: datetime | None = None, **scope: Any) -> Assignment:
        self.assigned += 1
        made = Assignment(f"assignment/{self.assigned}")
        made.assign(name, Scope(**scope), starts_at, None, ANNA, at)
        self.events += made.collect_events()
        return made

    def place(self, station_id: str, site: str, at: datetime, time_zone: str | None = None) -> None:
        station, known = Station(f"station/{station_id}"), Site(f"site/{site}")
        station.register(site, ANNA, at)
        known.register(Details(name=site, time_zone=time_zone), ANNA, at)
        self.events += [*station.collect_events(), *known.collect_events()]

    def group(self, badge: str, group: str | None, at: datetime, known: Badge | None = None) -> Badge:
        known = known or Badge(f"badge/{badge}")
        known.register(badge, Terms(group=group), ANNA, at)
        self.events += known.collect_events()
        return known

    @property
    def book(self) -> Pricebook:
        book = Pricebook(cast(History, Rows(sorted(self.events, key=lambda e: e.recorded_at))), "Europe/Paris")
        book.load()
        book.load()
        return book

    def offer(self, at: datetime, heard: datetime | None = None, badge: str | None = None) -> Offer | None:
        return self.book.offer("CP", 1, badge, at, heard or at)

    def version(self, at: datetime, heard: datetime | None = None, badge: str | None = None) -> tuple[str, int] | None:
        found = self.offer(at, heard, badge)
        return (found.tariff_id, found.version) if found else None


def test_nothing_assigned_nothing_priced() -> None:
    house = House()
    house.publish("T", MONDAY)
    assert house.version(MONDAY + HOUR) is None


def test_a_charge_takes_the_version_of_when_it_began() -> None:
    house = House()
    house.publish("T", MONDAY)
    house.assign("T", MONDAY)
    house.publish("T", MONDAY + 2 * HOUR, "0.50")
    assert house.version(MONDAY + HOUR) == ("T", 1)
    assert house.version(MONDAY + HOUR, heard=MONDAY + 5 * HOUR) == ("T", 1)
    assert house.version(MONDAY + 2 * HOUR) == ("T", 2)


def test_a_version_waits_for_its_time_and_ends_with_it() -> None:
    house = House()
    house.publish("T", MONDAY)
    house.assign("T", MONDAY)
    house.publish("T", MONDAY + HOUR, "0.5", starts_at=MONDAY + 3 * HOUR, ends_at=MONDAY + 5 * HOUR)
    found = [house.version(MONDAY + hours * HOUR) for hours in (2, 3, 5)]
    assert found == [("T", 1), ("T", 2), None]


def test_a_withdrawn_tariff_gives_way_to_the_wider_one() -> None:
    house = House()
    for name in ("WIDE", "NARROW"):
        house.publish(name, MONDAY)
    house.assign("WIDE", MONDAY)
    house.assign("NARROW", MONDAY, station_id="CP")
    house.withdraw("NARROW", MONDAY + 2 * HOUR)
    assert [house.version(MONDAY + hours * HOUR) for hours in (1, 2)] == [("NARROW", 1), ("WIDE", 1)]


def test_what_decides_is_the_group_of_the_badge_when_the_charge_began() -> None:
    house = House()
    for name in ("ALL", "FLEET"):
        house.publish(name, MONDAY)
    house.assign("ALL", MONDAY)
    house.assign("FLEET", MONDAY, group="fleet")
    badge = house.group("b1", "fleet", MONDAY)
    house.group("b1", None, MONDAY + 2 * HOUR, badge)
    found = [house.version(MONDAY + hours * HOUR, badge="B1") for hours in (1, 2)]
    assert found == [("FLEET", 1), ("ALL", 1)]


def test_the_clock_is_that_of_the_site() -> None:
    house = House()
    house.publish("T", MONDAY)
    house.assign("T", MONDAY, site="porto")
    house.place("CP", "porto", MONDAY, "Europe/Lisbon")
    found = house.offer(MONDAY + HOUR)
    assert found is not None
    assert str(found.calendar.zone) == "Europe/Lisbon"
    assert house.book.zone("OTHER", MONDAY) == "Europe/Paris"


def test_what_is_assigned_later_holds_for_nothing_we_have_heard_of() -> None:
    house = House()
    house.publish("T", MONDAY)
    house.assign("T", MONDAY + 4 * HOUR, starts_at=MONDAY)
    assert house.version(MONDAY + HOUR) is None
    assert house.version(MONDAY + HOUR, heard=MONDAY + 5 * HOUR) == ("T", 1)


def test_what_began_before_there_were_tariffs_and_is_told_now_takes_what_holds_now() -> None:
    house = House()
    house.publish("T", MONDAY)
    house.assign("T", MONDAY)
    assert house.version(MONDAY - 1000 * HOUR, heard=MONDAY + HOUR) == ("T", 1)


# Charges as stations tell them.


def stamp(minute: float) -> str:
    return (MONDAY + timedelta(minutes=minute)).isoformat()


def told_in_16(talk: Talk) -> None:
    talk.boot()
    number = talk.say("StartTransaction", {"connectorId": 1, "idTag": "B", "meterStart": 1000, "timestamp": stamp(0)})
    for minute, wh in ((15, 6000), (30, 11_000)):
        sample = {"value": str(wh), "context": "Sample.Periodic"}
        line = {"timestamp": stamp(minute), "sampledValue": [sample]}
        talk.say("MeterValues", {"connectorId": 1, "transactionId": number["transactionId"], "meterValue": [line]})
    talk.say(
        "StopTransaction",
        {"transactionId": number["transactionId"], "meterStop": 11_000, "timestamp": stamp(50), "idTag": "B"},
    )


def messages2() -> list[dict[str, Any]]:
    """The same charge in OCPP 2.x, state by state."""
    lines = (
        ("Started", 0, 1000, "Charging", "Transaction.Begin"),
        ("Updated", 15, 6000, "Charging", "Sample.Periodic"),
        ("Updated", 30, 11_000, "SuspendedEV", "Sample.Periodic"),
        ("Updated", 40, 11_000, "SuspendedEV", "Sample.Periodic"),
        ("Ended", 50, 11_000, "EVConnected", "Transaction.End"),
    )
    return [
        {
            "eventType": kind,
            "timestamp": stamp(minute),
            "triggerReason": "MeterValuePeriodic",
            "seqNo": number,
            "transactionInfo": {"transactionId": "t", "chargingState": state},
            "evse": {"id": 1, "connectorId": 1},
            "idToken": {"idToken": "B", "type": "ISO14443"},
            "meterValue": [{"timestamp": stamp(minute), "sampledValue": [{"value": wh, "context": context}]}],
        }
        for number, (kind, minute, wh, state, context) in enumerate(lines)
    ]


def told_in_2(talk: Talk, order: Sequence[int] = range(5)) -> None:
    talk.boot()
    messages = messages2()
    for number in order:
        talk.say("TransactionEvent", messages[number])


def priced(notebook: Notebook, **scope: Any) -> Priced:
    """The only charge there is, under a tariff with an idle fee."""
    house = House()
    house.publish("T", MONDAY - HOUR)
    fee = Component(type="PARKING_TIME", price=Decimal(3))
    energy = Component(type="ENERGY", price=Decimal("0.25"))
    house.tariffs["T"].publish(
        Content(currency="EUR", elements=(Element(components=(energy, fee)),)), ANNA, MONDAY - HOUR
    )
    house.events += house.tariffs["T"].collect_events()
    house.assign("T", MONDAY - HOUR, **scope)
    history = cast(History, Rows([*house.events, *notebook.events]))
    book = Pricebook(history, "Europe/Paris")
    book.load()
    streams = {event.originator_id for event in notebook.events if event.originator_id.startswith("transaction/")}
    (name,) = streams
    found = Prices(history, book).price(name.partition("/")[2], 10**9)
    assert isinstance(found, Priced), found
    return found


def test_the_same_charge_costs_the_same_in_every_version() -> None:
    found = []
    for version in ("1.6", "2.0.1", "2.1"):
        notebook = Notebook()
        (told_in_16 if version == "1.6" else told_in_2)(Talk(notebook, "CP", version))
        found.append(priced(notebook))
    assert [each.incl_vat for each in found] == [Decimal("3.50")] * 3
    assert found[1] == found[2]
    assert {line.subject: line.quantity for line in found[0].lines} == {
        "ENERGY": 10, "PARKING_TIME": Decimal("0.333333"),
    }  # fmt: skip


@pytest.mark.parametrize("order", list(permutations(range(5)))[::7])
def test_an_offline_batch_costs_the_same_in_any_order(order: tuple[int, ...]) -> None:
    straight, mixed = Notebook(), Notebook()
    told_in_2(Talk(straight, "CP", "2.0.1"))
    told_in_2(Talk(mixed, "CP", "2.0.1"), order)
    assert priced(mixed).lines == priced(straight).lines


def test_a_reservation_belongs_to_the_charge_that_used_it() -> None:
    notebook, talk = Notebook(), None
    held = Reservation("reservation/7")
    held.request("CP", "B", MONDAY + HOUR, "anna", ANNA, MONDAY - HOUR / 2)
    held.place(ANNA, MONDAY - HOUR / 2)
    notebook.events += held.collect_events()
    talk = Talk(notebook, "CP")
    talk.boot()
    start = {"connectorId": 1, "idTag": "B", "meterStart": 0, "timestamp": stamp(0), "reservationId": 7}
    talk.say("StartTransaction", start)
    assert priced(notebook).reservation_h == Decimal("0.5")


def reserved(*ends: str) -> Priced | Unpriced | None:
    """A reservation of half an hour under a tariff with a fee for those that nobody came for."""
    house = House()
    fee = Element(
        components=(Component(type="FLAT", price=Decimal(4)),),
        restriction=Restriction(reservation="RESERVATION_EXPIRES"),
    )
    time = Element(
        components=(Component(type="TIME", price=Decimal(2)),), restriction=Restriction(reservation="RESERVATION")
    )
    house.tariffs["T"] = Tariff("tariff/T")
    house.tariffs["T"].publish(Content(currency="EUR", elements=(fee, time)), ANNA, MONDAY)
    house.events += house.tariffs["T"].collect_events()
    house.assign("T", MONDAY)
    held = Reservation("reservation/7")
    held.request("CP", "B", MONDAY + HOUR * 3 / 2, "anna", ANNA, MONDAY + HOUR)
    for end in ends:
        decide = {"place": held.place, "expire": held.expire, "cancel": held.cancel}[end]
        decide(ANNA, MONDAY + HOUR)
    history = cast(History, Rows([*house.events, *held.collect_events()]))
    book = Pricebook(history, "Europe/Paris")
    book.load()
    return Prices(history, book).expired(7)


def test_a_reservation_nobody_came_for_has_a_price_of_its_own() -> None:
    found = reserved("place", "expire")
    assert isinstance(found, Priced)
    assert {line.subject: line.excl_vat for line in found.lines} == {"RESERVATION_FLAT": 4, "RESERVATION_TIME": 1}
    assert reserved("place", "cancel") is None
    assert reserved("expire") is None


def test_without_a_tariff_there_is_no_price() -> None:
    notebook = Notebook()
    told_in_16(Talk(notebook, "CP"))
    history = cast(History, Rows(notebook.events))
    prices = Prices(history, Pricebook(history, "Europe/Paris"))
    (name,) = {e.originator_id for e in notebook.events if e.originator_id.startswith("transaction/")}
    assert prices.price(name.partition("/")[2], 10**9) == NO_TARIFF


# Quotes.


def test_a_quote_is_what_such_a_charge_costs() -> None:
    house = House()
    house.publish("T", MONDAY)
    house.assign("T", MONDAY)
    offer = house.offer(MONDAY)
    assert offer is not None
    assert quote(offer, MONDAY, Wish(Decimal(20_000), 60)).incl_vat == 5


def test_a_quote_knows_reservations_and_idle_time() -> None:
    house = House()
    booked = Element(
        components=(Component(type="TIME", price=Decimal(2)),), restriction=Restriction(reservation="RESERVATION")
    )
    fee = Element(components=(Component(type="PARKING_TIME", price=Decimal(3)),))
    house.tariffs["T"] = Tariff("tariff/T")
    house.tariffs["T"].publish(Content(currency="EUR", elements=(booked, fee)), ANNA, MONDAY)
    house.events += house.tariffs["T"].collect_events()
    house.assign("T", MONDAY)
    offer = house.offer(MONDAY)
    assert offer is not None
    assert quote(offer, MONDAY, Wish(Decimal(0), 0, 20, 30)).incl_vat == 2


@pytest.mark.parametrize("wish", [Wish(Decimal("NaN"), 1), Wish(Decimal(-1), 1), Wish(Decimal(1), -1)])
def test_a_quote_for_what_nobody_can_mean_is_refused(wish: Wish) -> None:
    house = House()
    house.publish("T", MONDAY)
    house.assign("T", MONDAY)
    offer = house.offer(MONDAY)
    assert offer is not None
    with pytest.raises(Refusal):
        quote(offer, MONDAY, wish)


def test_the_worked_example_of_the_page_is_true() -> None:
    page = (Path(__file__).parent.parent.parent / "docs" / "tariff.md").read_text("utf-8")
    found = re.search(r"\$ cat public.json\n(.*?)```", page, re.DOTALL)
    assert found is not None
    name, terms = read(found[1].encode())
    offer, noon = Offer(str(name), 1, Calendar(terms, ZoneInfo("Europe/Paris"))), MONDAY + 3 * HOUR
    price = quote(offer, noon, Wish(Decimal(20_000), 60, 40))
    assert f"| **{price.excl_vat}** | **{price.vat}** | **{price.incl_vat}** |" in page
    for line in price.lines:
        assert re.search(rf"\| {line.subject} \|.*\| {line.excl_vat} \| {line.vat} \| {line.incl_vat} \|", page)
    assert label(offer.calendar, noon) in page.replace("\n", " ")
