"""The role projector: keeps the read models up to date, seals the history, and delivers exports."""

from __future__ import annotations

import asyncio
from functools import partial

from api.bootstrap.export import start_deliveries
from api.bootstrap.spine import Spine
from projections.audit import Notary
from projections.catalog import PROJECTIONS
from projections.runner import Runner


def start_projector(spine: Spine) -> tuple[Runner, Notary]:
    """Of several projectors one works on each projection, one seals, and one delivers."""
    runner = Runner(spine.read_side, spine.history, list(PROJECTIONS.values()), may=spine.here.holds)
    notary = Notary(spine.read_side, spine.history.stored, spine.signer, may=partial(spine.here.holds, "audit"))
    for worker in (runner, notary):
        worker.start()
        spine.stack.push_async_callback(asyncio.to_thread, worker.stop)
    start_deliveries(spine)
    return runner, notary
