"""Invoices: drafted from the bills of a month, issued with a number, stored as bytes, credited by another document."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import re
import threading
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import uuid4

from application.amend import TRIES, amend
from application.bill import Bills
from application.history import History
from application.journal import Fenced, Journal
from application.ports import Press, Storage, StorageFailed
from domain.bill import Account, Bill, Rating
from domain.bill import stream as bill_stream
from domain.catalog import CATALOG, Recorded, events
from domain.event import AnyCause, Event, Operator, Refusal
from domain.invoice import Content, Document, Invoice, Item, identify, stream
from domain.payer import Details
from domain.seller import missing, series
from domain.series import Series
from domain.series import stream as series_stream
from domain.site import zone
from domain.statement import Statement, entries, taxes
from domain.transaction import stream as transaction_stream

KINDS: list[type[Event]] = [*events(Bill), *events(Invoice)]
TOPICS = tuple(name for kind in KINDS for name in CATALOG.names(kind))
TOGETHER = 500
MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


class Open(NamedTuple):
    """A rating that is on no invoice yet."""

    account: Account
    month: str
    currency: str
    last_position: int
    excl_vat: Decimal
    vat: Decimal
    incl_vat: Decimal


class Ledger:
    """Follows bills and drafts, and holds what is not settled between them. Safe to be asked from several threads."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.position = 0
        self.lock = threading.Lock()
        self.open: dict[Item, Open] = {}
        self.due_back: dict[Item, str] = {}
        self.drafts: dict[str, Content] = {}

    def load(self) -> None:
        """Learn what has happened since the last time. Blocks."""
        with self.lock:
            while batch := self.history.read(self.position, 5_000, TOPICS):
                for row in batch:
                    self.learn(row)
                    self.position = row.position

    def learn(self, row: Recorded) -> None:
        match CATALOG.decode(row.topic, row.state):
            case Bill.Rated() as event if event.account.payer_id is not None:
                rating = Rating(number=event.number, price=event.price, source=event.source, account=event.account)
                self.open[Item(event.transaction_id, event.number)] = opened(rating)
            case Bill.Credited() as event:
                item = Item(event.transaction_id, event.number)
                self.open.pop(item, None)
                if event.invoice_id is not None:
                    self.due_back[item] = event.invoice_id
            case Bill.Invoiced() as event:
                self.open.pop(Item(event.transaction_id, event.number), None)
            case Bill.Deducted() as event:
                item = Item(event.transaction_id, event.number)
                self.due_back.pop(item, None)
                if event.again:
                    self.open[item] = opened(bill_of(self.history, event.transaction_id).rating(event.number))
            case Invoice.Drafted() as event:
                self.drafts[row.stream.partition("/")[2]] = event.content
            case Invoice.Dropped() | Invoice.Issued():
                self.drafts.pop(row.stream.partition("/")[2], None)


def opened(rating: Rating) -> Open:
    price = rating.price
    sums = (price.excl_vat, price.vat, price.incl_vat)
    return Open(rating.account, rating.source.month, price.currency, rating.source.last_position, *sums)


def bill_of(history: History, transaction_id: str) -> Bill:
    """A bill as the history tells it. Blocks."""
    name = bill_stream(transaction_id)
    return Bill(name).replay(CATALOG.decode(row.topic, row.state) for row in history.stream(name))


