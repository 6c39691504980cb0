"""Bills: rated by whoever projects; of several processes one does it."""

from __future__ import annotations

import asyncio
from functools import partial

from adapters.facturx.press import FacturXPress
from adapters.storage.bucket import Bucket
from api.bootstrap.process import clock
from api.bootstrap.spine import Spine
from api.settings import Settings
from application.bill import Bills, Rater
from application.invoice import Invoices, Ledger
from application.payer import Payerbook, Payers


def bills_of(spine: Spine) -> Bills:
    """Where bills are decided on."""
    return Bills(spine.journal, spine.history, spine.prices, Payerbook(spine.history, spine.prices.book), clock)


async def start_payers(spine: Spine, bills: Bills) -> Payers:
    """Know all payers from now on."""
    await asyncio.to_thread(bills.payers.load)
    return Payers(spine.journal, bills.payers, clock)


def invoices_over(settings: Settings, bills: Bills) -> Invoices:
    """Where bills become documents."""
    ledger, storage = Ledger(bills.history), Bucket(settings.files_place)
    return Invoices(bills.journal, bills, ledger, storage, FacturXPress(), clock, settings.time_zone)


def start_bills(spine: Spine) -> None:
    """Rate what ends."""
    rater = Rater(bills_of(spine), may=partial(spine.here.holds, "bills"))
    spine.process.go(rater.watch(), "bills")
