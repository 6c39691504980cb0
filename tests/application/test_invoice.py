"""Invoices: gap-free numbers, documents that machines and people can read, and nothing billed twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from application.bill import Bills
from application.invoice import Invoices, Ledger
from application.store import Store
from domain.badge import Badge, Terms
from domain.bill import Bill
from domain.event import Event, Refusal
from domain.invoice import Invoice, Item
from domain.meter import Reading
from domain.payer import Details
from domain.seller import Details as SellerDetails
from domain.series import Series
from migrations.migrate import upgrade
from tests.application.test_bill import ANNA, BEGIN, HOUR, Office, charge, office, tariff

SELLER = SellerDetails(
    name="Bornes & Cie", legal_form="SAS", capital="10 000 €", siren="552100554", rcs="RCS Paris", city="Paris",
    vat_number="FR65552100554", address="1 rue de l’Énergie", postal_code="75001", penalty="3 fois le taux légal",
    early_payment="néant", iban="FR7630006000011234567890189", email="factures@example.org",
)  # fmt: skip
ACME = Details(
    full_name="ACME Mobilité", siren="732829320", vat_number="FR44732829320", address="2 avenue de la Gare",
    postal_code="69000", city="Lyon", email="compta@example.org",
)  # fmt: skip
ON_SQLITE = pytest.mark.parametrize("ready", ["sqlite"], indirect=True)


class Shelf:
    """Storage in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    async def write(self, key: str, chunks: AsyncIterator[bytes]) -> None:
        self.kept[key] = b"".join([chunk async for chunk in chunks])

    async def read(self, key: str, first: int, end: int) -> AsyncIterator[bytes]:
        async def pieces() -> AsyncIterator[bytes]:
            yield self.kept[key][first:end]

        return pieces()

    async def delete(self, key: str) -> None:
        self.kept.pop(key, None)


class Stamp:
    """A press that prints nothing but the number: fast."""

    def print(self, statement: Any) -> tuple[bytes, bytes]:
        return statement.number.encode(), b"<x/>"


def invoices(here: Office, shelf: Shelf, press: Any = None, bills: Bills | None = None) -> Invoices:
    bills = bills or here.again()
    return Invoices(
        here.journal, bills, Ledger(here.history), shelf, press or Stamp(), here.clock, "Europe/Paris"
    )  # fmt: skip


async def prepared(here: Office, *charges: Sequence[Event], vat: int | None = 20, payer: Details = ACME) -> None:
    """A tariff, a seller, and a payer for a badge group that has charged."""
    badge = Badge("badge/B")
    badge.register("B", Terms(group="fleet"), ANNA, BEGIN - HOUR)
    await here.say(*tariff(vat=vat), *badge.collect_events())
    await here.payers.register("acme", payer, "anna")
    await here.payers.register_seller("main", SELLER, "anna")
    await here.payers.grant("acme", None, "fleet", "R&D", False, BEGIN - HOUR, None, "anna")
    await here.say(*(event for each in charges for event in each))
    await here.rate()


def on(invoice: Invoice) -> list[str]:
    assert invoice.content is not None
    return [item.transaction_id for item in invoice.content.items]


@ON_SQLITE
def test_a_month_becomes_a_draft_and_a_draft_a_document(ready: str) -> None:
    async def work(here: Office) -> None:
        november = datetime(2026, 11, 2, tzinfo=UTC)
        await prepared(here, charge("a")[1], charge("b", 7.3, BEGIN + HOUR)[1], charge("c", at=november)[1])
        desk, shelf = invoices(here, shelf := Shelf()), shelf
        with pytest.raises(Refusal, match="is not over"):
            await desk.draft("2026-11", "anna")
        with pytest.raises(Refusal, match="written like"):
            await desk.draft("October", "anna")
        (draft,) = await desk.draft("2026-10", "anna")
        (same,) = await invoices(here, shelf).draft("2026-10", "bert")
        assert (draft.invoice_id, on(draft)) == (same.invoice_id, ["a", "b"])
        assert draft.content is not None
        assert draft.content.incl_vat == sum(here.bill(n).ratings[0].price.incl_vat for n in "ab")
        issued = await desk.issue(draft.invoice_id, "anna")
        assert issued.issued is not None
        assert issued.issued.number == "F2026-000001"
        assert await desk.read(issued.issued.pdf) == b"F2026-000001"
        assert issued.issued.due_on - issued.issued.issued_on == timedelta(days=30)
        assert await desk.draft("2026-10", "anna") == []
        with pytest.raises(Refusal, match="issued already, as F2026-000001"):
            await desk.issue(draft.invoice_id, "anna")
        assert len(shelf.kept) == 2

    office(ready, work)


