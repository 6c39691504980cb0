"""Distributed energy: how stations that feed the grid behave for it (OCPP 2.1)."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum
from typing import Any

import strawberry

from api.graphql.command import Command, ask, deadline, said
from api.graphql.page import Connection, listed
from api.graphql.scalar import DateTime, Json, Position
from projections import der as view


@strawberry.enum(description="A type of control, in OCPP's words.")
class DerControlType(Enum):
    EnterService = "EnterService"
    FreqDroop = "FreqDroop"
    FreqWatt = "FreqWatt"
    FixedPFAbsorb = "FixedPFAbsorb"
    FixedPFInject = "FixedPFInject"
    FixedVar = "FixedVar"
    Gradients = "Gradients"
    HFMustTrip = "HFMustTrip"
    HFMayTrip = "HFMayTrip"
    HVMustTrip = "HVMustTrip"
    HVMomCess = "HVMomCess"
    HVMayTrip = "HVMayTrip"
    LimitMaxDischarge = "LimitMaxDischarge"
    LFMustTrip = "LFMustTrip"
    LVMustTrip = "LVMustTrip"
    LVMomCess = "LVMomCess"
    LVMayTrip = "LVMayTrip"
    PowerMonitoringMustTrip = "PowerMonitoringMustTrip"
    VoltVar = "VoltVar"
    VoltWatt = "VoltWatt"
    WattPF = "WattPF"
    WattVar = "WattVar"


@strawberry.enum(description="Percent of what.")
class DerUnit(Enum):
    NOT_APPLICABLE = "Not_Applicable"
    PCT_MAX_W = "PctMaxW"
    PCT_MAX_VAR = "PctMaxVar"
    PCT_W_AVAIL = "PctWAvail"
    PCT_VAR_AVAIL = "PctVarAvail"
    PCT_EFFECTIVE_V = "PctEffectiveV"


PRIORITY = "Of two controls of one type that with the lower value counts."


@strawberry.input(description="A point of a curve.")
class DerPointInput:
    x: Decimal = said("Frequency, voltage or power, by the type of the curve.")
    y: Decimal = said("What holds there.")


@strawberry.input(description="How a curve is left again.")
class DerHysteresisInput:
    high: Decimal | None = said("Upper bound.", default=None)
    low: Decimal | None = said("Lower bound.", default=None)
    delay_seconds: Decimal | None = said("After how long, seconds.", default=None)
    gradient: Decimal | None = said("How fast, percent a second.", default=None)


@strawberry.input(description="What a Volt-Var curve needs more.")
class DerReactivePowerInput:
    reference_voltage: Decimal | None = said("Nominal voltage, percent.", default=None)
    autonomous: bool | None = said("The reference follows the voltage.", default=None)
    time_constant_seconds: Decimal | None = said("How slowly, seconds.", default=None)


@strawberry.input(description="When to trip by the mean voltage of ten minutes.")
class DerMeanVoltageInput:
    limit: Decimal | None = said("The mean voltage, percent.", default=None)
    trip_delay_seconds: Decimal | None = said("After how long, seconds.", default=None)
    ceased_power: str | None = said("Active or Reactive: what to cease.", default=None)


@strawberry.input(description="When a control holds.")
class TimedInput:
    priority: int = said(PRIORITY, default=0)
    starts_at: DateTime | None = said("From when; for controls that are no default.", default=None)
    duration_seconds: Decimal | None = said("For how long, seconds; for controls that are no default.", default=None)


@strawberry.input(description="Power by frequency, voltage or power; or how long what is borne before a trip.")
class DerCurveInput(TimedInput):
    points: list[DerPointInput] = said("One to ten points.")
    unit: DerUnit = said("What the y values are.")
    response_seconds: Decimal | None = said("How fast to follow, seconds.", default=None)
    hysteresis: DerHysteresisInput | None = said("How it is left again.", default=None)
    reactive_power: DerReactivePowerInput | None = said("For Volt-Var curves.", default=None)
    mean_voltage: DerMeanVoltageInput | None = said("For curves by voltage.", default=None)


@strawberry.input(description="When to return after a trip (a default only).")
class DerEnterServiceInput:
    priority: int = said(PRIORITY, default=0)
    high_voltage: Decimal = said("At most this voltage, percent.")
    low_voltage: Decimal = said("At least this voltage, percent.")
    high_frequency: Decimal = said("At most this frequency, Hz.")
    low_frequency: Decimal = said("At least this frequency, Hz.")
    delay_seconds: Decimal | None = said("After how long, seconds.", default=None)
    random_delay_seconds: Decimal | None = said("And by chance up to this much longer, seconds.", default=None)
    ramp_rate: Decimal | None = said("How fast, seconds to full power.", default=None)


@strawberry.input(description="A fixed power factor.")
class DerFixedPowerFactorInput(TimedInput):
    displacement: Decimal = said("The power factor, 0 to 1.")
    excitation: bool = said("Reactive power is absorbed.")


@strawberry.input(description="A fixed reactive power.")
class DerFixedVarInput(TimedInput):
    setpoint: Decimal = said("How much, percent.")
    unit: DerUnit = said("Percent of what.")


@strawberry.input(description="Power by frequency, as two slopes.")
class DerFrequencyDroopInput(TimedInput):
    over_frequency: Decimal = said("Above this frequency less power, Hz.")
    under_frequency: Decimal = said("Below this frequency more power, Hz.")
    over_droop: Decimal = said("Slope above.")
    under_droop: Decimal = said("Slope below.")
    response_seconds: Decimal = said("How fast to follow, seconds.")


@strawberry.input(description="How fast power may change (a default only).")
class DerGradientInput:
    priority: int = said(PRIORITY, default=0)
    gradient: Decimal = said("Percent of the maximum a second.")
    soft_gradient: Decimal = said("The same after a start.")


@strawberry.input(description="Discharge at most a part of what is possible.")
class DerDischargeLimitInput(TimedInput):
    percent: Decimal | None = said("Percent of the rated discharge power.", default=None)
    must_trip: DerCurveInput | None = said("When to trip above it.", default=None)


@strawberry.input(description="What a control says: one of these, by its type.")
class DerSettingsInput:
    curve: DerCurveInput | None = said("For all types but those below.", default=None)
    enter_service: DerEnterServiceInput | None = said("For EnterService.", default=None)
    fixed_power_factor: DerFixedPowerFactorInput | None = said("For FixedPFAbsorb, FixedPFInject.", default=None)
    fixed_var: DerFixedVarInput | None = said("For FixedVar.", default=None)
    frequency_droop: DerFrequencyDroopInput | None = said("For FreqDroop.", default=None)
    gradient: DerGradientInput | None = said("For Gradients.", default=None)
    discharge_limit: DerDischargeLimitInput | None = said("For LimitMaxDischarge.", default=None)


@strawberry.input(description="Tell a station how to behave for the grid (OCPP 2.1).")
class SetDERControlInput:
    station_id: strawberry.ID = said("The station.")
    control_type: DerControlType = said("The type of the control.")
    default: bool = said("It holds while no other control of its type does.")
    settings: DerSettingsInput = said("What it says.")
    control_id: str | None = said("Its id, up to 36 characters; a new one when absent.", default=None)
    deadline_seconds: int | None = deadline()


@strawberry.input(description="Ask a station which controls it has; it reports those that match (OCPP 2.1).")
class GetDERControlInput:
    station_id: strawberry.ID = said("The station.")
    default: bool | None = said("Defaults, or others; both when absent.", default=None)
    control_type: DerControlType | None = said("Of this type.", default=None)
    control_id: str | None = said("This one.", default=None)
    deadline_seconds: int | None = deadline()


@strawberry.input(description="Take controls back: the defaults or the others, that match (OCPP 2.1).")
class ClearDERControlInput:
    station_id: strawberry.ID = said("The station.")
    default: bool = said("The defaults, or the others.")
    control_type: DerControlType | None = said("Of this type.", default=None)
    control_id: str | None = said("This one.", default=None)
    deadline_seconds: int | None = deadline()


@strawberry.type(description="A control of a station that feeds the grid.")
class DerControl:
    station_id: strawberry.ID = strawberry.field(description="The station.")
    id: strawberry.ID = strawberry.field(description="Its id.")
    control_type: str = strawberry.field(description="Its type, in OCPP's words.")
    default: bool = strawberry.field(description="It holds while no other control of its type does.")
    superseded: bool = strawberry.field(description="Another one counts instead.")
    settings: Json = strawberry.field(description="What it says.")
    status: str = strawberry.field(description="SET; CLEARED; LOST: a report of the station does not have it.")
    active: bool = strawberry.field(description="Its time has come, and is not over.")
    active_since: DateTime | None = strawberry.field(description="When its time came.")
    since: DateTime = strawberry.field(description="Since when the station has it, or has it not.")
    position: Position = strawberry.field(description="The latest event that changed it.")


def control(row: Any) -> DerControl:
    names = ("station_id", "id", "control_type", "settings", "status", "active_since", "since", "position")
    return DerControl(
        default=bool(row.is_default),
        superseded=bool(row.superseded),
        active=bool(row.active),
        **{name: getattr(row, name) for name in names},
    )


@strawberry.type(description="A fault of the grid that made a station leave its charging profiles.")
class DerAlarm:
    station_id: strawberry.ID = strawberry.field(description="The station.")
    control_type: str = strawberry.field(description="The type of the control that took over.")
    fault: str | None = strawberry.field(description="The fault, in OCPP's words.")
    detail: str | None = strawberry.field(description="What the station says of it.")
    raised_at: DateTime = strawberry.field(description="Since when, by the station's clock.")
    ended_at: DateTime | None = strawberry.field(description="Until when; null while it lasts.")
    position: Position = strawberry.field(description="The latest event that changed it.")


def alarm(row: Any) -> DerAlarm:
    names = ("station_id", "control_type", "fault", "detail", "raised_at", "ended_at", "position")
    return DerAlarm(**{name: getattr(row, name) for name in names})


@strawberry.type
class DerQuery:
    @strawberry.field(name="derControls", description="Controls of stations that feed the grid, that are set.")
    async def der_controls(
        self,
        info: strawberry.Info,
        first: int | None = 50,
        after: str | None = None,
        station_id: strawberry.ID | None = None,
        control_type: str | None = None,
        set: bool | None = True,
    ) -> Connection[DerControl]:
        query = view.controls(station_id, control_type, set)
        return await listed(info, "der", query, view.CONTROL, control, first, after)

    @strawberry.field(name="derAlarms", description="The latest alarm of each station, of the grid.")
    async def der_alarms(
        self,
        info: strawberry.Info,
        first: int | None = 50,
        after: str | None = None,
        station_id: strawberry.ID | None = None,
        open: bool | None = None,
    ) -> Connection[DerAlarm]:
        return await listed(info, "der", view.alarms(station_id, open), view.ALARM, alarm, first, after)


@strawberry.type
class DerMutation:
    @strawberry.mutation(name="setDERControl", description="Tell a station how to behave for the grid (OCPP 2.1).")
    async def set_der_control(self, info: strawberry.Info, input: SetDERControlInput) -> Command:
        return await ask(info, "setDERControl", input)

    @strawberry.mutation(name="getDERControl", description="Ask a station which controls it has (OCPP 2.1).")
    async def get_der_control(self, info: strawberry.Info, input: GetDERControlInput) -> Command:
        return await ask(info, "getDERControl", input)

    @strawberry.mutation(name="clearDERControl", description="Take controls back (OCPP 2.1).")
    async def clear_der_control(self, info: strawberry.Info, input: ClearDERControlInput) -> Command:
        return await ask(info, "clearDERControl", input)