class Invoices:
    """From the bills of a month to documents. Every method returns once it is durable; raises Refusal."""

    def __init__(
        self, journal: Journal, bills: Bills, ledger: Ledger, storage: Storage, press: Press,
        clock: Callable[[], datetime], time_zone: str,
    ) -> None:  # fmt: skip
        self.journal = journal
        self.history: History = bills.history
        self.bills = bills
        self.ledger = ledger
        self.storage = storage
        self.press = press
        self.clock = clock
        self.zone = zone(time_zone)

    async def draft(self, month: str, by: str, payer_id: str | None = None) -> list[Invoice]:
        """What payers owe for a month that is over, and what they get back; drafts that no longer fit are dropped."""
        if not MONTH.fullmatch(month):
            raise Refusal(f"a month is written like 2026-11, not {month!r}")
        if month >= self.clock().astimezone(self.zone).strftime("%Y-%m"):
            raise Refusal(f"{month} is not over")
        cause = Operator(name=by)
        await self.review(month, cause)
        contents = await asyncio.to_thread(self.contents, month, payer_id)
        made = [await self.draw(content, cause) for content in contents]
        kept = {invoice.invoice_id for invoice in made}
        for invoice_id, known in list(self.ledger.drafts.items()):
            if invoice_id not in kept and known.month == month and payer_id in (None, known.payer_id):
                await self.drop(invoice_id, "its bills have changed", by)
        return made

    async def review(self, month: str, cause: AnyCause) -> None:
        """Rate anew what has heard of something since it was rated."""
        await asyncio.to_thread(self.ledger.load)
        known = [(item.transaction_id, each) for item, each in self.ledger.open.items() if each.month == month]
        for begin in range(0, len(known), TOGETHER):
            some = dict(known[begin : begin + TOGETHER])
            ends = await asyncio.to_thread(self.history.ends, [transaction_stream(name) for name in some])
            grown = [n for n, each in some.items() if ends[transaction_stream(n)].position > each.last_position]
            await self.bills.review(grown, cause)

    def contents(self, month: str, payer_id: str | None) -> list[Content]:
        """Everything that could be issued now. Blocks."""
        self.bills.payers.load()
        self.ledger.load()
        found = [*self.owed(month, payer_id), *self.owed_back(month, payer_id)]
        return sorted(found, key=lambda content: tuple(part or "" for part in content.slot))

    def owed(self, month: str, payer_id: str | None) -> Iterable[Content]:
        groups: dict[tuple[str, str, str | None, str | None], list[Item]] = defaultdict(list)
        for item, each in self.ledger.open.items():
            payer = each.account.payer_id
            details = self.bills.payers.payer(payer) if payer else None
            if payer and details and each.month == month and payer_id in (None, payer):
                groups[payer, each.currency, *split(details, each.account)].append(item)
        for (payer, currency, cost_centre, group), items in groups.items():
            rows = [self.ledger.open[item] for item in items]
            details = self.bills.payers.payer(payer)
            if details is not None and any(row.incl_vat or row.excl_vat for row in rows):
                yield Content(
                    kind="INVOICE", seller_id=details.seller_id, payer_id=payer, month=month, currency=currency,
                    items=tuple(sorted(items)), cost_centre=cost_centre, group=group, **totals(rows),
                )  # fmt: skip

    def owed_back(self, month: str, payer_id: str | None) -> Iterable[Content]:
        """A credit note for each invoice with bills that were taken back."""
        groups: dict[str, list[Item]] = defaultdict(list)
        for item, invoice_id in self.ledger.due_back.items():
            groups[invoice_id].append(item)
        for invoice_id, items in groups.items():
            original = self.invoice(invoice_id).content
            if original is not None and original.month == month and payer_id in (None, original.payer_id):
                yield self.taken_back(invoice_id, original, items, "bills were corrected", False)

    def taken_back(
        self, invoice_id: str, original: Content, items: Iterable[Item], reason: str, again: bool
    ) -> Content:
        found = [opened(bill_of(self.history, item.transaction_id).rating(item.number)) for item in items]
        return Content(
            kind="CREDIT_NOTE", seller_id=original.seller_id, payer_id=original.payer_id, month=original.month,
            currency=original.currency, items=tuple(sorted(items)), cost_centre=original.cost_centre,
            group=original.group, credits=invoice_id, again=again, reason=reason, **totals(found),
        )  # fmt: skip

    async def draw(self, content: Content, cause: AnyCause) -> Invoice:
        """Draft it; the same bills again, after a credit note, are another document."""
        for attempt in range(1_000):
            name = stream(identify(content, attempt))
            made = await amend(
                self.journal, self.history, lambda name=name: Invoice(name),  # type: ignore[misc]
                lambda invoice: invoice.draw(content, cause, self.clock()) if invoice.issued is None else None,
            )  # fmt: skip
            if made.issued is None:
                return made
        raise Refusal("this was issued and credited too often")

    async def drop(self, invoice_id: str, reason: str, by: str) -> Invoice:
        """Throw a draft away."""
        return await amend(
            self.journal, self.history, lambda: Invoice(stream(invoice_id)),
            lambda invoice: invoice.drop(reason, Operator(name=by), self.clock()),
        )  # fmt: skip

    async def credit(self, invoice_id: str, reason: str, again: bool, by: str) -> Invoice:
        """Take back what is left of an invoice; `again`: its bills go on another one."""
        if not reason.strip():
            raise Refusal("say why")
        original = await asyncio.to_thread(self.invoice, invoice_id)
        if original.issued is None or original.content is None or original.content.kind != "INVOICE":
            raise Refusal("only an invoice that was issued can be credited")
        items = [item for item in original.content.items if await asyncio.to_thread(self.is_on, item, invoice_id)]
        if not items:
            raise Refusal("all of this invoice is credited already")
        content = await asyncio.to_thread(
            self.taken_back, invoice_id, original.content, items, reason, again
        )  # fmt: skip
        drafted = await self.draw(content, Operator(name=by))
        return await self.issue(drafted.invoice_id, by)

    def is_on(self, item: Item, invoice_id: str) -> bool:
        rating = bill_of(self.history, item.transaction_id).rating(item.number)
        return rating.invoice_id == invoice_id and not rating.closed

    def invoice(self, invoice_id: str) -> Invoice:
        """As the history tells it. Blocks."""
        rows = self.history.stream(stream(invoice_id))
        return Invoice(stream(invoice_id)).replay(CATALOG.decode(row.topic, row.state) for row in rows)

    async def issue(self, invoice_id: str, by: str) -> Invoice:
        """Give it a number and write it. Number, document and bills are recorded together, or nothing is."""
        for _ in range(TRIES):
            work = await asyncio.to_thread(self.work, invoice_id, Operator(name=by))
            pdf, xml = await asyncio.to_thread(self.press.print, work.statement)
            papers = (await self.keep(pdf), await self.keep(xml))
            facts = (work.statement.number, work.statement.issued_on, work.statement.due_on)
            work.invoice.issue(*facts, *papers, Operator(name=by), self.clock())
            recorded = False
            try:
                await self.journal.record([*work.events, *work.invoice.collect_events()])
                recorded = True
                return work.invoice
            except Fenced:
                continue
            finally:
                if not recorded:
                    await self.discard(papers)
        raise Refusal("others keep issuing at the same moment; try again")

    def work(self, invoice_id: str, cause: AnyCause) -> Work:
        """What is to be recorded and printed. Raises Refusal for what is missing. Blocks."""
        self.bills.payers.load()
        invoice, now = self.invoice(invoice_id), self.clock()
        content = invoice.drafted()
        payer, seller = self.bills.payers.payer(content.payer_id), self.bills.payers.seller(content.seller_id)
        if payer is None or seller is None:
            raise Refusal(
                f"there is no {'payer ' + content.payer_id if payer is None else 'seller ' + content.seller_id}"
            )
        wanted = [f"seller: {words}" for words in missing(seller)] + [f"payer: {words}" for words in unknown(payer)]
        if wanted:
            raise Refusal(f"the law wants more to be said before this can be issued: {', '.join(wanted)}")
        bills = [bill_of(self.history, item.transaction_id) for item in content.items]
        lines = [
            line for item, bill in zip(content.items, bills, strict=True)
            for line in entries(item.transaction_id, bill.rating(item.number))
        ]  # fmt: skip
        for item, bill in zip(content.items, bills, strict=True):
            if content.kind == "INVOICE":
                bill.invoice(item.number, invoice_id, cause, now)
            else:
                bill.deduct(item.number, content.credits or "", invoice_id, content.again, cause, now)
        today = now.astimezone(self.zone).date()
        name = series_stream(content.seller_id, series(seller, content.kind == "CREDIT_NOTE", today))
        numbers = Series(name).replay(CATALOG.decode(r.topic, r.state) for r in self.history.latest_of(name))
        day = numbers.day(today)
        number = numbers.number(invoice_id, day, cause, now)
        changed: list[Event] = [*numbers.collect_events(), *(e for bill in bills for e in bill.collect_events())]
        before = None
        if content.credits is not None:
            original = self.invoice(content.credits)
            assert original.issued is not None
            before = (original.issued.number, original.issued.issued_on)
            original.credit(invoice_id, number, content.incl_vat, cause, now)
            changed += original.collect_events()
        statement = Statement(
            content, number, day, day + timedelta(days=payer.payment_days), seller, payer, payer.time_zone,
            tuple(sorted(lines, key=lambda line: (line.begin, line.transaction_id))), taxes(lines), before,
        )  # fmt: skip
        return Work(invoice, statement, changed)

    async def keep(self, content: bytes) -> Document:
        key = f"invoice-{uuid4().hex}"
        await self.storage.write(key, once(content))
        return Document(key=key, sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content))

    async def discard(self, papers: Sequence[Document]) -> None:
        for paper in papers:
            with contextlib.suppress(StorageFailed):
                await self.storage.delete(paper.key)

    async def read(self, paper: Document) -> bytes:
        """The bytes that were issued. Raises StorageFailed, also when they are not those any more."""
        chunks = [chunk async for chunk in await self.storage.read(paper.key, 0, paper.size_bytes)]
        content = b"".join(chunks)
        if hashlib.sha256(content).hexdigest() != paper.sha256:
            raise StorageFailed("what is stored is not what was issued: its SHA-256 differs")
        return content


class Work(NamedTuple):
    """A document about to be issued: what it says, and what is recorded with it."""

    invoice: Invoice
    statement: Statement
    events: list[Event]


async def once(content: bytes) -> AsyncIterator[bytes]:
    yield content


def split(details: Details, account: Account) -> tuple[str | None, str | None]:
    """Cost centre and badge group of the statement a bill belongs to."""
    return (
        account.cost_centre if details.split == "COST_CENTRE" else None,
        account.group if details.split == "GROUP" else None,
    )


def totals(rows: Iterable[Open]) -> dict[str, Any]:
    """The sums of bills."""
    rows = list(rows)
    names = ("excl_vat", "vat", "incl_vat")
    return {name: sum((getattr(row, name) for row in rows), Decimal(0)) for name in names}


def unknown(payer: Details) -> list[str]:
    """What an invoice must say of its buyer and nobody has told yet."""
    names = {"address": "address", "postal_code": "postal code", "city": "city"}
    found = [words for name, words in names.items() if not getattr(payer, name)]
    if payer.kind == "COMPANY" and payer.country == "FR" and not payer.siren:
        found.append("SIREN")
    return found
