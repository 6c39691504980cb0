"""Erasure: whenever somebody has been forgotten, the read models that may show them are made again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from api.bootstrap.process import clock
from api.bootstrap.spine import Spine
from application.driver import ERASED
from application.process import LOOK_BACK
from domain.catalog import Recorded
from projections import erasure

log = logging.getLogger("bornier.erasure")

AGAIN_S = 15.0


async def keep_erasing(spine: Spine) -> None:
    """Of several projectors one does it; where it died, the next one begins again."""
    async for batch in spine.history.follow(await asyncio.to_thread(start, spine), ERASED):
        while not await asyncio.to_thread(erased, spine, batch):
            await asyncio.sleep(AGAIN_S)


def start(spine: Spine) -> int:
    """After the last erasure; nothing before is read again once it is known that there is none."""
    history, head = spine.history, spine.history.head()
    since = erasure.done(spine.read_side) or history.position_at(clock() - LOOK_BACK)
    rows = history.read(since, 1, ERASED)
    return rows[0].position - 1 if rows else max(head, since)


def erased(spine: Spine, batch: Sequence[Recorded]) -> bool:
    """False: try again later; another projector is at it, or something is in the way."""
    until = batch[-1].position
    try:
        if erasure.done(spine.read_side) >= until:
            return True
        if not spine.here.holds(erasure.NAME):
            return False
        for row in batch:
            spine.custody.heed(row)
        rows = erasure.erase(spine.read_side, spine.history, until)
    except Exception:
        log.warning("what was forgotten is still in read models, trying again", exc_info=True)
        return False
    log.info("what was forgotten is gone from the read models: %d rows have changed", rows)
    return True
