"""Monitors of stations, and the events they send (OCPP 2.x)."""

from __future__ import annotations

from enum import Enum
from typing import Any

import strawberry

from api.graphql.command import Command, ask, deadline, said
from api.graphql.context import asker
from api.graphql.device import ComponentVariableInput, limits
from api.graphql.page import Connection, bounded, connection
from api.graphql.scalar import DateTime, Position
from projections import monitor as view
from projections.page import cursor


@strawberry.type(description="A rule on a variable: when the station sends an event about it.")
class Monitor:
    monitor_id: int = strawberry.field(description="Its id on the station.")
    component: str | None = strawberry.field(description="Name of the component.")
    component_instance: str | None = strawberry.field(description="Which of several such components.")
    evse_id: int | None = strawberry.field(description="EVSE of the component.")
    connector_id: int | None = strawberry.field(description="Connector of the component.")
    variable: str | None = strawberry.field(description="Name of the variable.")
    variable_instance: str | None = strawberry.field(description="Which of several such variables.")
    kind: str | None = strawberry.field(description="UpperThreshold, LowerThreshold, Delta, Periodic, …")
    value: float | None = strawberry.field(description="The threshold, the delta, or the seconds between events.")
    severity: int | None = strawberry.field(description="0 is danger, 9 is debug.")
    during_transaction: bool | None = strawberry.field(description="It watches during transactions only.")
    origin: str | None = strawberry.field(
        description="HardWiredMonitor, PreconfiguredMonitor, CustomMonitor; null: the station has not told."
    )
    present: bool = strawberry.field(
        description="It is there: not removed, and told since setMonitoringBase last removed monitors."
    )
    seen_at: DateTime | None = strawberry.field(description="When we last heard that it is there.")
    removed_at: DateTime | None = strawberry.field(description="When it was removed.")
    position: Position = strawberry.field(description="The latest event that changed it.")


@strawberry.type(description="How a station monitors, as far as we have told it.")
class Monitoring:
    base: str | None = strawberry.field(description="All, FactoryDefault or HardWiredOnly (setMonitoringBase).")
    severity: int | None = strawberry.field(description="Events up to this severity are sent (setMonitoringLevel).")
    reset_at: DateTime | None = strawberry.field(description="When custom monitors were last removed.")


@strawberry.type(description="An event of a station: the value of a variable did something (NotifyEvent).")
class DeviceEvent:
    event_id: int = strawberry.field(description="Its id on the station.")
    occurred_at: DateTime = strawberry.field(description="When, by the station's clock.")
    trigger: str = strawberry.field(description="Alerting, Delta or Periodic.")
    component: str = strawberry.field(description="Name of the component.")
    component_instance: str | None = strawberry.field(description="Which of several such components.")
    evse_id: int | None = strawberry.field(description="EVSE of the component.")
    connector_id: int | None = strawberry.field(description="Connector of the component.")
    variable: str = strawberry.field(description="Name of the variable.")
    variable_instance: str | None = strawberry.field(description="Which of several such variables.")
    value: str = strawberry.field(description="Its value.")
    cleared: bool = strawberry.field(description="What was alerted is over.")
    origin: str | None = strawberry.field(description="What sent it: HardWiredNotification, CustomMonitor, …")
    monitor_id: int | None = strawberry.field(description="The monitor that sent it.")
    severity: int | None = strawberry.field(description="Its severity (OCPP 2.1).")
    caused_by: int | None = strawberry.field(description="The id of the event that caused it.")
    station_transaction_id: str | None = strawberry.field(description="The station's transaction it belongs to.")
    tech_code: str | None = strawberry.field(description="The maker's error code.")
    tech_info: str | None = strawberry.field(description="What the maker adds.")
    position: Position = strawberry.field(description="Where it is in the history.")


RULE = (
    "monitor_id", "component", "component_instance", "evse_id", "connector_id", "variable", "variable_instance", "kind",
    "value", "severity", "during_transaction", "origin", "seen_at", "removed_at", "position",
)  # fmt: skip
TOLD = (*view.TOLD, "occurred_at", "value", "position")


