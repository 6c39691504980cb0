"""Reservations: holding an EVSE for a badge."""

from __future__ import annotations

from enum import Enum
from typing import Any

import strawberry

from api.graphql.command import Command, ask, deadline, said
from api.graphql.context import asker
from api.graphql.page import Connection, listing
from api.graphql.price import Cost, cost
from api.graphql.scalar import DateTime, Position
from api.graphql.transaction import Transaction, transaction
from projections import reservation as view
from projections import transaction as charge


@strawberry.enum(description="Where a reservation is in its life; all but the first two are final.")
class ReservationStatus(Enum):
    REQUESTED = "REQUESTED"
    ACTIVE = "ACTIVE"
    USED = "USED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"
    REFUSED = "REFUSED"
    REMOVED = strawberry.enum_value("REMOVED", description="The station gave it up by itself.")


@strawberry.type(description="An EVSE held for a badge until a time.")
class Reservation:
    id: strawberry.ID = strawberry.field(description="Its number, the one the station uses too.")
    station_id: strawberry.ID = strawberry.field(description="The station.")
    evse_id: int | None = strawberry.field(description="The EVSE (OCPP 1.6: connector); null: any of the station.")
    connector_type: str | None = strawberry.field(description="The type of connector it must have (OCPP 2.x).")
    badge: str = strawberry.field(description="The badge it is held for.")
    group_badge: str | None = strawberry.field(description="The group whose badges may use it, too.")
    status: ReservationStatus = strawberry.field(description="Where it is.")
    reason: str | None = strawberry.field(description="Why it was refused or removed.")
    requested_by: str = strawberry.field(description="Who asked.")
    requested_at: DateTime = strawberry.field(description="When.")
    expires_at: DateTime = strawberry.field(description="Until when it is held.")
    ended_at: DateTime | None = strawberry.field(description="When its life ended; null while it is live.")
    position: Position = strawberry.field(description="The latest event that changed it.")
    transaction_id: strawberry.Private[str | None]

    @strawberry.field(description="The transaction that used it.")
    async def transaction(self, info: strawberry.Info) -> Transaction | None:
        known = self.transaction_id
        if known is None:
            return None
        row = (await asker(info).reads.run(lambda c: charge.by_id(c, [known]))).get(known)
        return transaction(row) if row is not None else None

    @strawberry.field(description="What it costs when it expired; one that was used is priced with its transaction.")
    async def cost(self, info: strawberry.Info) -> Cost | None:
        found = await asker(info).parts.prices.of_reservation(int(self.id))
        return cost(found) if found is not None else None


NAMES = (
    "id", "station_id", "evse_id", "connector_type", "badge", "group_badge", "reason", "requested_by", "requested_at",
    "expires_at", "ended_at", "position", "transaction_id",
)  # fmt: skip


def reservation(row: Any) -> Reservation:
    return Reservation(status=ReservationStatus(row.status), **{name: getattr(row, name) for name in NAMES})


@strawberry.type
class ReservationQuery:
    @strawberry.field(description="One reservation.")
    async def reservation(self, info: strawberry.Info, id: strawberry.ID) -> Reservation | None:
        number = int(id) if id.isdecimal() and len(id) < 11 else 0
        row = (await asker(info).reads.run(lambda c: view.by_id(c, [number]))).get(number)
        return reservation(row) if row is not None else None

    @strawberry.field(description="Reservations, the newest first.")
    async def reservations(
        self,
        info: strawberry.Info,
        first: int | None = 50,
        after: str | None = None,
        station_id: strawberry.ID | None = None,
        badge: str | None = None,
        status: ReservationStatus | None = None,
    ) -> Connection[Reservation]:
        wanted = {"station_id": station_id, "badge": badge, "status": status.value if status else None}
        return await listing(info, "reservation", view.RESERVATION.c.id, first, after, reservation, **wanted)


@strawberry.input(description="Hold an EVSE of a station for a badge.")
class ReserveNowInput:
    station_id: strawberry.ID = said("The station.")
    badge: str = said("The badge it is held for.")
    expires_at: DateTime = said("Until when.")
    evse_id: int | None = said("The EVSE (OCPP 1.6: connector); any one of the station when absent.", default=None)
    connector_type: str | None = said("The type of connector it must have (OCPP 2.x), such as cCCS2.", default=None)
    group_badge: str | None = said("The group whose badges may use it, too.", default=None)
    deadline_seconds: int | None = deadline()


@strawberry.input(description="Give a reservation back before use.")
class CancelReservationInput:
    reservation_id: strawberry.ID = said("The reservation.")
    deadline_seconds: int | None = deadline()


@strawberry.type
class ReservationMutation:
    @strawberry.mutation(description="Hold an EVSE of a station for a badge; its number is in `parameters`.")
    async def reserve_now(self, info: strawberry.Info, input: ReserveNowInput) -> Command:
        who = asker(info)
        facts = {"evse_id": input.evse_id, "connector_type": input.connector_type, "group_badge": input.group_badge}
        number = await who.parts.desk.request(input.station_id, input.badge, input.expires_at, who.name, **facts)
        return await ask(info, "reserveNow", input, reservation_id=number)

    @strawberry.mutation(description="Give a reservation back before use.")
    async def cancel_reservation(self, info: strawberry.Info, input: CancelReservationInput) -> Command:
        known = await asker(info).parts.desk.find(input.reservation_id)
        return await ask(info, "cancelReservation", input, known.station_id, reservation_id=known.reservation_id)
