"""The device model: configuration keys of OCPP 1.6, variables of OCPP 2.x."""

from __future__ import annotations

import strawberry

from api.graphql.command import Command, ask, deadline, said


@strawberry.input(description="Read configuration keys (OCPP 1.6).")
class GetConfigurationInput:
    station_id: strawberry.ID = said("The station.")
    keys: list[str] | None = said("Which keys; all when absent.", default=None)
    deadline_seconds: int | None = deadline()


@strawberry.input(description="Write a configuration key (OCPP 1.6).")
class ChangeConfigurationInput:
    station_id: strawberry.ID = said("The station.")
    key: str = said("The key.")
    value: str = said("Its new value.")
    deadline_seconds: int | None = deadline()


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


@strawberry.type
class DeviceMutation:
    @strawberry.mutation(description="Read configuration keys (OCPP 1.6).")
    async def get_configuration(self, info: strawberry.Info, input: GetConfigurationInput) -> Command:
        return await ask(info, "getConfiguration", input)

    @strawberry.mutation(description="Write a configuration key (OCPP 1.6).")
    async def change_configuration(
        self,
        info: strawberry.Info,
        input: ChangeConfigurationInput,
    ) -> Command:
        return await ask(info, "changeConfiguration", input)

    @strawberry.mutation(description="Read variables of the device model (OCPP 2.x).")
    async def get_variables(self, info: strawberry.Info, input: GetVariablesInput) -> Command:
        return await ask(info, "getVariables", input)

    @strawberry.mutation(description="Write variables of the device model (OCPP 2.x).")
    async def set_variables(self, info: strawberry.Info, input: SetVariablesInput) -> Command:
        return await ask(info, "setVariables", input)
