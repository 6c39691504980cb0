"""What stations left open, or ended under an id nobody knows; people settle it."""

from __future__ import annotations

import asyncio
from typing import Any

import strawberry

from api.graphql.command import said
from api.graphql.context import asker
from api.graphql.page import Connection, listing
from api.graphql.scalar import DateTime
from api.graphql.transaction import Transaction, station_of, transaction
from domain.event import Refusal
from projections import orphan as view
from projections.transaction import by_id


@strawberry.type(description="The end of a transaction that nobody knows, as a station told it.")
class Orphan:
    id: strawberry.ID = strawberry.field(description="Its id, for bindTransaction.")
    station_id: strawberry.ID = strawberry.field(description="The station that told it.")
    station_transaction_id: str = strawberry.field(description="The id it named.")
    occurred_at: DateTime = strawberry.field(description="When, by the station's clock.")
    heard_at: DateTime = strawberry.field(description="When we heard of it.")
    meter_stop_wh: float | None = strawberry.field(description="The register it told, Wh.")
    reason: str | None = strawberry.field(description="Why it ended, in the station's words.")
    transaction_id: strawberry.ID | None = strawberry.field(description="The transaction an operator bound it to.")


def orphan(row: Any) -> Orphan:
    names = ("station_id", "station_transaction_id", "occurred_at", "heard_at", "meter_stop_wh", "reason",
             "transaction_id")  # fmt: skip
    return Orphan(id=strawberry.ID(f"{row.version}@{row.station_id}"), **{name: getattr(row, name) for name in names})


@strawberry.type
class OrphanQuery:
    @strawberry.field(description="Ends of transactions that nobody knows, the newest first.")
    async def orphans(
        self,
        info: strawberry.Info,
        first: int | None = 50,
        after: str | None = None,
        station_id: strawberry.ID | None = None,
        bound: bool | None = None,
    ) -> Connection[Orphan]:
        return await listing(
            info, "orphan", view.ORPHAN.c.position, first, after, orphan, station_id=station_id, bound=bound
        )


@strawberry.input(description="Say which transaction an orphan ends.")
class BindTransactionInput:
    orphan_id: strawberry.ID = said("The orphan.")
    transaction_id: strawberry.ID = said("Bornier's id of the transaction.")


@strawberry.input(description="Close a transaction whose station never told its end.")
class CloseTransactionInput:
    transaction_id: strawberry.ID = said("Bornier's id of the transaction.")
    reason: str = said("Why, for whoever reads it later.")


@strawberry.type
class OrphanMutation:
    @strawberry.mutation(description="An orphan ends this transaction: with its register, at its time.")
    async def bind_transaction(self, info: strawberry.Info, input: BindTransactionInput) -> Transaction:
        version, _, station_id = input.orphan_id.partition("@")
        if not version.isdecimal() or len(version) > 9 or await station_of(info, input.transaction_id) != station_id:
            raise Refusal("this orphan is of another station, or there is no such orphan")
        who = asker(info)
        await who.parts.clerk.bind(station_id, int(version), input.transaction_id, who.name)
        return await settled(info, input.transaction_id)

    @strawberry.mutation(description="It is over; energy is what was read. A real end that comes later counts.")
    async def close_transaction(self, info: strawberry.Info, input: CloseTransactionInput) -> Transaction:
        who = asker(info)
        station_id = await station_of(info, input.transaction_id)
        await who.parts.clerk.close(station_id, input.transaction_id, input.reason, who.name)
        return await settled(info, input.transaction_id)


async def settled(info: strawberry.Info, transaction_id: str) -> Transaction:
    """The transaction as it is now."""
    who = asker(info)
    await who.reads.caught_up("transaction", await asyncio.to_thread(who.parts.history.head))
    rows = await who.reads.run(lambda c: by_id(c, [transaction_id]))
    return transaction(rows[transaction_id])
