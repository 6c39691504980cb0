"""Transactions and their readings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import datetime
from types import SimpleNamespace
from typing import Annotated, Any

import strawberry

from api.graphql.bill import Bill, bill
from api.graphql.context import Asker, Reads, asker
from api.graphql.event import Event, events_of
from api.graphql.page import Connection, bounded, connection, listed
from api.graphql.price import Cost, WithoutPrice, cost, unpriced
from api.graphql.scalar import DateTime, Position
from api.graphql.signature import SignatureSummary, SignedValue, signed_value, summary
from domain.catalog import CATALOG
from domain.event import Refusal
from domain.transaction import stream
from projections import signature
from projections import transaction as view
from projections.page import Page, cursor
from projections.projection import fold

TOPICS = tuple(view.PROJECTION.topics)


@strawberry.type(description="What the meter showed at one instant; null: it did not say.")
class Reading:
    at: DateTime = strawberry.field(description="The station's clock.")
    context: str = strawberry.field(
        description="Why it was read, in OCPP's words: Sample.Periodic, Transaction.Begin, …"
    )
    register_wh: float | None = strawberry.field(description="Energy register, a lifetime total, Wh.")
    power_w: float | None = strawberry.field(description="Power to the car, W.")
    current_a: float | None = strawberry.field(description="Current of the most loaded phase, A.")
    voltage_v: float | None = strawberry.field(description="Mean voltage of the phases, V.")
    soc_percent: float | None = strawberry.field(description="State of charge of the car, percent.")
    offered_w: float | None = strawberry.field(description="Power offered to the car, W.")
    offered_a: float | None = strawberry.field(description="Current offered to the car, A.")


@strawberry.type(description="Energy given to one car, from start to end.")
class Transaction:
    id: strawberry.ID = strawberry.field(description="Bornier's own id, unique for ever.")
    station_id: strawberry.ID = strawberry.field(description="The station.")
    evse_id: int = strawberry.field(description="The EVSE (OCPP 1.6: the connector's number); 0 while unknown.")
    connector_id: int | None = strawberry.field(description="The connector, as the station numbers it.")
    station_transaction_id: str = strawberry.field(description="The id station and CSMS use between them.")
    badge: str | None = strawberry.field(description="The badge (id token) that paid for it.")
    verdict: str | None = strawberry.field(description="What we said of that badge at the start.")
    started_at: DateTime = strawberry.field(description="When it began, by the station's clock.")
    ended_at: DateTime | None = strawberry.field(description="When it ended; null while open.")
    energy_wh: float = strawberry.field(description="Energy so far: last register minus first, Wh; live while open.")
    power_w: float | None = strawberry.field(description="Latest power, W; null after the end.")
    soc_start: float | None = strawberry.field(description="First state of charge seen, percent.")
    soc_end: float | None = strawberry.field(description="Latest state of charge seen, percent.")
    stop_reason: str | None = strawberry.field(description="Why it ended, in OCPP's words.")
    meter_start_wh: float | None = strawberry.field(description="Register from which energy counts, Wh.")
    meter_stop_wh: float | None = strawberry.field(description="Register at the end, Wh.")
    charging_state: str | None = strawberry.field(description="OCPP 2.x: what the energy does.")
    doubt: str | None = strawberry.field(description="Why the figures cannot be true; then nothing is billed unseen.")
    superseded_by: strawberry.ID | None = strawberry.field(
        description="The transaction that began while this was open."
    )
    offline: bool = strawberry.field(description="It began while the station was offline.")
    missing_messages: int = strawberry.field(description="Messages the station counted and we never got (OCPP 2.x).")
    position: Position = strawberry.field(description="The latest event that changed it.")
    known: strawberry.Private[list[Any] | None] = None

    @strawberry.field(description="What it costs: live while it runs, by the tariff it began with; null: no price.")
    async def cost(self, info: strawberry.Info) -> Cost | None:
        return cost(await asker(info).reads.prices.load((self.id, self.position)))

    @strawberry.field(description="Why it has no price.")
    async def unpriced(self, info: strawberry.Info) -> WithoutPrice | None:
        return unpriced(await asker(info).reads.prices.load((self.id, self.position)))

    @strawberry.field(description="What its meter has signed, and the verdict; null: nothing.")
    async def signature(self, info: strawberry.Info) -> SignatureSummary | None:
        return await summary(asker(info).reads, self.id, self.energy_wh, self.ended_at is not None)

    @strawberry.field(description="What its meter has signed, word for word, each with its verdict.")
    async def signed_values(
        self, info: strawberry.Info, first: int | None = 50, after: str | None = None
    ) -> Connection[SignedValue]:
        query, table = signature.values(self.id), signature.SIGNED_VALUE
        return await listed(info, "signature", query, table, signed_value, first, after)

    @strawberry.field(description="Its bill; null: it runs, is not rated yet, or began before there were tariffs.")
    async def bill(self, info: strawberry.Info) -> Bill | None:
        found = await asker(info).reads.bills.load(self.id)
        return bill(found) if found is not None else None

    @strawberry.field(description="Its events, each with the OCPP message behind it; for auditors.")
    async def events(
        self, info: strawberry.Info, first: int | None = None, after: Position | None = None
    ) -> Connection[Event]:
        return await events_of(info, stream(self.id), first, after)

    @strawberry.field(description="The readings by the station's time.")
    async def readings(
        self, info: strawberry.Info, first: int | None = 50, after: str | None = None
    ) -> Connection[Reading]:
        reads, limit = asker(info).reads, bounded(first)
        if self.known is not None:
            return readings_page(Page(self.known[:limit], len(self.known) > limit), self.position, len(self.known))
        if after is None:
            found = await reads.readings.load((self.id, limit))
        else:
            found = await reads.run(lambda c: view.readings(c, self.id, limit, after))
        return readings_page(found, self.position, await_count(reads, self.id))


def await_count(reads: Reads, transaction_id: str) -> Any:
    async def count() -> int:
        return await reads.run(lambda c: view.count_readings(c, transaction_id))

    return count


def readings_page(found: Page, position: int, count: Any) -> Connection[Reading]:
    async def known() -> int:
        return int(count)

    nodes = [(cursor(row.at, row.position, row.item), reading(row)) for row in found.rows]
    return connection(nodes, found.more, position, count if callable(count) else known)


def reading(row: Any) -> Reading:
    names = ("context", *view.MEASURED)
    return Reading(at=row.at, **{name: getattr(row, name) for name in names})


def transaction(row: Any, known: list[Any] | None = None) -> Transaction:
    return Transaction(
        id=row.id,
        station_id=row.station_id,
        evse_id=row.evse_id or 0,
        connector_id=row.connector_id,
        station_transaction_id=row.station_transaction_id,
        badge=row.badge,
        verdict=row.verdict,
        started_at=row.started_at,
        ended_at=row.ended_at,
        energy_wh=round(max(row.energy_wh or 0.0, 0.0), 3),  # registers are floats: no digits of noise
        power_w=row.power_w,
        soc_start=row.soc_start,
        soc_end=row.soc_end,
        stop_reason=row.stop_reason,
        meter_start_wh=row.meter_start_wh,
        meter_stop_wh=row.meter_stop_wh,
        charging_state=row.charging_state,
        doubt=row.doubt,
        superseded_by=row.superseded_by,
        offline=bool(row.offline),
        missing_messages=row.missing or 0,
        position=row.position,
        known=known,
    )


def transactions_page(found: Page, position: int, count: Any) -> Connection[Transaction]:
    nodes = [(cursor(row.started_at, row.id), transaction(row)) for row in found.rows]
    return connection(nodes, found.more, position, count)


async def as_of(who: Asker, transaction_id: str, moment: datetime) -> Transaction | None:
    """The transaction as the history knew it then: only events recorded by that time."""
    rows = await who.reads.told(stream(transaction_id))
    events = [(row.position, CATALOG.decode(row.topic, row.state)) for row in rows]
    changes = fold(view.PROJECTION, [(at, event) for at, event in events if event.recorded_at <= moment])
    values = changes.rows("transaction").get((transaction_id,))
    if values is None:
        return None
    blank = dict.fromkeys(column.name for column in view.TRANSACTION.columns)
    row = SimpleNamespace(**(blank | {"id": transaction_id} | values))
    last = row.meter_stop_wh if row.meter_stop_wh is not None else row.meter_last_wh
    row.energy_wh = last - row.meter_start_wh if None not in (last, row.meter_start_wh) else 0.0
    keys = [column.name for column in view.READING.primary_key.columns]
    known = [
        SimpleNamespace(**dict(zip(keys, key, strict=True)), **values)
        for key, values in sorted(changes.rows("reading").items())
    ]
    return transaction(row, known)


@strawberry.type
class TransactionQuery:
    @strawberry.field(description="One transaction, now or as the history knew it at a time.")
    async def transaction(
        self,
        info: strawberry.Info,
        id: strawberry.ID,
        as_of: DateTime | None = None,
    ) -> Transaction | None:
        who = asker(info)
        if as_of is not None:
            return await past(who, id, as_of)
        row = (await who.reads.run(lambda c: view.by_id(c, [id]))).get(id)
        return transaction(row) if row is not None and row.started_at is not None else None

    @strawberry.field(description="Transactions, the newest start first.")
    async def transactions(
        self,
        info: strawberry.Info,
        first: int | None = 50,
        after: str | None = None,
        station_id: strawberry.ID | None = None,
        badge: str | None = None,
        since: Annotated[DateTime | None, strawberry.argument(name="from", description="Started at or after.")] = None,
        to: DateTime | None = None,
        open: bool | None = None,
    ) -> Connection[Transaction]:
        reads, limit = asker(info).reads, bounded(first)
        wanted = (station_id, badge, since, to, open)
        position = await reads.position("transaction")
        found = await reads.run(lambda c: view.transactions(c, limit, after, *wanted))
        return transactions_page(found, position, lambda: reads.run(lambda c: view.count(c, *wanted)))


past = as_of


@strawberry.type
class TransactionSubscription:
    @strawberry.subscription(description="A transaction whenever it changes, from a position on.")
    async def transaction_changed(
        self, info: strawberry.Info, station_id: strawberry.ID | None = None, after: Position | None = None
    ) -> AsyncGenerator[Transaction, None]:
        who = asker(info)
        history = who.parts.history
        start = after if after is not None else await asyncio.to_thread(history.head)
        async for batch in history.follow(start, TOPICS):
            await who.reads.caught_up("transaction", batch[-1].position)
            ids = list(dict.fromkeys(row.stream.removeprefix("transaction/") for row in batch))
            rows = await who.reads.run(lambda c, ids=ids: view.by_id(c, ids))  # type: ignore[misc]
            for row in (rows[id_] for id_ in ids if id_ in rows):
                if station_id in (None, row.station_id) and row.started_at is not None:
                    yield transaction(row)


async def station_of(info: strawberry.Info, transaction_id: str) -> str:
    rows = await asker(info).reads.run(lambda c: view.by_id(c, [transaction_id]))
    if transaction_id not in rows:
        raise Refusal(f"there is no transaction {transaction_id}")
    return str(rows[transaction_id].station_id)
