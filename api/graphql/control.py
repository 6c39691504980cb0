"""Remote control: starting and stopping charges, unlocking cables, asking and showing how a charge stands."""

from __future__ import annotations

from decimal import Decimal

import strawberry

from api.graphql.command import Command, ask, deadline, said
from api.graphql.schedule import ChargingProfileInput
from api.graphql.transaction import station_of
from domain.event import Refusal


@strawberry.input(description="Start a charge.")
class RemoteStartInput:
    station_id: strawberry.ID = said("The station.")
    badge: str = said("The badge that pays.")
    evse_id: int | None = said("The EVSE (OCPP 1.6: connector); the station chooses when absent.", default=None)
    connector_id: int | None = said("The connector, another word for the EVSE in OCPP 1.6.", default=None)
    group_badge: str | None = said("The group of the badge (OCPP 2.x).", default=None)
    force: bool | None = said("Ask the station even if we would refuse the badge when it comes back.", default=None)
    charging_profile: ChargingProfileInput | None = said("What limits the charge: a TxProfile.", default=None)
    deadline_seconds: int | None = deadline()


@strawberry.input(description="Stop a charge.")
class RemoteStopInput:
    transaction_id: strawberry.ID = said("Bornier's id of the transaction.")
    deadline_seconds: int | None = deadline()


@strawberry.input(description="Unlock a cable.")
class UnlockConnectorInput:
    station_id: strawberry.ID = said("The station.")
    evse_id: int = said("The EVSE (OCPP 1.6: connector).")
    connector_id: int | None = said("The connector of that EVSE (OCPP 2.x), 1 when absent.", default=None)
    deadline_seconds: int | None = deadline()


@strawberry.input(description="Ask a station whether a transaction goes on, and whether it still has messages to send.")
class GetTransactionStatusInput:
    transaction_id: strawberry.ID | None = said("Bornier's id of the transaction.", default=None)
    station_id: strawberry.ID | None = said("The station, when no transaction is named.", default=None)
    deadline_seconds: int | None = deadline()


@strawberry.input(description="Show the driver what a charge has cost so far.")
class CostUpdatedInput:
    transaction_id: strawberry.ID = said("Bornier's id of the transaction.")
    total_cost: Decimal = said("The total so far, taxes included, in the station's currency.")
    deadline_seconds: int | None = deadline()


@strawberry.type
class ControlMutation:
    @strawberry.mutation(description="Start a charge with a badge.")
    async def remote_start(self, info: strawberry.Info, input: RemoteStartInput) -> Command:
        return await ask(info, "remoteStart", input)

    @strawberry.mutation(description="Stop a running charge.")
    async def remote_stop(self, info: strawberry.Info, input: RemoteStopInput) -> Command:
        return await ask(info, "remoteStop", input, await station_of(info, input.transaction_id))

    @strawberry.mutation(description="Unlock a stuck cable.")
    async def unlock_connector(self, info: strawberry.Info, input: UnlockConnectorInput) -> Command:
        return await ask(info, "unlockConnector", input)

    @strawberry.mutation(description="Ask a station whether a transaction goes on (OCPP 2.x).")
    async def get_transaction_status(self, info: strawberry.Info, input: GetTransactionStatusInput) -> Command:
        if (input.transaction_id is None) == (input.station_id is None):
            raise Refusal("name either a transaction or a station")
        target = await station_of(info, input.transaction_id) if input.transaction_id else input.station_id
        return await ask(info, "getTransactionStatus", input, target)

    @strawberry.mutation(description="Show the running cost of a charge (OCPP 2.x).")
    async def cost_updated(self, info: strawberry.Info, input: CostUpdatedInput) -> Command:
        return await ask(info, "costUpdated", input, await station_of(info, input.transaction_id))
