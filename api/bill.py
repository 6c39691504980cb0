"""Bills on a terminal: rate what has ended, draft a month, issue what was drafted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from api.bootstrap.bill import invoices_over
from api.bootstrap.privacy import opened
from api.bootstrap.process import clock
from api.settings import Settings
from application.bill import Bills, Rater
from application.invoice import Invoices
from application.journal import Journal
from application.payer import Payerbook
from application.price import Pricebook, Prices
from domain.bill import Bill
from domain.catalog import CATALOG
from domain.event import Refusal
from domain.invoice import Invoice
from migrations.migrate import upgrade

OPERATOR = "command line"
T = TypeVar("T")
Work = Callable[[Bills, Invoices], Awaitable[T]]


async def desk(settings: Settings, work: Work[T]) -> T:
    """Do something with the bills of a database; a running Bornier may do the same beside it."""
    with opened(settings):
        upgrade(settings.database)
    with opened(settings) as here:
        journal = Journal(here.store.recorder, here.store.mapper, here.history.advance)
        journal.start()
        book = Pricebook(here.history, settings.time_zone)
        bills = Bills(journal, here.history, Prices(here.history, book), Payerbook(here.history, book), clock)
        try:
            return await work(bills, invoices_over(settings, bills))
        except Refusal as refusal:
            raise ValueError(str(refusal)) from None
        finally:
            await journal.stop()


async def rate(settings: Settings) -> int:
    """Rate whatever has ended; returns how many ratings that made."""

    async def work(bills: Bills, _: Invoices) -> int:
        names = CATALOG.names(Bill.Rated)
        before = bills.history.count(names)
        await Rater(bills).follow(until=await asyncio.to_thread(bills.history.head))
        return bills.history.count(names) - before

    return await desk(settings, work)


async def draft(settings: Settings, month: str, payer_id: str | None) -> list[Invoice]:
    return await desk(settings, lambda _, invoices: invoices.draft(month, OPERATOR, payer_id))


async def issue(settings: Settings, invoice_id: str) -> Invoice:
    return await desk(settings, lambda _, invoices: invoices.issue(invoice_id, OPERATOR))


async def fetch(settings: Settings, invoice_id: str, folder: Path) -> list[Path]:
    """Put the documents of an invoice that was issued into a folder."""

    async def work(_: Bills, invoices: Invoices) -> list[Path]:
        issued = invoices.invoice(invoice_id).issued
        if issued is None:
            raise Refusal(f"invoice {invoice_id} is not issued")
        made = []
        for paper, suffix in ((issued.pdf, "pdf"), (issued.xml, "xml")):
            made.append(folder / f"{issued.number}.{suffix}")
            made[-1].write_bytes(await invoices.read(paper))
        return made

    return await desk(settings, work)
