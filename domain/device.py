"""The device model (modèle d'équipement): what a station is made of, in components with variables, and their monitors.

A configuration key of OCPP 1.6 is the variable of that name of the component "" (no name).
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from domain.aggregate import Aggregate
from domain.event import Event


def stream(station_id: str) -> str:
    return f"device/{station_id}"


class Variable(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which variable of which component; perhaps of an EVSE, or one of its connectors."""

    component: str
    variable: str
    component_instance: str | None = None
    variable_instance: str | None = None
    evse_id: int | None = None
    connector_id: int | None = None


class Attribute(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One value of a variable: what it is (Actual), what it should be (Target), or what it may be set to."""

    kind: str = "Actual"
    value: str | None = None
    mutability: str = "ReadWrite"
    persistent: bool = False
    constant: bool = False


class Characteristics(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What values a variable can have."""

    data_type: str
    monitorable: bool
    unit: str | None = None
    min_limit: float | None = None
    max_limit: float | None = None
    max_elements: int | None = None
    values: str | None = None


class ReportedVariable(Variable, frozen=True, kw_only=True, omit_defaults=True):
    """A variable as a report of the station tells it."""

    attributes: tuple[Attribute, ...]
    characteristics: Characteristics | None = None


class ReadVariable(Variable, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to reading one attribute. `mutability` is known of configuration keys (OCPP 1.6) only."""

    status: str
    kind: str = "Actual"
    value: str | None = None
    mutability: str | None = None
    reason: str | None = None


class WrittenVariable(Variable, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to writing one attribute: `value` is what we asked for."""

    status: str
    value: str
    kind: str = "Actual"
    reason: str | None = None


class ReportedMonitor(Variable, frozen=True, kw_only=True, omit_defaults=True):
    """A monitor as a report of the station tells it; severity 0 is danger, 9 is debug."""

    monitor_id: int
    kind: str
    value: float
    severity: int
    during_transaction: bool = False
    origin: str | None = None


class PlacedMonitor(Variable, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to placing a monitor; the station gives it an id if it accepts."""

    status: str
    kind: str
    value: float
    severity: int
    monitor_id: int | None = None
    during_transaction: bool = False
    reason: str | None = None


class RemovedMonitor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to removing a monitor."""

    monitor_id: int
    status: str
    reason: str | None = None


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One value of a periodic event stream."""

    at: datetime
    value: str


class Device(Aggregate):
    """Everything a station says of its components. It decides nothing, so that nothing of its past is loaded."""

    forgetful = True

    class ReportOrdered(Event, tag="device.report_ordered.v1"):
        """We asked for a report, and the station said whether it will come.

        `kind` is VARIABLES or MONITORS; `subject` says of what. With status EmptyResultSet nothing will come.
        """

        request_id: int
        kind: str
        subject: str
        status: str

    class VariablesReported(Event, tag="device.variables_reported.v1"):
        """One part of a report of variables came (NotifyReport); it is whole when parts 0 to the last are there."""

        request_id: int
        seq_no: int
        occurred_at: datetime
        variables: tuple[ReportedVariable, ...] = ()
        to_be_continued: bool = False

    class VariablesRead(Event, tag="device.variables_read.v1"):
        """The station told values that we asked for (GetVariables, GetConfiguration)."""

        variables: tuple[ReadVariable, ...]

    class VariablesWritten(Event, tag="device.variables_written.v1"):
        """The station took, or refused, values that we gave it (SetVariables, ChangeConfiguration)."""

        variables: tuple[WrittenVariable, ...]

    class MonitorsReported(Event, tag="device.monitors_reported.v1"):
        """One part of a report of monitors came (NotifyMonitoringReport)."""

        request_id: int
        seq_no: int
        occurred_at: datetime
        monitors: tuple[ReportedMonitor, ...] = ()
        to_be_continued: bool = False

    class MonitorsPlaced(Event, tag="device.monitors_placed.v1"):
        """The station took, or refused, monitors that we asked for (SetVariableMonitoring)."""

        monitors: tuple[PlacedMonitor, ...]

    class MonitorsRemoved(Event, tag="device.monitors_removed.v1"):
        """The station removed monitors, or said why not (ClearVariableMonitoring)."""

        monitors: tuple[RemovedMonitor, ...]

    class MonitoringBaseChosen(Event, tag="device.monitoring_base_chosen.v1"):
        """Which monitors are active from now on: All, FactoryDefault or HardWiredOnly (SetMonitoringBase)."""

        base: str

    class MonitoringLevelChosen(Event, tag="device.monitoring_level_chosen.v1"):
        """Only events of this severity or a more severe one (a lower number) are sent (SetMonitoringLevel)."""

        severity: int

    class StreamOpened(Event, tag="device.stream_opened.v1"):
        """The values of a monitor come as a periodic stream from now on (OCPP 2.1)."""

        stream_id: int
        monitor_id: int
        interval_s: int | None = None
        values: int | None = None

    class StreamAdjusted(Event, tag="device.stream_adjusted.v1"):
        """A periodic stream sends at another pace: after so many seconds, or so many values."""

        stream_id: int
        interval_s: int | None = None
        values: int | None = None

    class StreamSampled(Event, tag="device.stream_sampled.v1"):
        """Values of a periodic stream came (NotifyPeriodicEventStream); `pending` more wait on the station."""

        stream_id: int
        pending: int
        samples: tuple[Sample, ...]

    class StreamClosed(Event, tag="device.stream_closed.v1"):
        """The station ended a periodic stream."""

        stream_id: int

    def apply(self, event: Event) -> None:
        """Nothing to remember."""
