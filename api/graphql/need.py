"""What cars told of their needs, and of how they will charge."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import strawberry

from api.graphql.page import Connection, listed
from api.graphql.scalar import DateTime, Position
from api.graphql.schedule import STATION, ChargingSchedule, schedule
from domain import schedule as schedules
from domain.need import Needs
from projections import profile as view


@strawberry.type(description="What a car told of its needs, and of how it will charge (ISO 15118).")
class ChargingNeed:
    station_id: strawberry.ID = strawberry.field(description=STATION)
    evse_id: int = strawberry.field(description="The EVSE.")
    transaction_id: strawberry.ID | None = strawberry.field(description="Bornier's id of its transaction.")
    transfer: str = strawberry.field(description="The way of energy transfer it asks for.")
    departs_at: DateTime | None = strawberry.field(description="When it wants to leave.")
    energy_wh: Decimal | None = strawberry.field(description="How much it wants until then, Wh.")
    min_current_a: Decimal | None = strawberry.field(description="The least it can take, A.")
    max_current_a: Decimal | None = strawberry.field(description="The most it can take, A.")
    max_voltage_v: Decimal | None = strawberry.field(description="Its highest voltage, V.")
    max_power_w: Decimal | None = strawberry.field(description="The most it can take, W.")
    capacity_wh: Decimal | None = strawberry.field(description="What its battery holds, Wh.")
    soc_percent: int | None = strawberry.field(description="Its state of charge, percent.")
    max_periods: int | None = strawberry.field(description="The longest schedule it can read, in periods.")
    status: str = strawberry.field(description="What it was answered: Accepted when a schedule followed.")
    occurred_at: DateTime = strawberry.field(description="When it said so.")
    plan: ChargingSchedule | None = strawberry.field(description="How it will charge.")
    plan_starts_at: DateTime | None = strawberry.field(description="From when its plan counts.")
    plan_accepted: bool | None = strawberry.field(description="Its plan is within its limits.")
    plan_reason: str | None = strawberry.field(description="Where it is not.")
    position: Position = strawberry.field(description="The latest event that changed it.")


WANTED = (
    "transfer", "departs_at", "energy_wh", "min_current_a", "max_current_a", "max_voltage_v", "max_power_w",
    "capacity_wh", "soc_percent",
)  # fmt: skip
NEED = (
    "station_id", "evse_id", "transaction_id", "max_periods", "status", "occurred_at", "plan_starts_at",
    "plan_accepted", "plan_reason", "position",
)  # fmt: skip


def need(row: Any) -> ChargingNeed:
    wanted = msgspec.convert(row.needs, Needs)
    facts = {name: getattr(row, name) for name in NEED} | {name: getattr(wanted, name) for name in WANTED}
    plan = schedule(msgspec.convert(row.plan, schedules.Schedule)) if row.plan is not None else None
    return ChargingNeed(plan=plan, **facts)


@strawberry.type
class NeedQuery:
    @strawberry.field(description="What cars last told of their needs, an EVSE each (OCPP 2.x).")
    async def charging_needs(
        self,
        info: strawberry.Info,
        first: int | None = 50,
        after: str | None = None,
        station_id: strawberry.ID | None = None,
        evse_id: int | None = None,
    ) -> Connection[ChargingNeed]:
        return await listed(info, "profile", view.needs(station_id, evse_id), view.NEED, need, first, after)
