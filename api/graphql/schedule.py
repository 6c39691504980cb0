"""Charging schedules as they are asked for and shown, in one form for all versions of OCPP."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum
from typing import Any

import strawberry

from api.graphql.command import said
from api.graphql.scalar import DateTime
from domain import schedule as domain

STATION = "The station."
EVSE = "The EVSE (OCPP 1.6: connector); 0 is the whole station."


@strawberry.enum(description="What a charging profile is for.")
class ChargingProfilePurpose(Enum):
    CHARGING_STATION_MAX_PROFILE = "ChargingStationMaxProfile"
    TX_DEFAULT_PROFILE = "TxDefaultProfile"
    TX_PROFILE = "TxProfile"
    CHARGING_STATION_EXTERNAL_CONSTRAINTS = "ChargingStationExternalConstraints"
    PRIORITY_CHARGING = "PriorityCharging"
    LOCAL_GENERATION = "LocalGeneration"


@strawberry.enum(description="By which clock the schedules of a profile run.")
class ChargingProfileKind(Enum):
    ABSOLUTE = "Absolute"
    RECURRING = "Recurring"
    RELATIVE = "Relative"
    DYNAMIC = "Dynamic"


@strawberry.enum(description="How often a schedule begins again.")
class RecurrencyKind(Enum):
    DAILY = "Daily"
    WEEKLY = "Weekly"


@strawberry.enum(description="The unit of limits: A per phase, or W of all phases together.")
class ChargingRateUnit(Enum):
    A = "A"
    W = "W"


@strawberry.enum(description="Who decides what flows in a period (OCPP 2.1).")
class OperationMode(Enum):
    IDLE = "Idle"
    CHARGING_ONLY = "ChargingOnly"
    CENTRAL_SETPOINT = "CentralSetpoint"
    EXTERNAL_SETPOINT = "ExternalSetpoint"
    EXTERNAL_LIMITS = "ExternalLimits"
    CENTRAL_FREQUENCY = "CentralFrequency"
    LOCAL_FREQUENCY = "LocalFrequency"
    LOCAL_LOAD_BALANCING = "LocalLoadBalancing"


@strawberry.enum(description="A way of energy transfer (OCPP 2.1).")
class EnergyTransfer(Enum):
    AC_SINGLE_PHASE = "AC_single_phase"
    AC_TWO_PHASE = "AC_two_phase"
    AC_THREE_PHASE = "AC_three_phase"
    DC = "DC"
    AC_BPT = "AC_BPT"
    AC_BPT_DER = "AC_BPT_DER"
    AC_DER = "AC_DER"
    DC_BPT = "DC_BPT"
    DC_ACDP = "DC_ACDP"
    DC_ACDP_BPT = "DC_ACDP_BPT"
    WPT = "WPT"


@strawberry.input(description="Power at a frequency of the grid (OCPP 2.1).")
class FrequencyPointInput:
    frequency_hz: Decimal = said("Frequency, Hz.")
    power_w: Decimal = said("Power, W; negative: discharging.")


@strawberry.input(description="Power at a signal of the grid operator (OCPP 2.1).")
class SignalPointInput:
    signal: int = said("The signal.")
    power_w: Decimal = said("Power, W; negative: discharging.")


L2 = "The same for phase L2 (OCPP 2.1); the value without a phase is then for L1."
L3 = "The same for phase L3 (OCPP 2.1)."


@strawberry.input(description="New values for a dynamic profile; what is left out stays as it is (OCPP 2.1).")
class ScheduleUpdateInput:
    limit: Decimal | None = said("At most this, in the unit of the schedule; sent with one decimal, rounded down.",
                                 default=None)  # fmt: skip
    limit_l2: Decimal | None = said(L2, default=None)
    limit_l3: Decimal | None = said(L3, default=None)
    discharge_limit: Decimal | None = said("Discharge at most this, as a negative number (OCPP 2.1).", default=None)
    discharge_limit_l2: Decimal | None = said(L2, default=None)
    discharge_limit_l3: Decimal | None = said(L3, default=None)
    setpoint: Decimal | None = said("Exactly this; negative: discharging (OCPP 2.1).", default=None)
    setpoint_l2: Decimal | None = said(L2, default=None)
    setpoint_l3: Decimal | None = said(L3, default=None)
    setpoint_reactive: Decimal | None = said("Reactive power or current (OCPP 2.1).", default=None)
    setpoint_reactive_l2: Decimal | None = said(L2, default=None)
    setpoint_reactive_l3: Decimal | None = said(L3, default=None)


@strawberry.input(description="What holds from one moment of a schedule until the next period.")
class ChargingSchedulePeriodInput(ScheduleUpdateInput):
    start_seconds: int = said("When, in seconds after the start of the schedule; the first one is 0.")
    phases: int | None = said("How many phases; 3 when absent.", default=None)
    phase_to_use: int | None = said("Which phase, 1 to 3, when it is one (OCPP 2.x).", default=None)
    operation_mode: OperationMode | None = said("Who decides what flows (OCPP 2.1).", default=None)
    preconditioning: bool | None = said("Let the car heat its battery (OCPP 2.1).", default=None)
    evse_sleep: bool | None = said("Let the EVSE sleep, in mode IDLE (OCPP 2.1).", default=None)
    baseline: Decimal | None = said("Power around which frequency control works, W (OCPP 2.1).", default=None)
    frequency_curve: list[FrequencyPointInput] | None = said("Power by frequency (OCPP 2.1).", default=None)
    signal_curve: list[SignalPointInput] | None = said("Power by signal (OCPP 2.1).", default=None)


@strawberry.input(description="A lower limit for a battery that is nearly full (OCPP 2.1).")
class LimitAtSocInput:
    soc_percent: int = said("From this state of charge on, percent.")
    limit: Decimal = said("At most this, in the unit of the schedule.")


@strawberry.input(description="Limits over time.")
class ChargingScheduleInput:
    unit: ChargingRateUnit = said("The unit of the limits.")
    periods: list[ChargingSchedulePeriodInput] = said("Periods in the order of time.")
    start_schedule: DateTime | None = said("When it starts; for profiles of kind ABSOLUTE and RECURRING.", default=None)
    duration_seconds: int | None = said("How long it holds; as long as the profile when absent.", default=None)
    min_charging_rate: Decimal | None = said(
        "Below this charging is inefficient. Some stations take it as a limit to keep: best left out.", default=None
    )
    power_tolerance: Decimal | None = said("How far the car may leave a setpoint, W (OCPP 2.1).", default=None)
    limit_at_soc: LimitAtSocInput | None = said("A limit for a battery that is nearly full (OCPP 2.1).", default=None)
    use_local_time: bool | None = said("The start is in the station's local time (OCPP 2.1).", default=None)
    randomized_delay_seconds: int | None = said(
        "Each period but the first starts up to this much later, by chance (OCPP 2.1).", default=None
    )


@strawberry.input(description="Limits over time with a purpose, the same for all versions of OCPP.")
class ChargingProfileInput:
    purpose: ChargingProfilePurpose = said("What it is for.")
    stack_level: int = said("Its place in the stack: of two of one purpose the higher one counts.", default=0)
    kind: ChargingProfileKind = said("By which clock its schedules run.")
    schedules: list[ChargingScheduleInput] = said("One schedule; up to three where a car may choose (ISO 15118).")
    id: int | None = said(
        "Its id on the station; when absent, that of the profile in its place, else a new one.",
        default=None,
    )
    recurrency: RecurrencyKind | None = said("How often it begins again; for kind RECURRING.", default=None)
    valid_from: DateTime | None = said("From when it counts; at once when absent.", default=None)
    valid_to: DateTime | None = said("Until when it counts; until it is cleared when absent.", default=None)
    transaction_id: strawberry.ID | None = said("Bornier's id of the transaction; for TX_PROFILE.", default=None)
    max_offline_seconds: int | None = said("How long it counts without connection (OCPP 2.1).", default=None)
    invalid_after_offline: bool | None = said("Once that is over it never counts again (OCPP 2.1).", default=None)
    update_interval_seconds: int | None = said(
        "How often the station asks for new values; for kind DYNAMIC (OCPP 2.1).", default=None
    )


@strawberry.type(description="What holds from one moment of a schedule until the next period.")
class ChargingPeriod:
    start_seconds: int = strawberry.field(description="When, in seconds after the start of the schedule.")
    limit: Decimal | None = strawberry.field(description="At most this, in the unit of the schedule; null: no limit.")
    phases: int | None = strawberry.field(description="How many phases.")
    phase_to_use: int | None = strawberry.field(description="Which phase, when it is one.")
    discharge_limit: Decimal | None = strawberry.field(description="Discharge at most this; negative (OCPP 2.1).")
    setpoint: Decimal | None = strawberry.field(description="Exactly this; negative: discharging (OCPP 2.1).")
    operation_mode: str | None = strawberry.field(description="Who decides what flows (OCPP 2.1).")


@strawberry.type(description="Limits over time.")
class ChargingSchedule:
    unit: ChargingRateUnit = strawberry.field(description="The unit of the limits.")
    start_schedule: DateTime | None = strawberry.field(description="When it starts; null: when energy may flow.")
    duration_seconds: int | None = strawberry.field(description="How long it holds.")
    min_charging_rate: Decimal | None = strawberry.field(description="Below this charging is inefficient.")
    periods: list[ChargingPeriod] = strawberry.field(description="Periods in the order of time.")


PERIOD = ("start_seconds", "limit", "phases", "phase_to_use", "discharge_limit", "setpoint", "operation_mode")


def period(told: domain.Period) -> ChargingPeriod:
    return ChargingPeriod(**{name: getattr(told, name) for name in PERIOD})


def schedule(told: domain.Schedule) -> ChargingSchedule:
    facts: dict[str, Any] = {
        name: getattr(told, name) for name in ("start_schedule", "duration_seconds", "min_charging_rate")
    }
    return ChargingSchedule(unit=ChargingRateUnit(told.unit), periods=[period(each) for each in told.periods], **facts)
