"""What all limits together allow: what stations say, and what Bornier computes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import strawberry

from api.graphql.command import Command, ask, deadline, said
from api.graphql.context import asker
from api.graphql.page import Connection, listed
from api.graphql.scalar import DateTime, Position
from api.graphql.schedule import EVSE, STATION, ChargingPeriod, ChargingRateUnit, period
from domain import schedule as schedules
from domain.composite import LONGEST_S, within
from domain.event import Refusal
from projections import profile as view


@strawberry.type(description="What a station said all its limits together allow, and what Bornier computed then.")
class CompositeSchedule:
    station_id: strawberry.ID = strawberry.field(description=STATION)
    evse_id: int = strawberry.field(description=EVSE)
    starts_at: DateTime = strawberry.field(description="From when it counts.")
    duration_seconds: int = strawberry.field(description="For how long.")
    unit: ChargingRateUnit = strawberry.field(description="The unit of the limits.")
    periods: list[ChargingPeriod] = strawberry.field(description="What the station said.")
    expected: list[ChargingPeriod] = strawberry.field(description="What Bornier computed from the same profiles.")
    within_expected: bool = strawberry.field(
        description="Nowhere does the station allow more than it should; false: look at it."
    )
    reported_at: DateTime = strawberry.field(description="When it said so.")
    position: Position = strawberry.field(description="The latest event that changed it.")


def composite(row: Any) -> CompositeSchedule:
    names = ("station_id", "evse_id", "starts_at", "duration_seconds", "reported_at", "position")
    told, computed = (msgspec.convert(each, tuple[schedules.Period, ...]) for each in (row.periods, row.expected))
    return CompositeSchedule(
        unit=ChargingRateUnit(row.unit),
        periods=[period(each) for each in told],
        expected=[period(each) for each in computed],
        within_expected=within(told, computed),
        **{name: getattr(row, name) for name in names},
    )


@strawberry.type
class CompositeQuery:
    @strawberry.field(description="What stations last said their limits amount to, an EVSE each.")
    async def composite_schedules(
        self,
        info: strawberry.Info,
        first: int | None = 50,
        after: str | None = None,
        station_id: strawberry.ID | None = None,
        evse_id: int | None = None,
    ) -> Connection[CompositeSchedule]:
        return await listed(
            info, "profile", view.composites(station_id, evse_id), view.COMPOSITE, composite, first, after
        )

    @strawberry.field(description="What Bornier computes that an EVSE may draw from now on, from all that limits it.")
    async def expected_schedule(
        self,
        info: strawberry.Info,
        station_id: strawberry.ID,
        evse_id: int,
        duration_seconds: int = 86_400,
        unit: ChargingRateUnit = ChargingRateUnit.A,
    ) -> list[ChargingPeriod]:
        if not 1 <= duration_seconds <= LONGEST_S:
            raise Refusal("durationSeconds must be between 1 second and 7 days")
        wanted = (station_id, evse_id, unit.value, datetime.now(UTC), duration_seconds)
        found = await asker(info).reads.run(lambda c: view.expectation(c, *wanted))
        return [period(each) for each in found]


@strawberry.input(description="Ask a station what all its limits together allow.")
class GetCompositeScheduleInput:
    station_id: strawberry.ID = said(STATION)
    evse_id: int = said(EVSE)
    duration_seconds: int = said("For how long from now on.")
    unit: ChargingRateUnit | None = said("In which unit; the station chooses when absent.", default=None)
    deadline_seconds: int | None = deadline()


@strawberry.type
class CompositeMutation:
    @strawberry.mutation(description="Ask a station what all its limits together allow.")
    async def get_composite_schedule(self, info: strawberry.Info, input: GetCompositeScheduleInput) -> Command:
        return await ask(info, "getCompositeSchedule", input)
