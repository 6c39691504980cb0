"""What a resolver can reach: the parts, who is asking, and rows loaded once per request."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any, TypeVar

from graphql import GraphQLError
from sqlalchemy import Connection, Row, Table
from strawberry.dataloader import DataLoader

from api.access import Principal
from api.context import Parts
from api.pace import Pace
from domain.catalog import CATALOG, Recorded
from domain.price import Priced, Unpriced
from projections import bill, checkpoint, job, quirk, signature, station, transaction
from projections.page import Page
from projections.projection import Projection, fold
from projections.scope import Scope, seen_by, visible

T = TypeVar("T")
Note = Callable[[str, str, str, str | None], None]
"""(code, reason, what was asked, by whom)."""
PATIENCE_S = 15.0
SHOWN_BY = {"station": "station", "transaction": "transaction", "command": "command", "job": "job",
            "reservation": "reservation", "file": "file"}  # fmt: skip
"""Subject → the projection that shows it."""
LOOK_S = 0.02


class Reads:
    """Queries of one request, each in a thread; the same question about many rows becomes one statement.

    With a scope they see their part of everything, whatever they ask: this is the only way to the read side.
    """

    def __init__(self, parts: Parts, scope: Scope | None = None) -> None:
        self.parts = parts
        self.scope = scope
        self.connectors: DataLoader[str, list[Row[Any]]] = DataLoader(self.load_connectors, cache=False)
        self.transactions: DataLoader[tuple[str, int], Page] = DataLoader(self.load_transactions, cache=False)
        self.quirks: DataLoader[str, list[Row[Any]]] = DataLoader(self.load_quirks, cache=False)
        self.readings: DataLoader[tuple[str, int], Page] = DataLoader(self.load_readings, cache=False)
        self.prices: DataLoader[tuple[str, int], Priced | Unpriced] = DataLoader(self.load_prices, cache=False)
        self.signatures: DataLoader[str, signature.Summary | None] = DataLoader(self.load_signatures, cache=False)
        self.bills: DataLoader[str, Row[Any] | None] = DataLoader(self.load_bills, cache=False)
        self.ratings: DataLoader[str, list[Row[Any]]] = DataLoader(self.load_ratings, cache=False)
        self.steps: DataLoader[str, list[Row[Any]]] = DataLoader(self.load_steps, cache=False)

    async def run(self, query: Callable[[Connection], T]) -> T:
        return await asyncio.to_thread(self.run_here, query)

    def run_here(self, query: Callable[[Connection], T]) -> T:
        with self.connect() as connection:
            return query(connection)

    def connect(self) -> Connection:
        return self.parts.engine.connect() if self.scope is None else seen_by(self.parts.narrow, self.scope)

    async def visible(self, subject: str, key: str) -> bool:
        """May they know of this one? What has just been made is waited for."""
        if self.scope is None or await self.run(lambda c: visible(c, subject, key)):
            return True
        if subject in SHOWN_BY:
            await self.caught_up(SHOWN_BY[subject], await self.head())
        return await self.run(lambda c: visible(c, subject, key))

    async def told(self, stream: str) -> Sequence[Recorded]:
        """What the history tells of a stream; nothing if it is not for them."""
        subject, _, key = stream.partition("/")
        return await asyncio.to_thread(self.parts.history.stream, stream) if await self.visible(subject, key) else ()

    async def retold(self, projection: Projection, table: Table, stream: str) -> Any | None:
        """The one row that a stream makes of a table, as the history tells it: the read model is a moment behind."""
        name = next(name for name, known in projection.tables.items() if known is table)
        events = [(row.position, CATALOG.decode(row.topic, row.state)) for row in await self.told(stream)]
        for key, values in fold(projection, events).rows(name).items():
            own = zip(table.primary_key.columns.keys(), key, strict=True)
            return SimpleNamespace(**(dict.fromkeys(table.columns.keys()) | values | dict(own)))
        return None

    async def load_connectors(self, ids: list[str]) -> list[list[Row[Any]]]:
        found = await self.run(lambda c: station.connectors(c, ids))
        return [found[station_id] for station_id in ids]

    async def load_steps(self, ids: list[str]) -> list[list[Row[Any]]]:
        found = await self.run(lambda c: job.steps(c, ids))
        return [found[job_id] for job_id in ids]

    async def load_signatures(self, ids: list[str]) -> list[signature.Summary | None]:
        found = await self.run(lambda c: signature.summaries(c, ids))
        return [found.get(transaction_id) for transaction_id in ids]

    async def load_quirks(self, ids: list[str]) -> list[list[Row[Any]]]:
        found = await self.run(lambda c: quirk.quirks(c, ids))
        return [found[station_id] for station_id in ids]

    async def load_prices(self, keys: list[tuple[str, int]]) -> list[Priced | Unpriced]:
        return await self.parts.prices.of(keys)

    async def load_bills(self, ids: list[str]) -> list[Row[Any] | None]:
        found = await self.run(lambda c: bill.by_id(c, ids))
        return [found.get(bill_id) for bill_id in ids]

    async def load_ratings(self, ids: list[str]) -> list[list[Row[Any]]]:
        found = await self.run(lambda c: bill.ratings(c, ids))
        return [found[bill_id] for bill_id in ids]

    async def load_transactions(self, keys: list[tuple[str, int]]) -> list[Page]:
        return await self.by_first(keys, transaction.latest_of)

    async def load_readings(self, keys: list[tuple[str, int]]) -> list[Page]:
        return await self.by_first(keys, transaction.readings_of)

    async def by_first(
        self, keys: list[tuple[str, int]], query: Callable[[Connection, Sequence[str], int], dict[str, Page]]
    ) -> list[Page]:
        """One statement per size of page."""
        wanted: dict[int, list[str]] = defaultdict(list)
        for key, first in keys:
            wanted[first].append(key)
        found: dict[tuple[str, int], Page] = {}
        for first, ids in wanted.items():
            pages = await self.run(lambda c, ids=ids, first=first: query(c, ids, first))  # type: ignore[misc]
            found |= {(key, first): page for key, page in pages.items()}
        return [found[key] for key in keys]

    async def position(self, projection: str) -> int:
        return await self.run(lambda c: checkpoint.position(c, projection))

    async def head(self) -> int:
        """The last position of the history."""
        return await asyncio.to_thread(self.parts.history.head)

    async def caught_up(self, projection: str, position: int) -> None:
        """Wait until a read model reflects a position."""
        until = time.monotonic() + PATIENCE_S
        while await self.position(projection) < position:
            if time.monotonic() > until:
                raise GraphQLError(f"the read model {projection} is behind", extensions={"code": "UNAVAILABLE"})
            await asyncio.sleep(LOOK_S)


class Asker:
    """One request: who asks, and with what. `pace`: how fast they may; `note`: what is refused becomes a fact."""

    def __init__(
        self, parts: Parts, principal: Principal | None, pace: Pace | None = None, note: Note = lambda *_: None
    ) -> None:
        self.parts = parts
        self.principal = principal
        self.pace = pace
        self.note = note
        self.reads = Reads(parts, principal.scope if principal else None)

    @property
    def name(self) -> str:
        return self.principal.name if self.principal else "nobody"

    def spend(self, cost: float) -> int | None:
        """Take so much of what they may ask for in a minute; otherwise in how many seconds they may."""
        return self.pace.take(self.name, cost) if self.pace is not None else None


def asker(info: Any) -> Asker:
    found: Asker = info.context["asker"]
    return found
