"""Battery swaps (OCPP 2.1)."""

from __future__ import annotations

from typing import Any

import strawberry

from api.graphql.command import Command, ask, deadline, said
from api.graphql.page import Connection, listing
from api.graphql.scalar import DateTime, Position
from projections.swap import SWAP


@strawberry.type(description="A battery in a slot of a swap station.")
class Battery:
    evse_id: int = strawberry.field(description="The slot.")
    serial_number: str = strawberry.field(description="Its serial number.")
    soc_percent: float = strawberry.field(description="State of charge, percent.")
    soh_percent: float = strawberry.field(description="State of health, percent.")


@strawberry.type(description="Batteries exchanged instead of charged.")
class BatterySwap:
    station_id: strawberry.ID = strawberry.field(description="The station.")
    request_id: int = strawberry.field(description="What ties its messages together.")
    badge: str = strawberry.field(description="Who swapped.")
    arranged_at: DateTime | None = strawberry.field(description="When the station agreed; null if nobody asked it.")
    inserted_at: DateTime | None = strawberry.field(description="When batteries were put in.")
    inserted: list[Battery] = strawberry.field(description="Which.")
    taken_at: DateTime | None = strawberry.field(description="When batteries were taken out.")
    taken: list[Battery] = strawberry.field(description="Which.")
    left_at: DateTime | None = strawberry.field(description="When the driver had not taken them in time.")
    position: Position = strawberry.field(description="The latest event that changed it.")


NAMES = ("station_id", "request_id", "badge", "arranged_at", "inserted_at", "taken_at", "left_at", "position")


def swap(row: Any) -> BatterySwap:
    return BatterySwap(
        inserted=batteries(row.inserted), taken=batteries(row.taken), **{name: getattr(row, name) for name in NAMES}
    )


def batteries(rows: list[dict[str, Any]] | None) -> list[Battery]:
    names = ("evse_id", "serial_number", "soc_percent", "soh_percent")
    return [Battery(**{name: row[name] for name in names}) for row in rows or ()]


@strawberry.input(description="Give somebody a full battery for an empty one (OCPP 2.1).")
class RequestBatterySwapInput:
    station_id: strawberry.ID = said("The station.")
    badge: str = said("The badge of the driver; it must be allowed to charge.")
    deadline_seconds: int | None = deadline()


@strawberry.type
class SwapQuery:
    @strawberry.field(description="Battery swaps, the newest first (OCPP 2.1).")
    async def battery_swaps(
        self,
        info: strawberry.Info,
        station_id: strawberry.ID | None = None,
        badge: str | None = None,
        first: int | None = 50,
        after: str | None = None,
    ) -> Connection[BatterySwap]:
        wanted = {"station_id": station_id, "badge": badge}
        return await listing(info, "swap", SWAP.c.began, first, after, swap, **wanted)


@strawberry.type
class SwapMutation:
    @strawberry.mutation(description="Give somebody a full battery for an empty one (OCPP 2.1).")
    async def request_battery_swap(self, info: strawberry.Info, input: RequestBatterySwapInput) -> Command:
        return await ask(info, "requestBatterySwap", input)