def monitor(row: Any) -> Monitor:
    return Monitor(present=bool(row.present), **{name: getattr(row, name) for name in RULE})


def event(row: Any) -> DeviceEvent:
    return DeviceEvent(**{name: getattr(row, name) for name in TOLD})


@strawberry.type
class MonitorQuery:
    @strawberry.field(description="The monitors of a station by id, those that are gone too.")
    async def monitors(
        self,
        info: strawberry.Info,
        station_id: strawberry.ID,
        component: str | None = None,
        variable: str | None = None,
        first: int | None = 50,
        after: str | None = None,
    ) -> Connection[Monitor]:
        reads, limit = asker(info).reads, bounded(first)
        wanted: dict[str, Any] = {"station_id": station_id, "component": component, "variable": variable}
        position = await reads.position("monitor")
        found = await reads.run(lambda c: view.monitors(c, limit, after, **wanted))
        nodes = [(cursor(row.monitor_id), monitor(row)) for row in found.rows]
        return connection(
            nodes, found.more, position, lambda: reads.run(lambda c: view.count(c, view.MONITOR, **wanted))
        )

    @strawberry.field(description="How a station monitors; null while we have told it nothing.")
    async def monitoring(self, info: strawberry.Info, station_id: strawberry.ID) -> Monitoring | None:
        row = await asker(info).reads.run(lambda c: view.monitoring(c, station_id))
        return Monitoring(base=row.base, severity=row.severity, reset_at=row.reset_at) if row is not None else None

    @strawberry.field(description="Events that a station has sent, the newest first.")
    async def device_events(
        self,
        info: strawberry.Info,
        station_id: strawberry.ID,
        component: str | None = None,
        variable: str | None = None,
        monitor_id: int | None = None,
        first: int | None = 50,
        after: str | None = None,
    ) -> Connection[DeviceEvent]:
        reads, limit = asker(info).reads, bounded(first)
        wanted: dict[str, Any] = {"station_id": station_id, "component": component, "variable": variable}
        wanted["monitor_id"] = monitor_id
        position = await reads.position("monitor")
        found = await reads.run(lambda c: view.notices(c, limit, after, **wanted))
        nodes = [(cursor(row.position, row.item), event(row)) for row in found.rows]
        return connection(
            nodes, found.more, position, lambda: reads.run(lambda c: view.count(c, view.NOTICE, **wanted))
        )


@strawberry.enum(description="Which monitors a report is about.")
class MonitoringCriterion(Enum):
    THRESHOLD_MONITORING = "ThresholdMonitoring"
    DELTA_MONITORING = "DeltaMonitoring"
    PERIODIC_MONITORING = "PeriodicMonitoring"


@strawberry.enum(description="When a monitor sends an event.")
class MonitorKind(Enum):
    UPPER_THRESHOLD = strawberry.enum_value("UpperThreshold", description="The value goes above.")
    LOWER_THRESHOLD = strawberry.enum_value("LowerThreshold", description="The value goes below.")
    DELTA = strawberry.enum_value("Delta", description="The value changes by so much; with 1, by anything.")
    PERIODIC = strawberry.enum_value("Periodic", description="Every so many seconds.")
    PERIODIC_CLOCK_ALIGNED = strawberry.enum_value(
        "PeriodicClockAligned", description="Every so many seconds, counted from midnight."
    )
    TARGET_DELTA = strawberry.enum_value("TargetDelta", description="Actual and Target differ by so much (OCPP 2.1).")
    TARGET_DELTA_RELATIVE = strawberry.enum_value(
        "TargetDeltaRelative", description="Actual and Target differ by such a part of Target (OCPP 2.1)."
    )


@strawberry.enum(description="Which monitors are active.")
class MonitoringBase(Enum):
    ALL = strawberry.enum_value("All", description="The maker's and the custom ones.")
    FACTORY_DEFAULT = strawberry.enum_value("FactoryDefault", description="The maker's; custom ones are removed.")
    HARD_WIRED_ONLY = strawberry.enum_value("HardWiredOnly", description="Only those that cannot be removed.")


