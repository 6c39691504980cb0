"""QualiCharge: what the administration was told, what became of it, and which rules it breaks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

import strawberry

from api.graphql.context import asker
from api.graphql.page import Connection, bounded, connection
from api.graphql.scalar import DateTime, Json, Position
from domain.event import Refusal
from projections import qualicharge as view
from projections.page import cursor, key

LONGEST_DAYS = 31


@strawberry.enum(description="What an item of QualiCharge is about.")
class QualichargeKind(Enum):
    STATIC = strawberry.enum_value("STATIC", description="A charge point, as IRVE describes it.")
    STATUS = strawberry.enum_value("STATUS", description="The state of a charge point at a moment.")
    SESSION = strawberry.enum_value("SESSION", description="A charge that ended.")


@strawberry.enum(description="What became of an item.")
class QualichargeFate(Enum):
    PREPARED = strawberry.enum_value("PREPARED", description="It waits to be sent.")
    WITHHELD = strawberry.enum_value("WITHHELD", description="It breaks rules, so it is not sent.")
    SENT = strawberry.enum_value("SENT", description="It is on its way.")
    ACCEPTED = strawberry.enum_value("ACCEPTED", description="QualiCharge took it.")
    CONFIRMED = strawberry.enum_value("CONFIRMED", description="QualiCharge took it and has stored it.")
    REFUSED = strawberry.enum_value("REFUSED", description="QualiCharge does not take it.")
    UNCERTAIN = strawberry.enum_value("UNCERTAIN", description="It may have arrived; it is not sent again by itself.")
    SUPERSEDED = strawberry.enum_value("SUPERSEDED", description="A newer one was sent, or it was too old.")


@strawberry.type(description="Something that QualiCharge is told: one charge point, status or session.")
class QualichargeItem:
    id: strawberry.ID = strawberry.field(description="Its id, for `retryQualicharge`.")
    kind: QualichargeKind = strawberry.field(description="What it is about.")
    point: str = strawberry.field(description="The charge point (id_pdc_itinerance).")
    station_id: strawberry.ID = strawberry.field(description="The station.")
    evse_id: int = strawberry.field(description="The EVSE.")
    transaction_id: strawberry.ID | None = strawberry.field(description="The transaction behind a session.")
    payload: Json = strawberry.field(description="Exactly what is sent.")
    fate: QualichargeFate = strawberry.field(description="What became of it.")
    rules: list[str] = strawberry.field(description="The rules it breaks, if it is withheld; 0: what the server needs.")
    reason: str | None = strawberry.field(description="Why, in words.")
    status: int | None = strawberry.field(description="The HTTP status of a refusal.")
    reference: str | None = strawberry.field(description="The id that QualiCharge gave it.")
    attempt: int = strawberry.field(description="How often it was sent.")
    prepared_at: DateTime = strawberry.field(description="When it was prepared.")
    sent_at: DateTime | None = strawberry.field(description="When it was sent, the last time.")
    settled_at: DateTime | None = strawberry.field(description="When it came to its fate.")
    built_from: Position = strawberry.field(description="It knows the history up to here.")


NAMES = ("id", "point", "station_id", "evse_id", "transaction_id", "payload", "reason", "status", "reference",
         "attempt", "prepared_at", "sent_at", "settled_at", "built_from")  # fmt: skip


def item(row: Any) -> QualichargeItem:
    facts = {name: getattr(row, name) for name in NAMES}
    return QualichargeItem(
        kind=QualichargeKind(row.kind), fate=QualichargeFate(row.fate), rules=list(row.rules or ()), **facts
    )


@strawberry.type(description="A rule of the administration that several items break together.")
class QualichargeFinding:
    rule: str = strawberry.field(description="Its number; 0: something the server refuses.")
    point: str | None = strawberry.field(description="The charge point, if it is about one.")
    words: str = strawberry.field(description="What is wrong.")
    at: DateTime | None = strawberry.field(description="When, if it is about a moment.")


@strawberry.type
class QualichargeQuery:
    @strawberry.field(description="What QualiCharge is told, the newest first.")
    async def qualicharge_items(
        self,
        info: strawberry.Info,
        first: int | None = 50,
        after: str | None = None,
        kind: QualichargeKind | None = None,
        fate: QualichargeFate | None = None,
        station_id: strawberry.ID | None = None,
        point: str | None = None,
        transaction_id: strawberry.ID | None = None,
    ) -> Connection[QualichargeItem]:
        reads, limit = asker(info).reads, bounded(first)
        wanted: dict[str, Any] = {"station_id": station_id, "point": point, "transaction_id": transaction_id}
        wanted |= {"kind": kind.value if kind else None, "fate": fate.value if fate else None}
        before = key(after, tuple[int])[0] if after is not None else None
        position = await reads.position("qualicharge")
        rows = await reads.run(lambda c: c.execute(view.items(limit + 1, before, **wanted)).all())
        nodes = [(cursor(row.prepared_position), item(row)) for row in rows[:limit]]
        return connection(nodes, len(rows) > limit, position, lambda: reads.run(lambda c: view.counts(c, **wanted)))

    @strawberry.field(description="Rules that charge points, statuses and sessions break together; at most 500.")
    async def qualicharge_findings(
        self, info: strawberry.Info, days: int = 7, point: str | None = None
    ) -> list[QualichargeFinding]:
        if not 1 <= days <= LONGEST_DAYS:
            raise Refusal(f"days must be between 1 and {LONGEST_DAYS}")
        now = datetime.now(UTC)
        found = await asker(info).reads.run(lambda c: view.findings(c, now - timedelta(days=days), now, point))
        return [
            QualichargeFinding(
                rule=each.rule, point=each.point, words=each.words, at=DateTime(each.at) if each.at else None
            )
            for each in found
        ]


@strawberry.input(description="Hold an item to the rules and send it once more.")
class RetryQualichargeInput:
    id: strawberry.ID = strawberry.field(description="The item.")


@strawberry.type
class QualichargeMutation:
    @strawberry.mutation(
        description="Send an item once more that was withheld, refused, superseded or left uncertain; returns its id."
    )
    async def retry_qualicharge(self, info: strawberry.Info, input: RetryQualichargeInput) -> strawberry.ID:
        who = asker(info)
        await who.parts.qualicharge.retry(input.id, who.name)
        return input.id
