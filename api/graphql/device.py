"""The device model: variables of OCPP 2.x, and configuration keys of OCPP 1.6, which are variables of component ""."""

from __future__ import annotations

import re
from enum import Enum
from typing import Any

import strawberry

from api.graphql.command import Command, ask, deadline, said
from api.graphql.context import asker
from api.graphql.page import Connection, bounded, connection
from api.graphql.scalar import DateTime, Position
from domain import secret
from projections import device as view
from projections.page import cursor


@strawberry.type(description="One attribute of a variable of a station; in OCPP 1.6, a configuration key.")
class Variable:
    component: str = strawberry.field(description='Name of the component; "" for configuration keys of OCPP 1.6.')
    component_instance: str | None = strawberry.field(description="Which of several such components.")
    evse_id: int | None = strawberry.field(description="EVSE of the component.")
    connector_id: int | None = strawberry.field(description="Connector of the component.")
    variable: str = strawberry.field(description="Name of the variable, or the configuration key.")
    variable_instance: str | None = strawberry.field(description="Which of several such variables.")
    attribute: str = strawberry.field(description="Actual, Target, MinSet or MaxSet.")
    value: str | None = strawberry.field(description="Its latest known value; never that of a password.")
    mutability: str | None = strawberry.field(description="ReadOnly, WriteOnly or ReadWrite.")
    persistent: bool | None = strawberry.field(description="It survives a restart.")
    constant: bool | None = strawberry.field(description="It never changes.")
    unit: str | None = strawberry.field(description="The unit of its value.")
    data_type: str | None = strawberry.field(description="The type of its value: string, decimal, OptionList, …")
    min_limit: float | None = strawberry.field(description="The least its value can be.")
    max_limit: float | None = strawberry.field(description="The most its value can be, or how long.")
    max_elements: int | None = strawberry.field(description="How many elements a list can have (OCPP 2.1).")
    values_list: str | None = strawberry.field(description="The values it can have, with commas between.")
    supports_monitoring: bool | None = strawberry.field(description="A monitor can watch it.")
    status: str | None = strawberry.field(
        description="What the station last said: Accepted, Rejected, RebootRequired, UnknownVariable, …"
    )
    reason: str | None = strawberry.field(description="What it added.")
    reboot_required: bool = strawberry.field(description="The value counts after a restart, which has not come yet.")
    known_at: DateTime = strawberry.field(description="When we last heard of it.")
    position: Position = strawberry.field(description="The latest event that changed it.")


LIMIT = re.compile(r"[1-9][0-9]{0,6}")
SAME = (
    "component", "variable", "attribute", "value", "mutability", "persistent", "constant", "unit", "data_type",
    "min_limit", "max_limit", "max_elements", "values_list", "status", "reason", "known_at", "position",
)  # fmt: skip


def shown(row: Any) -> Variable:
    return Variable(
        component_instance=row.component_instance or None,
        evse_id=row.evse_id or None,
        connector_id=row.connector_id or None,
        variable_instance=row.variable_instance or None,
        supports_monitoring=row.monitorable,
        reboot_required=bool(row.restart_wanted),
        **{name: getattr(row, name) for name in SAME},
    )


@strawberry.type
class DeviceQuery:
    @strawberry.field(description="What is known of the variables (OCPP 1.6: configuration keys) of a station.")
    async def variables(
        self,
        info: strawberry.Info,
        station_id: strawberry.ID,
        component: str | None = None,
        variable: str | None = None,
        first: int | None = 50,
        after: str | None = None,
    ) -> Connection[Variable]:
        reads, limit = asker(info).reads, bounded(first)
        wanted: dict[str, str | None] = {"station_id": station_id, "component": component, "variable": variable}
        position = await reads.position("device")
        found = await reads.run(lambda c: view.variables(c, limit, after, **wanted))
        nodes = [(cursor(*(row._mapping[column.name] for column in view.KEY)), shown(row)) for row in found.rows]
        return connection(nodes, found.more, position, lambda: reads.run(lambda c: view.count(c, **wanted)))


@strawberry.input(description="Read configuration keys (OCPP 1.6).")
class GetConfigurationInput:
    station_id: strawberry.ID = said("The station.")
    keys: list[str] | None = said("Which keys; all when absent.", default=None)
    deadline_seconds: int | None = deadline()


@strawberry.input(description="Write a configuration key (OCPP 1.6).")
class ChangeConfigurationInput:
    station_id: strawberry.ID = said("The station.")
    key: str = said("The key. The station's password is set by setPassword.")
    value: str = said("Its new value.")
    deadline_seconds: int | None = deadline()


@strawberry.input(description="A component of a station (OCPP 2.x), and perhaps one of its variables.")
class ComponentVariableInput:
    component: str = said("Name of the component.")
    variable: str | None = said("Name of the variable; all of the component when absent.", default=None)
    component_instance: str | None = said("Instance of the component.", default=None)
    variable_instance: str | None = said("Instance of the variable.", default=None)
    evse_id: int | None = said("EVSE of the component.", default=None)
    connector_id: int | None = said("Connector of the component.", default=None)


