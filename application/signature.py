"""Signatures: what meters have signed is examined after it was recorded, and the verdict becomes a fact."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import count
from typing import NamedTuple

from application.amend import amend
from application.history import History
from application.journal import Journal
from application.ports import Verifier
from domain.event import Operator, Timer
from domain.signature import Judgement, Key, MeterKey, Signature, key_stream, stream

log = logging.getLogger("bornier.signature")

LOOK_S = 0.5
AGAIN = 5
"""Every so many looks, what was examined with another key than now is looked for, which costs more."""


class Task(NamedTuple):
    """A signed text to examine; `judged_at`: the verdict it has so far was given then."""

    transaction_id: str
    digest: str
    station_id: str
    evse_id: int
    text: str
    encoding: str | None
    key: Key | None
    judged_at: datetime | None


class MeterKeys:
    """Somebody vouches for the public keys of meters. Raises Refusal when a rule says no."""

    def __init__(self, journal: Journal, history: History, clock: Callable[[], datetime]) -> None:
        self.journal = journal
        self.history = history
        self.clock = clock

    async def register(self, station_id: str, evse_id: int, key: str, meter: str | None, by: str) -> MeterKey:
        cause = Operator(name=by)
        return await self.amend(station_id, lambda each: each.register(evse_id, key, meter, cause, self.clock()))

    async def remove(self, station_id: str, evse_id: int, by: str) -> MeterKey:
        return await self.amend(station_id, lambda each: each.remove(evse_id, Operator(name=by), self.clock()))

    async def amend(self, station_id: str, decide: Callable[[MeterKey], None]) -> MeterKey:
        return await amend(self.journal, self.history, lambda: MeterKey(key_stream(station_id)), decide)


class Examiner:
    """A process manager: examines what has no verdict yet, in a thread. Of several processes one does it.

    It keeps nothing: the read side says what is open, and a verdict that was recorded already is not given twice.
    """

    def __init__(
        self,
        journal: Journal,
        history: History,
        verifier: Verifier,
        pending: Callable[[bool, bool], Sequence[Task]],
        clock: Callable[[], datetime],
        may: Callable[[], bool] = lambda: True,
    ) -> None:
        self.journal = journal
        self.history = history
        self.verifier = verifier
        self.pending = pending
        self.clock = clock
        self.may = may

    async def watch(self) -> None:
        for turn in count():
            try:
                if await asyncio.to_thread(self.may):
                    await self.look(again=False)
                    if turn % AGAIN == 0:
                        await self.look(again=True)
            except Exception as error:  # the database is away, or a fault of ours: said, and tried again
                log.warning("signed values wait: %s", str(error).strip() or type(error).__name__)
            await asyncio.sleep(LOOK_S)

    async def look(self, again: bool) -> None:
        """Examine what is open now; `again`: what has a verdict that is out of date."""
        for task in await asyncio.to_thread(self.pending, again, self.verifier.able):
            found = await asyncio.to_thread(self.verifier.examine, task.text, task.encoding, task.key)
            if found.verdict == "INVALID":
                log.warning("%s EVSE %s: %s (transaction %s)", task.station_id, task.evse_id, found.reason,
                            task.transaction_id)  # fmt: skip
            await self.judge(task, found)

    async def judge(self, task: Task, found: Judgement) -> None:
        place, cause = (task.digest, task.station_id, task.evse_id), Timer(rule="signature")
        await amend(
            self.journal,
            self.history,
            lambda: Signature(stream(task.transaction_id)),
            lambda each: each.judge(*place, found, task.judged_at, cause, self.clock()),
        )
