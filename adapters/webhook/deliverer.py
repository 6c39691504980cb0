"""The deliverer: one thread with its own event loop, in it one route for each webhook that wants to be told.

What operators say of webhooks it reads from the read model, so that it may run in any process.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, Row

from adapters.webhook.ledger import Ledger
from adapters.webhook.route import Decide, Route
from adapters.webhook.secret import Keyring
from adapters.webhook.sender import Sender
from adapters.webhook.station import Stations
from application.history import History
from domain.webhook import Patience
from projections import webhook

log = logging.getLogger("bornier.webhook")

LOOK_S = 0.5
GRACE_S = 2.0
KEYS_EVERY = timedelta(seconds=5)
Record = Callable[[str, Decide], Coroutine[Any, Any, Any]]


class Deliverer:
    """`record` changes a webhook in the history; it runs in the event loop that starts the deliverer."""

    def __init__(
        self,
        engine: Engine,
        history: History,
        keyring: Keyring,
        sender: Callable[[], Sender],
        record: Record,
        patience: Patience,
        clock: Callable[[], datetime],
        may: Callable[[], bool] = lambda: True,
    ) -> None:
        self.engine = engine
        self.history = history
        self.keyring = keyring
        self.sender = sender
        self.record = record
        self.patience = patience
        self.clock = clock
        self.may = may
        self.stations = Stations(history)
        self.closed: set[str] = set()
        self.routes: dict[str, tuple[Route, asyncio.Task[None]]] = {}
        self.home: asyncio.AbstractEventLoop
        self.loop = asyncio.new_event_loop()
        self.stopping = asyncio.Event()
        self.thread = threading.Thread(target=self.run, name="webhooks", daemon=True)

    def start(self) -> None:
        self.home = asyncio.get_running_loop()
        self.thread.start()

    def stop(self) -> None:
        """What is on its way gets a moment to arrive; the rest is sent again by whoever delivers next."""
        if self.thread.is_alive():
            self.loop.call_soon_threadsafe(self.stopping.set)
            self.thread.join()

    def run(self) -> None:
        try:
            self.loop.run_until_complete(self.work())
            self.loop.run_until_complete(self.loop.shutdown_default_executor())
        finally:
            self.loop.close()

    async def work(self) -> None:
        while not self.stopping.is_set():
            try:
                await self.look()
            except Exception as error:
                log.warning("webhooks wait: %s", str(error).strip() or type(error).__name__)
            try:
                async with asyncio.timeout(LOOK_S):
                    await self.stopping.wait()
            except TimeoutError:
                continue
        await self.end(list(self.routes))

    async def look(self) -> None:
        """Begin, change and end routes as operators wish. Another process delivers: end all of them."""
        mine = await asyncio.to_thread(self.may)
        rows = {row.id: row for row in await asyncio.to_thread(self.read)} if mine else {}
        await self.end([known for known in self.routes if known not in rows or rows[known].state != "active"])
        for row in rows.values():
            if row.state == "active":
                await self.tend(row)
            elif row.state == "removed" and row.id not in self.closed:
                await asyncio.to_thread(Ledger(self.engine, row.id).close)
                self.closed.add(row.id)

    async def tend(self, row: Row[Any]) -> None:
        """A route that has ended by itself begins again when an operator has done something."""
        route, task = self.routes.get(row.id, (None, None))
        changed = route is None or row.position != route.row.position
        if task is not None and task.done() and changed:
            await self.end([row.id])
            route = None
        if route is None:
            self.begin(row, await self.keyring.valid(row.id, self.clock()))
            return
        if changed or self.clock() - route.opened_at > KEYS_EVERY:
            route.secrets, route.opened_at = await self.keyring.valid(row.id, self.clock()), self.clock()
        route.row = row

    def begin(self, row: Row[Any], secrets: list[str]) -> None:
        sender, ledger = self.sender(), Ledger(self.engine, row.id)
        route = Route(
            row, ledger, self.history, self.stations, sender, self.recorder(row.id), self.patience, self.clock
        )
        route.secrets, route.opened_at = secrets, self.clock()

        async def travel() -> None:
            try:
                await route.run()
            finally:
                await sender.close()

        self.routes[row.id] = (route, self.loop.create_task(travel(), name=f"webhook {row.id}"))

    def recorder(self, webhook_id: str) -> Callable[[Decide], Coroutine[Any, Any, None]]:
        """Changes one webhook in the history, from this loop."""

        async def record(decide: Decide) -> None:
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self.record(webhook_id, decide), self.home))

        return record

    async def end(self, ids: list[str]) -> None:
        ended = [self.routes.pop(each) for each in ids]
        for route, _ in ended:
            route.stopping = True
        tasks = [task for _, task in ended]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=GRACE_S)
            for route, task in ended:
                if task in late:
                    route.hurry()
            await asyncio.gather(*tasks, return_exceptions=True)

    def read(self) -> list[Row[Any]]:
        with self.engine.connect() as connection:
            return list(webhook.every(connection))
