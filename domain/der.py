"""Controls of distributed energy resources: how a station that feeds the grid behaves for it (OCPP 2.1, block R)."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from domain.aggregate import Aggregate
from domain.event import AnyCause, Event, Refusal
from domain.schedule import Shape


def stream(station_id: str) -> str:
    return f"der/{station_id}"


class Timed(Shape, kw_only=True):
    """Of two controls of one type that with the lower priority value counts. Defaults have no time."""

    priority: int
    starts_at: datetime | None = None
    duration_seconds: Decimal | None = None


class Point(Shape):
    """A point of a curve."""

    x: Decimal
    y: Decimal


class Hysteresis(Shape):
    """How a curve is left again."""

    high: Decimal | None = None
    low: Decimal | None = None
    delay_seconds: Decimal | None = None
    gradient: Decimal | None = None


class ReactivePower(Shape):
    """What a Volt-Var curve needs more."""

    reference_voltage: Decimal | None = None
    autonomous: bool | None = None
    time_constant_seconds: Decimal | None = None


class MeanVoltage(Shape):
    """When to trip by the mean voltage of ten minutes, and what to cease."""

    limit: Decimal | None = None
    trip_delay_seconds: Decimal | None = None
    ceased_power: str | None = None


class Curve(Timed, kw_only=True):
    """Power by frequency, voltage or power; or how long what is borne before a trip."""

    points: tuple[Point, ...]
    unit: str
    response_seconds: Decimal | None = None
    hysteresis: Hysteresis | None = None
    reactive_power: ReactivePower | None = None
    mean_voltage: MeanVoltage | None = None


class EnterService(Shape, kw_only=True):
    """When to return after a trip."""

    priority: int
    high_voltage: Decimal
    low_voltage: Decimal
    high_frequency: Decimal
    low_frequency: Decimal
    delay_seconds: Decimal | None = None
    random_delay_seconds: Decimal | None = None
    ramp_rate: Decimal | None = None


class FixedPowerFactor(Timed, kw_only=True):
    """A fixed power factor; `excitation`: reactive power is absorbed."""

    displacement: Decimal
    excitation: bool


class FixedVar(Timed, kw_only=True):
    """A fixed reactive power."""

    setpoint: Decimal
    unit: str


class FrequencyDroop(Timed, kw_only=True):
    """Power by frequency, as two slopes."""

    over_frequency: Decimal
    under_frequency: Decimal
    over_droop: Decimal
    under_droop: Decimal
    response_seconds: Decimal


class Gradient(Shape, kw_only=True):
    """How fast power may change, percent of the maximum a second."""

    priority: int
    gradient: Decimal
    soft_gradient: Decimal


class DischargeLimit(Timed, kw_only=True):
    """Discharging at most a part of what is possible, or within a curve."""

    percent: Decimal | None = None
    must_trip: Curve | None = None


class Settings(Shape):
    """What a control says: one of these, by its type."""

    curve: Curve | None = None
    enter_service: EnterService | None = None
    fixed_power_factor: FixedPowerFactor | None = None
    fixed_var: FixedVar | None = None
    frequency_droop: FrequencyDroop | None = None
    gradient: Gradient | None = None
    discharge_limit: DischargeLimit | None = None


SETTING = {
    "EnterService": "enter_service",
    "FixedPFAbsorb": "fixed_power_factor",
    "FixedPFInject": "fixed_power_factor",
    "FixedVar": "fixed_var",
    "FreqDroop": "frequency_droop",
    "Gradients": "gradient",
    "LimitMaxDischarge": "discharge_limit",
}
"""Type of control → what it says; all other types are curves."""


class Control(Shape, kw_only=True):
    """One control. A default holds while none with a time does (R04.FR.11)."""

    id: str
    control_type: str
    default: bool
    settings: Settings
    superseded: bool = False

    def check(self) -> None:
        """Raises Refusal for what a CSMS must not set."""
        field = SETTING.get(self.control_type, "curve")
        said = [name for name in Settings.__struct_fields__ if getattr(self.settings, name) is not None]
        if said != [field]:
            raise Refusal(f"a control of the type {self.control_type} has {field}, and nothing else")
        setting = getattr(self.settings, field)
        if not isinstance(setting, Timed):
            if not self.default:
                raise Refusal(f"{self.control_type} is a default control only")
        elif self.default != (setting.starts_at is None and setting.duration_seconds is None):
            raise Refusal("a control has a start and a duration, but for a default, which has none")
        elif not self.default and (setting.starts_at is None or setting.duration_seconds is None):
            raise Refusal("a control that is no default needs both a start and a duration")


class Selection(Shape):
    """Which controls: those that match everything that is said."""

    default: bool | None = None
    control_type: str | None = None
    control_id: str | None = None

    def match(self, control: Control) -> bool:
        return (
            self.default in (None, control.default)
            and self.control_type in (None, control.control_type)
            and self.control_id in (None, control.id)
        )


class Der(Aggregate):
    """The controls of one station."""

    class ControlSet(Event, tag="der.control_set.v1"):
        """The station accepted a control (SetDERControl); those it supersedes are not executed."""

        control: Control
        superseded_ids: tuple[str, ...] = ()

    class ControlRefused(Event, tag="der.control_refused.v1"):
        """The station did not take a control."""

        control_id: str
        control_type: str
        status: str
        reason: str | None = None

    class ControlsCleared(Event, tag="der.controls_cleared.v1"):
        """Controls that match are gone from the station; `found`: it had some (ClearDERControl)."""

        selection: Selection
        found: bool
        control_ids: tuple[str, ...] = ()

    class ReportRequested(Event, tag="der.report_requested.v1"):
        """The station was asked which controls it has, and will report them (GetDERControl)."""

        request_id: int
        selection: Selection

    class Reported(Event, tag="der.reported.v1"):
        """The station said which controls it has; more parts follow while `to_be_continued`."""

        request_id: int
        controls: tuple[Control, ...]
        to_be_continued: bool = False

    class ControlsLost(Event, tag="der.controls_lost.v1"):
        """A complete report of the station does not have these controls, which we thought set."""

        request_id: int
        control_ids: tuple[str, ...]

    class ControlStarted(Event, tag="der.control_started.v1"):
        """A control with a time began, and superseded others (NotifyDERStartStop)."""

        control_id: str
        occurred_at: datetime
        superseded_ids: tuple[str, ...] = ()

    class ControlStopped(Event, tag="der.control_stopped.v1"):
        """A control with a time is over (NotifyDERStartStop)."""

        control_id: str
        occurred_at: datetime

    class AlarmRaised(Event, tag="der.alarm_raised.v1"):
        """A control makes the station leave its charging profiles, because of a fault of the grid (NotifyDERAlarm)."""

        control_type: str
        occurred_at: datetime
        fault: str | None = None
        detail: str | None = None

    class AlarmEnded(Event, tag="der.alarm_ended.v1"):
        """The station is back at its charging profiles."""

        control_type: str
        occurred_at: datetime
        fault: str | None = None
        detail: str | None = None

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.controls: dict[str, Control] = {}
        self.asked: dict[int, Selection] = {}
        self.said: set[str] = set()

    def clear(self, selection: Selection, found: bool, cause: AnyCause, now: datetime) -> None:
        """What the station cleared, or says it does not have."""
        gone = tuple(id_ for id_, control in self.controls.items() if selection.match(control))
        facts = {"selection": selection, "found": found, "control_ids": gone}
        self.record(Der.ControlsCleared, cause, now, **facts)

    def report(
        self, request_id: int, controls: tuple[Control, ...], to_be_continued: bool, cause: AnyCause, now: datetime
    ) -> None:
        """One part of a report. With the last one we know what is not there any more (R04.FR.31, R04.FR.32)."""
        facts = {"request_id": request_id, "controls": controls, "to_be_continued": to_be_continued}
        self.record(Der.Reported, cause, now, **facts)
        if not to_be_continued:
            self.miss(request_id, cause, now)

    def miss(self, request_id: int, cause: AnyCause, now: datetime) -> None:
        """The answer to a question is complete: controls that match it and were not in it are gone."""
        selection = self.asked.get(request_id)
        gone = tuple(
            id_
            for id_, control in self.controls.items()
            if selection is not None and selection.match(control) and id_ not in self.said
        )
        if gone:
            self.record(Der.ControlsLost, cause, now, request_id=request_id, control_ids=gone)

    def apply(self, event: Event) -> None:
        match event:
            case Der.ControlSet():
                self.controls[event.control.id] = event.control
            case Der.Reported():
                self.controls |= {control.id: control for control in event.controls}
                if event.request_id in self.asked:
                    self.said |= {control.id for control in event.controls}
            case Der.ReportRequested():
                self.asked, self.said = {event.request_id: event.selection}, set()
            case Der.ControlsCleared() | Der.ControlsLost():
                for id_ in event.control_ids:
                    self.controls.pop(id_, None)
