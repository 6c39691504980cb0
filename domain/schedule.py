"""A charging schedule: limits over time, and the charging profile that carries it, in one form for all versions."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Literal

import msgspec

Purpose = Literal[
    "ChargingStationExternalConstraints", "ChargingStationMaxProfile", "TxDefaultProfile", "TxProfile",
    "PriorityCharging", "LocalGeneration",
]  # fmt: skip
Kind = Literal["Absolute", "Recurring", "Relative", "Dynamic"]
Recurrency = Literal["Daily", "Weekly"]
Unit = Literal["A", "W"]


class Shape(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is not said is absent, in Python and in JSON."""


class FrequencyPoint(Shape):
    """Power at a frequency of the grid."""

    frequency_hz: Decimal
    power_w: Decimal


class SignalPoint(Shape):
    """Power at a signal of the grid operator (aFRR)."""

    signal: int
    power_w: Decimal


class Period(Shape):
    """What holds from one moment of a schedule until the next period, in the unit of the schedule.

    A limit in A is per phase, in W of all phases together; the fields of L2 and L3 make the first one that of L1.
    All but `limit`, `phases` and `phase_to_use` is new in OCPP 2.1. Discharging is negative.
    """

    start_seconds: int = 0
    limit: Decimal | None = None
    limit_l2: Decimal | None = None
    limit_l3: Decimal | None = None
    phases: int | None = None
    phase_to_use: int | None = None
    discharge_limit: Decimal | None = None
    discharge_limit_l2: Decimal | None = None
    discharge_limit_l3: Decimal | None = None
    setpoint: Decimal | None = None
    setpoint_l2: Decimal | None = None
    setpoint_l3: Decimal | None = None
    setpoint_reactive: Decimal | None = None
    setpoint_reactive_l2: Decimal | None = None
    setpoint_reactive_l3: Decimal | None = None
    operation_mode: str | None = None
    preconditioning: bool | None = None
    evse_sleep: bool | None = None
    baseline: Decimal | None = None
    frequency_curve: tuple[FrequencyPoint, ...] = ()
    signal_curve: tuple[SignalPoint, ...] = ()


class LimitAtSoc(Shape):
    """From this state of charge on the limit is no higher than this (OCPP 2.1)."""

    soc_percent: int
    limit: Decimal


class Schedule(Shape):
    """Periods in the order of time, from a start: a given moment, or when energy may flow."""

    unit: Unit
    periods: tuple[Period, ...]
    start_schedule: datetime | None = None
    duration_seconds: int | None = None
    min_charging_rate: Decimal | None = None
    power_tolerance: Decimal | None = None
    limit_at_soc: LimitAtSoc | None = None
    use_local_time: bool | None = None
    randomized_delay_seconds: int | None = None


class ChargingProfile(Shape):
    """Schedules with a purpose and a place in the stack. Id 0: none yet, one is chosen when it is sent.

    `transaction_id` is ours, not the one of the station.
    """

    purpose: Purpose
    stack_level: int
    kind: Kind
    schedules: tuple[Schedule, ...]
    id: int = 0
    recurrency: Recurrency | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    transaction_id: str | None = None
    max_offline_seconds: int | None = None
    invalid_after_offline: bool | None = None
    update_interval_seconds: int | None = None
    updated_at: datetime | None = None


class ScheduleUpdate(Shape):
    """New values for the one period of a dynamic profile; what is absent stays as it is (OCPP 2.1, K28)."""

    limit: Decimal | None = None
    limit_l2: Decimal | None = None
    limit_l3: Decimal | None = None
    discharge_limit: Decimal | None = None
    discharge_limit_l2: Decimal | None = None
    discharge_limit_l3: Decimal | None = None
    setpoint: Decimal | None = None
    setpoint_l2: Decimal | None = None
    setpoint_l3: Decimal | None = None
    setpoint_reactive: Decimal | None = None
    setpoint_reactive_l2: Decimal | None = None
    setpoint_reactive_l3: Decimal | None = None


VALUES = ScheduleUpdate.__struct_fields__


def adjusted(profile: ChargingProfile, update: ScheduleUpdate, now: datetime) -> ChargingProfile:
    """A dynamic profile with new values in its one period."""
    said = {name: value for name in VALUES if (value := getattr(update, name)) is not None}
    period = msgspec.structs.replace(profile.schedules[0].periods[0], **said)
    schedule = msgspec.structs.replace(profile.schedules[0], periods=(period,))
    return msgspec.structs.replace(profile, schedules=(schedule,), updated_at=now)


def values(profile: ChargingProfile) -> ScheduleUpdate:
    """The values of a dynamic profile as they are now."""
    period = profile.schedules[0].periods[0]
    return ScheduleUpdate(**{name: getattr(period, name) for name in VALUES})