def test_numbers_have_no_gap_and_no_double_however_many_issue_at_once(ready: str) -> None:
    async def work(here: Office) -> None:
        await prepared(here, *(charge(f"t{n}", at=BEGIN + n * HOUR)[1] for n in range(6)))
        for number in range(6):
            await here.payers.register(f"p{number}", ACME, "anna")
        shelf = Shelf()
        (draft,) = await invoices(here, shelf).draft("2026-10", "anna")
        assert draft.content is not None
        made = []
        for number in range(6):
            invoice = Invoice(f"invoice/{number}")
            items = (Item(f"t{number}", 1),)
            price = here.bill(f"t{number}").ratings[0].price
            sums = {"excl_vat": price.excl_vat, "vat": price.vat, "incl_vat": price.incl_vat}
            invoice.draw(msgspec.structs.replace(draft.content, items=items, **sums), ANNA, here.now)
            await here.say(*invoice.collect_events())
            made.append(invoice.invoice_id)
        desks = [invoices(here, shelf) for _ in range(3)]
        wishes = [desks[number // 2].issue(name, "anna") for number, name in enumerate(made)]
        wishes.append(desks[0].issue(made[0], "bert"))
        results = await asyncio.gather(*wishes, return_exceptions=True)
        for invoice in here.events(Invoice.Drafted)[1:]:  # who was too slow too often tries again
            if here.history.latest_of(invoice.originator_id)[0].topic == "invoice.drafted.v1":
                await desks[0].issue(invoice.originator_id.partition("/")[2], "anna")
        assert all(isinstance(result, Invoice | Refusal) for result in results), results
        numbers = [event.number for event in here.events(Series.Numbered)]
        assert numbers == list(range(1, 7))
        printed = sorted(event.number for event in here.events(Invoice.Issued))
        assert printed == [f"F2026-{number:06d}" for number in range(1, 7)]
        assert len(shelf.kept) == 12
        assert len({event.transaction_id for event in here.events(Bill.Invoiced)}) == 6

    office(ready, work)


@ON_SQLITE
def test_what_the_law_wants_is_asked_for_by_name(ready: str) -> None:
    async def work(here: Office) -> None:
        await prepared(here, charge("a")[1], payer=Details(full_name="ACME"))
        await here.payers.register_seller("main", SellerDetails(name="Bornes"), "anna")
        desk = invoices(here, Shelf())
        (draft,) = await desk.draft("2026-10", "anna")
        with pytest.raises(Refusal) as told:
            await desk.issue(draft.invoice_id, "anna")
        for words in ("seller: legal form", "seller: SIREN", "seller: VAT number", "payer: address", "payer: SIREN"):
            assert words in str(told.value)
        assert here.events(Series.Numbered) == []

    office(ready, work)


@ON_SQLITE
def test_a_correction_after_issue_is_a_credit_note_and_another_invoice(ready: str) -> None:
    async def work(here: Office) -> None:
        made, events = charge("late", stop=False)
        await prepared(here, events, charge("fine", at=BEGIN + 2 * HOUR)[1])
        desk = invoices(here, Shelf())
        (draft,) = await desk.draft("2026-10", "anna")
        first = await desk.issue(draft.invoice_id, "anna")
        made.meter((Reading(at=BEGIN + HOUR * 0.9, register_wh=9000.0),), ANNA, BEGIN + 2 * HOUR)
        await here.say(*made.collect_events())
        await here.rate()
        note, again = await desk.draft("2026-10", "anna")
        assert (note.content and note.content.kind, on(note), on(again)) == ("CREDIT_NOTE", ["late"], ["late"])
        credit, second = await desk.issue(note.invoice_id, "anna"), await desk.issue(again.invoice_id, "anna")
        numbers = [each.issued.number for each in (first, credit, second) if each.issued]
        assert numbers == ["F2026-000001", "A2026-000001", "F2026-000002"]
        assert [rating.invoice_id for rating in here.bill("late").ratings] == [first.invoice_id, second.invoice_id]
        assert await desk.draft("2026-10", "anna") == []

    office(ready, work)


@ON_SQLITE
def test_a_credited_invoice_goes_to_nothing_and_its_bills_on_another_or_none(ready: str) -> None:
    async def work(here: Office) -> None:
        await prepared(here, charge("a")[1])
        desk = invoices(here, Shelf())
        (draft,) = await desk.draft("2026-10", "anna")
        first = await desk.issue(draft.invoice_id, "anna")
        with pytest.raises(Refusal, match="say why"):
            await desk.credit(first.invoice_id, " ", True, "anna")
        note = await desk.credit(first.invoice_id, "wrong address", True, "anna")
        assert first.content is not None
        assert note.content is not None
        assert note.content.incl_vat == first.content.incl_vat
        with pytest.raises(Refusal, match="all of this invoice is credited"):
            await desk.credit(first.invoice_id, "again", True, "anna")
        with pytest.raises(Refusal, match="only an invoice"):
            await desk.credit(note.invoice_id, "no", True, "anna")
        (other,) = await desk.draft("2026-10", "anna")
        assert other.invoice_id != first.invoice_id
        await desk.issue(other.invoice_id, "anna")
        await desk.credit(other.invoice_id, "a gift", False, "anna")
        assert await desk.draft("2026-10", "anna") == []

    office(ready, work)


@ON_SQLITE
def test_a_draft_whose_bills_have_changed_is_not_issued(ready: str) -> None:
    async def work(here: Office) -> None:
        made, events = charge("late", stop=False)
        await prepared(here, events)
        desk = invoices(here, Shelf())
        (draft,) = await desk.draft("2026-10", "anna")
        made.meter((Reading(at=BEGIN + HOUR * 0.9, register_wh=9000.0),), ANNA, BEGIN + 2 * HOUR)
        await here.say(*made.collect_events())
        await here.rate()
        with pytest.raises(Refusal, match="draft again"):
            await desk.issue(draft.invoice_id, "anna")
        (fresh,) = await desk.draft("2026-10", "anna")
        assert here.events(Invoice.Dropped)[0].originator_id == draft.id
        await desk.issue(fresh.invoice_id, "anna")

    office(ready, work)


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kwh=some.lists(some.integers(0, 60_000), min_size=1, max_size=6),
    vat=some.sampled_from([None, 10, 20]),
)
def test_what_is_on_invoices_is_what_the_bills_come_to(tmp_path_factory: Any, kwh: list[int], vat: int | None) -> None:
    async def work(here: Office) -> None:
        hours = [charge(f"t{n}", wh / 1000, BEGIN + n * HOUR)[1] for n, wh in enumerate(kwh)]
        await prepared(here, *hours, vat=vat)
        desk, bills = invoices(here, Shelf()), here.events(Bill.Rated)
        drafts = await desk.draft("2026-10", "anna")
        total = sum((bill.price.incl_vat for bill in bills), Decimal(0))
        assert sum((each.content.incl_vat for each in drafts if each.content), Decimal(0)) == total
        for draft in drafts:
            issued = await desk.issue(draft.invoice_id, "anna")
            note = await desk.credit(issued.invoice_id, "all of it", False, "anna")
            assert issued.content is not None
            assert note.content is not None
            names = ("excl_vat", "vat", "incl_vat")
            assert all(getattr(issued.content, n) - getattr(note.content, n) == 0 for n in names)
        seen = [event.transaction_id for event in here.events(Bill.Invoiced)]
        assert len(seen) == len(set(seen))

    database = f"sqlite:///{tmp_path_factory.mktemp('bill')}/b.db"
    Store(database).close()
    upgrade(database)
    office(database, work)
