"""The role projector: keeps the read models up to date, seals the history, delivers exports, and tells Advenir."""

from __future__ import annotations

import asyncio
from functools import partial

from api.bootstrap.advenir import start_advenir
from api.bootstrap.bill import start_bills
from api.bootstrap.erasure import keep_erasing
from api.bootstrap.export import start_deliveries
from api.bootstrap.qualicharge import start_outbox
from api.bootstrap.signature import start_examiner
from api.bootstrap.spine import Spine
from api.bootstrap.uptime import start_surveyor
from projections.audit import Notary
from projections.catalog import PROJECTIONS
from projections.engine import engine
from projections.runner import Runner
from projections.warehouse import Warehouse


def start_projector(spine: Spine) -> tuple[Runner, Notary]:
    """Of several projectors one works on each projection, one seals, one delivers, one tells Advenir, and so on."""
    runner = Runner(spine.read_side, spine.history, list(PROJECTIONS.values()), may=spine.here.holds)
    notary = Notary(spine.read_side, spine.history.stored, spine.signer, may=partial(spine.here.holds, "audit"))
    for worker in (runner, notary):
        worker.start()
        spine.stack.push_async_callback(asyncio.to_thread, worker.stop)
    start_deliveries(spine)
    start_surveyor(spine)
    start_examiner(spine)
    start_outbox(spine)
    start_bills(spine)
    if spine.settings.warehouse:
        may = partial(spine.here.holds, "warehouse")
        warehouse = Warehouse(engine(spine.settings.warehouse), spine.history, may)
        warehouse.start()
        spine.stack.callback(warehouse.engine.dispose)
        spine.stack.push_async_callback(asyncio.to_thread, warehouse.stop)
    spine.process.go(keep_erasing(spine), "erasure")
    start_advenir(spine)
    return runner, notary
