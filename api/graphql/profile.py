"""Smart charging: what limits stations and cars, and asking stations to obey."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Any

import msgspec
import strawberry

from api.graphql.command import Command, ask, deadline, said
from api.graphql.page import Connection, listed
from api.graphql.scalar import DateTime, Json, Position
from api.graphql.schedule import (
    EVSE,
    STATION,
    ChargingProfileInput,
    ChargingProfileKind,
    ChargingProfilePurpose,
    ChargingSchedule,
    EnergyTransfer,
    RecurrencyKind,
    ScheduleUpdateInput,
    schedule,
)  # fmt: skip
from domain import schedule as schedules
from projections import profile as view


@strawberry.input(description="Limit a station, an EVSE or a charge.")
class SetChargingProfileInput:
    station_id: strawberry.ID = said(STATION)
    charging_profile: ChargingProfileInput = said("The limits.")
    evse_id: int | None = said(EVSE + " When absent, that of the transaction, else the station.", default=None)
    deadline_seconds: int | None = deadline()


@strawberry.input(description="Take limits back: one profile by its id, or all that match everything that is said.")
class ClearChargingProfileInput:
    station_id: strawberry.ID = said(STATION)
    profile_id: int | None = said("The one profile.", default=None)
    evse_id: int | None = said(EVSE, default=None)
    purpose: ChargingProfilePurpose | None = said("Profiles of this purpose.", default=None)
    stack_level: int | None = said("Profiles of this level.", default=None)
    deadline_seconds: int | None = deadline()


@strawberry.input(description="Ask a station which profiles it has (OCPP 2.x); it reports those that match.")
class GetChargingProfilesInput:
    station_id: strawberry.ID = said(STATION)
    evse_id: int | None = said(EVSE + " Everywhere when absent.", default=None)
    ids: list[int] | None = said("These profiles.", default=None)
    purpose: ChargingProfilePurpose | None = said("Profiles of this purpose.", default=None)
    stack_level: int | None = said("Profiles of this level.", default=None)
    sources: list[str] | None = said("Profiles of these sources: CSO (us), EMS, SO, Other.", default=None)
    deadline_seconds: int | None = deadline()


@strawberry.input(description="Let a charge go first, or no more (OCPP 2.1).")
class UsePriorityChargingInput:
    station_id: strawberry.ID = said(STATION)
    transaction_id: strawberry.ID = said("Bornier's id of the transaction.")
    activate: bool = said("First, or no more.", default=True)
    deadline_seconds: int | None = deadline()


@strawberry.input(description="Give a dynamic profile new values (OCPP 2.1).")
class UpdateDynamicScheduleInput:
    station_id: strawberry.ID = said(STATION)
    profile_id: int = said("The dynamic profile.")
    update: ScheduleUpdateInput = said("The values.")
    deadline_seconds: int | None = deadline()


@strawberry.input(description="Pass on a signal of automatic frequency restoration (OCPP 2.1).")
class AfrrSignalInput:
    station_id: strawberry.ID = said(STATION)
    signal: int = said("The signal, as the curves of the profiles know it.")
    at: DateTime | None = said("From when; now when absent.", default=None)
    deadline_seconds: int | None = deadline()


@strawberry.input(description="Say which ways of energy transfer a charge may use (OCPP 2.1).")
class NotifyAllowedEnergyTransferInput:
    station_id: strawberry.ID = said(STATION)
    transaction_id: strawberry.ID = said("Bornier's id of the transaction.")
    transfers: list[EnergyTransfer] = said("All that are allowed.")
    deadline_seconds: int | None = deadline()


@strawberry.enum(description="Whether a station has a profile, and if not, why.")
class ProfileStatus(Enum):
    INSTALLED = "INSTALLED"
    REPLACED = strawberry.enum_value("REPLACED", description="Another one took its place.")
    CLEARED = strawberry.enum_value("CLEARED", description="It was cleared.")
    LOST = strawberry.enum_value("LOST", description="A report of the station does not have it any more.")
    ENDED = strawberry.enum_value("ENDED", description="Its transaction is over.")


@strawberry.type(description="Limits over time with a purpose, and where they are.")
class ChargingProfile:
    station_id: strawberry.ID = strawberry.field(description=STATION)
    id: int = strawberry.field(description="Its id on the station.")
    evse_id: int = strawberry.field(description=EVSE)
    purpose: ChargingProfilePurpose = strawberry.field(description="What it is for.")
    stack_level: int = strawberry.field(description="Its place in the stack.")
    kind: ChargingProfileKind = strawberry.field(description="By which clock its schedules run.")
    recurrency: RecurrencyKind | None = strawberry.field(description="How often it begins again.")
    valid_from: DateTime | None = strawberry.field(description="From when it counts.")
    valid_to: DateTime | None = strawberry.field(description="Until when it counts.")
    source: str = strawberry.field(description="Who limits: CSO (us), EMS, SO, Other, …")
    transaction_id: strawberry.ID | None = strawberry.field(description="Bornier's id of its transaction.")
    schedules: list[ChargingSchedule] = strawberry.field(description="Its schedules.")
    profile: Json = strawberry.field(description="Everything it says.")
    status: ProfileStatus = strawberry.field(description="Whether the station has it.")
    since: DateTime = strawberry.field(description="Since when this is so.")
    offered: bool = strawberry.field(description="Bornier made it out of what the car needs.")
    position: Position = strawberry.field(description="The latest event that changed it.")


def profile(row: Any) -> ChargingProfile:
    told = msgspec.convert(row.profile, schedules.ChargingProfile)
    ended = row.status == "INSTALLED" and not row.installed
    return ChargingProfile(
        purpose=ChargingProfilePurpose(told.purpose),
        kind=ChargingProfileKind(told.kind),
        recurrency=RecurrencyKind(told.recurrency) if told.recurrency else None,
        valid_from=moment(told.valid_from),
        valid_to=moment(told.valid_to),
        schedules=[schedule(each) for each in told.schedules],
        status=ProfileStatus.ENDED if ended else ProfileStatus(row.status),
        offered=bool(row.offered),
        **{name: getattr(row, name) for name in PROFILE},
    )


PROFILE = ("station_id", "id", "evse_id", "stack_level", "source", "transaction_id", "profile", "since", "position")


def moment(at: datetime | None) -> DateTime | None:
    return DateTime(at) if at is not None else None


@strawberry.type(description="A limit that somebody other than Bornier set, now in force.")
class ChargingLimit:
    station_id: strawberry.ID = strawberry.field(description=STATION)
    evse_id: int = strawberry.field(description=EVSE)
    source: str = strawberry.field(description="Who limits: EMS, SO (grid operator), Other, …")
    schedules: list[ChargingSchedule] = strawberry.field(description="By how much; empty: the station did not say.")
    grid_critical: bool = strawberry.field(description="The grid needs it.")
    local_generation: bool = strawberry.field(description="It is power that comes on top, from local generation.")
    since: DateTime = strawberry.field(description="Since when.")
    position: Position = strawberry.field(description="The latest event that changed it.")


def limit(row: Any) -> ChargingLimit:
    told = msgspec.convert(row.schedules, tuple[schedules.Schedule, ...])
    names = ("station_id", "evse_id", "source", "grid_critical", "local_generation", "since", "position")
    return ChargingLimit(schedules=[schedule(each) for each in told], **{name: getattr(row, name) for name in names})


@strawberry.type(description="What a charge may beyond others (OCPP 2.1).")
class ChargingPriority:
    station_id: strawberry.ID = strawberry.field(description=STATION)
    transaction_id: strawberry.ID = strawberry.field(description="Bornier's id of the transaction.")
    active: bool = strawberry.field(description="It goes first.")
    active_since: DateTime | None = strawberry.field(description="Since when.")
    transfers: list[str] | None = strawberry.field(description="The ways of energy transfer it was allowed.")
    position: Position = strawberry.field(description="The latest event that changed it.")


def priority(row: Any) -> ChargingPriority:
    names = ("station_id", "transaction_id", "active_since", "transfers", "position")
    return ChargingPriority(active=bool(row.active), **{name: getattr(row, name) for name in names})


@strawberry.type
class ProfileQuery:
    @strawberry.field(
        description="Charging profiles by station and id; those that are installed, unless asked otherwise."
    )
    async def charging_profiles(
        self,
        info: strawberry.Info,
        first: int | None = 50,
        after: str | None = None,
        station_id: strawberry.ID | None = None,
        evse_id: int | None = None,
        purpose: ChargingProfilePurpose | None = None,
        transaction_id: strawberry.ID | None = None,
        source: str | None = None,
        installed: bool | None = True,
    ) -> Connection[ChargingProfile]:
        wanted = (station_id, evse_id, purpose.value if purpose else None, transaction_id, source, installed)
        return await listed(info, "profile", view.profiles(*wanted), view.PROFILE, profile, first, after)

    @strawberry.field(description="Limits that others set and that are in force.")
    async def charging_limits(
        self,
        info: strawberry.Info,
        first: int | None = 50,
        after: str | None = None,
        station_id: strawberry.ID | None = None,
        evse_id: int | None = None,
    ) -> Connection[ChargingLimit]:
        return await listed(info, "profile", view.limits(station_id, evse_id), view.LIMIT, limit, first, after)

    @strawberry.field(description="Charges that go first, or that were told what they may (OCPP 2.1).")
    async def charging_priorities(
        self,
        info: strawberry.Info,
        first: int | None = 50,
        after: str | None = None,
        station_id: strawberry.ID | None = None,
        active: bool | None = None,
    ) -> Connection[ChargingPriority]:
        return await listed(info, "profile", view.priorities(station_id, active), view.PRIORITY, priority, first, after)


@strawberry.type
class ProfileMutation:
    @strawberry.mutation(description="Limit a station, an EVSE or a charge.")
    async def set_charging_profile(self, info: strawberry.Info, input: SetChargingProfileInput) -> Command:
        return await ask(info, "setChargingProfile", input)

    @strawberry.mutation(description="Take limits back.")
    async def clear_charging_profile(self, info: strawberry.Info, input: ClearChargingProfileInput) -> Command:
        return await ask(info, "clearChargingProfile", input)

    @strawberry.mutation(description="Ask a station which profiles it has (OCPP 2.x).")
    async def get_charging_profiles(self, info: strawberry.Info, input: GetChargingProfilesInput) -> Command:
        return await ask(info, "getChargingProfiles", input)

    @strawberry.mutation(description="Let a charge go first, or no more (OCPP 2.1).")
    async def use_priority_charging(self, info: strawberry.Info, input: UsePriorityChargingInput) -> Command:
        return await ask(info, "usePriorityCharging", input)

    @strawberry.mutation(description="Give a dynamic profile new values (OCPP 2.1).")
    async def update_dynamic_schedule(self, info: strawberry.Info, input: UpdateDynamicScheduleInput) -> Command:
        return await ask(info, "updateDynamicSchedule", input)

    @strawberry.mutation(description="Pass on a signal of automatic frequency restoration (OCPP 2.1).")
    async def afrr_signal(self, info: strawberry.Info, input: AfrrSignalInput) -> Command:
        return await ask(info, "afrrSignal", input)

    @strawberry.mutation(description="Say which ways of energy transfer a charge may use (OCPP 2.1).")
    async def notify_allowed_energy_transfer(
        self, info: strawberry.Info, input: NotifyAllowedEnergyTransferInput
    ) -> Command:
        return await ask(info, "notifyAllowedEnergyTransfer", input)