@strawberry.input(description="A variable of the device model (OCPP 2.x).")
class VariableInput:
    component: str = said("Name of the component.")
    variable: str = said("Name of the variable.")
    component_instance: str | None = said("Instance of the component.", default=None)
    variable_instance: str | None = said("Instance of the variable.", default=None)
    attribute_type: str | None = said("Actual, Target, MinSet or MaxSet; Actual when absent.", default=None)
    evse_id: int | None = said("EVSE of the component.", default=None)
    connector_id: int | None = said("Connector of the component.", default=None)


@strawberry.input(description="A variable and the value it shall have (OCPP 2.x).")
class VariableValueInput(VariableInput):
    value: str = said("The new value.")


@strawberry.input(description="Read variables (OCPP 2.x).")
class GetVariablesInput:
    station_id: strawberry.ID = said("The station.")
    variables: list[VariableInput] = said("Which variables.")
    deadline_seconds: int | None = deadline()


@strawberry.input(description="Write variables (OCPP 2.x).")
class SetVariablesInput:
    station_id: strawberry.ID = said("The station.")
    variables: list[VariableValueInput] = said("Which variables, and their values.")
    deadline_seconds: int | None = deadline()


@strawberry.enum(description="What a report is about (OCPP 2.x).")
class ReportBase(Enum):
    CONFIGURATION_INVENTORY = strawberry.enum_value("ConfigurationInventory", description="Everything that can be set.")
    FULL_INVENTORY = strawberry.enum_value("FullInventory", description="Everything there is.")
    SUMMARY_INVENTORY = strawberry.enum_value("SummaryInventory", description="What is out of order, and why.")


@strawberry.enum(description="Which components a report is about (OCPP 2.x).")
class ComponentCriterion(Enum):
    ACTIVE = "Active"
    AVAILABLE = "Available"
    ENABLED = "Enabled"
    PROBLEM = "Problem"


@strawberry.input(description="Have a station report its device model (OCPP 2.x).")
class GetBaseReportInput:
    station_id: strawberry.ID = said("The station.")
    base: ReportBase = said("What of it.", default=ReportBase.FULL_INVENTORY)
    deadline_seconds: int | None = deadline()


@strawberry.input(description="Have a station report some of its components (OCPP 2.x).")
class GetReportInput:
    station_id: strawberry.ID = said("The station.")
    criteria: list[ComponentCriterion] | None = said("Components of which this holds.", default=None)
    variables: list[ComponentVariableInput] | None = said("Only these components and variables.", default=None)
    deadline_seconds: int | None = deadline()


async def limits(info: strawberry.Info, station_id: str, message: str) -> dict[str, Any]:
    """How much of a message the station takes at once, as parameters of the command, as far as it has told."""
    rows = await asker(info).reads.run(lambda c: view.limits(c, station_id, message))
    names = {"BytesPerMessage": "bytes_at_once"}
    return {names.get(row.variable, "at_once"): int(row.value) for row in rows if LIMIT.fullmatch(row.value or "")}


@strawberry.type
class DeviceMutation:
    @strawberry.mutation(description="Read configuration keys (OCPP 1.6), in calls of GetConfigurationMaxKeys.")
    async def get_configuration(self, info: strawberry.Info, input: GetConfigurationInput) -> Command:
        return await ask(info, "getConfiguration", input, **await limits(info, input.station_id, "GetConfiguration"))

    @strawberry.mutation(description="Write a configuration key (OCPP 1.6).")
    async def change_configuration(
        self,
        info: strawberry.Info,
        input: ChangeConfigurationInput,
    ) -> Command:
        secret.refuse(input.key)
        return await ask(info, "changeConfiguration", input)

    @strawberry.mutation(description="Read variables of the device model (OCPP 2.x), in calls the station can take.")
    async def get_variables(self, info: strawberry.Info, input: GetVariablesInput) -> Command:
        return await ask(info, "getVariables", input, **await limits(info, input.station_id, "GetVariables"))

    @strawberry.mutation(description="Write variables of the device model (OCPP 2.x), in calls the station can take.")
    async def set_variables(self, info: strawberry.Info, input: SetVariablesInput) -> Command:
        secret.refuse(*(line.variable for line in input.variables))
        return await ask(info, "setVariables", input, **await limits(info, input.station_id, "SetVariables"))

    @strawberry.mutation(description="Have a station report its device model (OCPP 2.x); see the query reports.")
    async def get_base_report(self, info: strawberry.Info, input: GetBaseReportInput) -> Command:
        return await ask(info, "getBaseReport", input)

    @strawberry.mutation(description="Have a station report some components (OCPP 2.x); see the query reports.")
    async def get_report(self, info: strawberry.Info, input: GetReportInput) -> Command:
        return await ask(info, "getReport", input, **await limits(info, input.station_id, "GetReport"))
