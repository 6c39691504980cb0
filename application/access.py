"""Access: refusals become facts, a bounded number a minute, whoever asks and however often."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from application.amend import amend
from application.history import History
from application.journal import Journal
from domain.access import Access, stream
from domain.event import Timer, Transfer

log = logging.getLogger("bornier.access")

WINDOW_S = 60.0
LAST_S = 1.0
MOST = 100
"""So many different refusals are told in one window; the others are counted together."""


class Refused(NamedTuple):
    """A request that was refused; `name` and `address` as far as they are known."""

    code: str
    reason: str
    asked: str
    name: str | None = None
    address: str | None = None

    @property
    def key(self) -> tuple[str, str | None, str | None]:
        """Alike: the same code for the same somebody."""
        return self.code, self.name, None if self.name else self.address


OTHERS = Refused("MANY", "more were refused than are told one by one", "-")


class Accesses:
    """Tells the first refusal of a kind at once; more of the same are told together when a minute is over."""

    def __init__(self, journal: Journal, history: History, clock: Callable[[], datetime]) -> None:
        self.journal = journal
        self.history = history
        self.clock = clock
        self.refusals: Counter[str] = Counter()
        self.seen: dict[tuple[str, str | None, str | None], Refused] = {}
        self.more: Counter[Refused] = Counter()
        self.fresh: list[tuple[Refused, int]] = []
        self.wake = asyncio.Event()

    def refuse(self, refused: Refused) -> None:
        """Never waits and never fails."""
        self.refusals[refused.code] += 1
        known = self.seen.get(refused.key)
        if known is not None:
            self.more[known] += 1
        elif len(self.seen) >= MOST:
            self.more[OTHERS] += 1
        else:
            self.seen[refused.key] = refused
            self.fresh.append((refused, 1))
            self.wake.set()

    async def keep(self) -> None:
        """Write them down until cancelled; then once more, if that is quick."""
        try:
            await self.keep_on()
        finally:
            self.turn()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LAST_S):
                    await self.write()

    async def keep_on(self) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + WINDOW_S
        while True:
            try:
                async with asyncio.timeout_at(end):
                    await self.wake.wait()
            except TimeoutError:
                end = loop.time() + WINDOW_S
                self.turn()
            self.wake.clear()
            await self.write()

    def turn(self) -> None:
        """A minute is over: what was counted is to be told, and everything is new again."""
        self.fresh += self.more.items()
        self.seen, self.more = {}, Counter()

    async def write(self) -> None:
        """Tell what is fresh. A database that is away loses nothing: it is told later."""
        fresh, self.fresh = self.fresh, []
        if not fresh:
            return
        try:
            await self.record(fresh)
        except asyncio.CancelledError:  # perhaps it is durable: rather told twice than not at all
            self.fresh = fresh + self.fresh
            raise
        except Exception as error:
            log.error("refused requests are not recorded yet: %s", error)
            self.fresh = (fresh + self.fresh)[: 2 * MOST]

    async def record(self, fresh: Sequence[tuple[Refused, int]]) -> None:
        now = self.clock()

        def decide(access: Access) -> None:
            for refused, times in fresh:
                cause = Transfer(address=refused.address) if refused.address else Timer(rule="refusals of a minute")
                access.record(Access.Refused, cause, now, **refused._asdict(), times=times)

        await amend(self.journal, self.history, lambda: Access(stream(now)), decide)