@strawberry.input(description="Have a station report its monitors.")
class GetMonitoringReportInput:
    station_id: strawberry.ID = said("The station.")
    criteria: list[MonitoringCriterion] | None = said("Only monitors of these kinds.", default=None)
    variables: list[ComponentVariableInput] | None = said("Only of these components and variables.", default=None)
    deadline_seconds: int | None = deadline()


@strawberry.input(description="A monitor that a station shall have.")
class MonitorInput:
    component: str = said("Name of the component.")
    variable: str = said("Name of the variable.")
    kind: MonitorKind = said("When it sends an event.")
    value: float = said("The threshold, the delta, or the seconds between events.")
    severity: int = said("0 is danger, 9 is debug.")
    monitor_id: int | None = said("Replace the monitor of this id.", default=None)
    during_transaction: bool | None = said("Watch during transactions only.", default=None)
    component_instance: str | None = said("Instance of the component.", default=None)
    variable_instance: str | None = said("Instance of the variable.", default=None)
    evse_id: int | None = said("EVSE of the component.", default=None)
    connector_id: int | None = said("Connector of the component.", default=None)
    interval_s: int | None = said("Send values as a periodic stream, every so many seconds (OCPP 2.1).", default=None)
    values: int | None = said("Send values as a periodic stream, so many at a time (OCPP 2.1).", default=None)


@strawberry.input(description="Place monitors on a station.")
class SetVariableMonitoringInput:
    station_id: strawberry.ID = said("The station.")
    monitors: list[MonitorInput] = said("Which.")
    deadline_seconds: int | None = deadline()


@strawberry.input(description="Remove monitors from a station.")
class ClearVariableMonitoringInput:
    station_id: strawberry.ID = said("The station.")
    monitor_ids: list[int] = said("Their ids.")
    deadline_seconds: int | None = deadline()


@strawberry.input(description="Choose which monitors of a station are active.")
class SetMonitoringBaseInput:
    station_id: strawberry.ID = said("The station.")
    base: MonitoringBase = said("Which.")
    deadline_seconds: int | None = deadline()


@strawberry.input(description="Choose how severe an event must be for a station to send it.")
class SetMonitoringLevelInput:
    station_id: strawberry.ID = said("The station.")
    severity: int = said("Events of this severity and of lower numbers are sent.")
    deadline_seconds: int | None = deadline()


@strawberry.type
class MonitorMutation:
    @strawberry.mutation(description="Have a station report its monitors (OCPP 2.x); see the query reports.")
    async def get_monitoring_report(self, info: strawberry.Info, input: GetMonitoringReportInput) -> Command:
        return await ask(info, "getMonitoringReport", input, **await limits(info, input.station_id, "GetReport"))

    @strawberry.mutation(description="Place monitors on a station (OCPP 2.x), in calls the station can take.")
    async def set_variable_monitoring(self, info: strawberry.Info, input: SetVariableMonitoringInput) -> Command:
        more = await limits(info, input.station_id, "SetVariableMonitoring")
        return await ask(info, "setVariableMonitoring", input, **more)

    @strawberry.mutation(description="Remove monitors from a station (OCPP 2.x), in calls the station can take.")
    async def clear_variable_monitoring(self, info: strawberry.Info, input: ClearVariableMonitoringInput) -> Command:
        more = await limits(info, input.station_id, "ClearVariableMonitoring")
        return await ask(info, "clearVariableMonitoring", input, **more)

    @strawberry.mutation(description="Choose which monitors of a station are active (OCPP 2.x).")
    async def set_monitoring_base(self, info: strawberry.Info, input: SetMonitoringBaseInput) -> Command:
        return await ask(info, "setMonitoringBase", input)

    @strawberry.mutation(description="Choose how severe an event must be to be sent (OCPP 2.x).")
    async def set_monitoring_level(self, info: strawberry.Info, input: SetMonitoringLevelInput) -> Command:
        return await ask(info, "setMonitoringLevel", input)
