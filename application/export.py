"""Exports on a schedule: whose hour has come is written, delivered, and noted; what fails is tried again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from uuid import uuid4

from application.history import History
from application.journal import Fenced, Journal
from application.ports import Courier, DeliveryFailed
from application.process import loaded
from domain.catalog import CATALOG, events
from domain.event import AnyCause, Operator, Refusal, Timer
from domain.export import Export, Period, Span, stream

log = logging.getLogger("bornier.export")

TOPICS = tuple(name for kind in events(Export) for name in CATALOG.names(kind))
LOOK_S = 15.0
LAST_S = 1.0


class Exports:
    """Asking for exports on a schedule, and ending them."""

    def __init__(self, journal: Journal, history: History, courier: Courier, clock: Callable[[], datetime]) -> None:
        self.journal = journal
        self.history = history
        self.courier = courier
        self.clock = clock

    async def schedule(
        self, dataset: str, suffix: str, period: Period, at: str, timezone: str, place: str,
        options: dict[str, str], site: str | None, by: str,
    ) -> Export:  # fmt: skip
        """Raises Refusal for what could never be delivered."""
        self.courier.check(dataset, suffix, options)
        export = Export(stream(uuid4().hex))
        export.schedule(
            dataset, suffix, period, at, timezone, place, options, site, Operator(name=by), self.clock()
        )  # fmt: skip
        await self.journal.record(export.collect_events())
        return export

    async def stop(self, export_id: str, by: str) -> Export:
        """Raises Refusal when there is none."""
        export = await loaded(self.history, Export(stream(export_id)))
        export.stop(Operator(name=by), self.clock())
        try:
            await self.journal.record(export.collect_events())
        except Fenced:
            raise Refusal("it is just being delivered; try again") from None
        return export


class Deliveries:
    """Delivers what is due, one file after the other. Of several processes one does it."""

    def __init__(
        self,
        journal: Journal,
        history: History,
        courier: Courier,
        clock: Callable[[], datetime],
        may: Callable[[], bool] = lambda: True,
    ) -> None:
        self.journal = journal
        self.history = history
        self.courier = courier
        self.clock = clock
        self.may = may
        self.known: dict[str, Export] = {}
        self.position = 0

    def learn(self) -> None:
        """What was scheduled, delivered and stopped since the last time."""
        while rows := self.history.read(self.position, 1_000, TOPICS):
            for row in rows:
                self.known.setdefault(row.stream, Export(row.stream)).replay([CATALOG.decode(row.topic, row.state)])
                self.position = row.position
        self.known = {name: export for name, export in self.known.items() if export.live}

    async def watch(self) -> None:
        while True:
            try:
                busy = await asyncio.to_thread(self.may) and await self.deliver()
            except Exception as error:  # the database is away, or a fault of ours: said, and tried again
                log.warning("exports wait: %s", str(error).strip() or type(error).__name__)
                busy = False
            await asyncio.sleep(LAST_S if busy else LOOK_S)

    async def deliver(self) -> bool:
        """Deliver the next file of every export that is due; False when there was none."""
        await asyncio.to_thread(self.learn)
        due = [(export, span) for export in self.known.values() if (span := export.due(self.clock()))]
        for export, span in due:
            await self.settle(export, span)
        return bool(due)

    async def settle(self, export: Export, span: Span) -> None:
        assert export.wish is not None
        cause: AnyCause = Timer(rule="export")
        head = await asyncio.to_thread(self.history.head)
        fresh = await loaded(self.history, Export(export.id))
        if not fresh.live:
            return
        try:
            parcel = await self.courier.deliver(export.wish, span, head)
            fresh.deliver(span, *parcel, position=head, cause=cause, now=self.clock())
        except DeliveryFailed as error:
            log.warning("%s of %s is not delivered: %s", export.wish.dataset, span.since.date(), error)
            fresh.fail(span, str(error), cause, self.clock())
        try:
            await self.journal.record(fresh.collect_events())
        except Fenced:
            log.info("%s was stopped while it was delivered", export.id)
