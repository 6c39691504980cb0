"""Tariffs on stations, and what their payment terminals settled (OCPP 2.1)."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum
from typing import Any

import strawberry

from api.graphql.command import Command, ask, deadline, said
from api.graphql.context import asker
from api.graphql.page import Connection, listing
from api.graphql.scalar import DateTime, Json, Position
from api.graphql.transaction import station_of
from projections import pricelist as view
from projections.settlement import SETTLEMENT

TARIFF = "The tariff, as a TariffType of OCPP 2.1; another content needs another tariffId."


@strawberry.enum(description="Whom a tariff on a station is for.")
class TariffKind(Enum):
    DEFAULT = strawberry.enum_value("DEFAULT", description="Everybody without one of his own.")
    DRIVER = strawberry.enum_value("DRIVER", description="One driver, while he charges.")


@strawberry.type(description="A tariff that a station has installed.")
class InstalledTariff:
    evse_id: int = strawberry.field(description="On which EVSE; 0: on all of them.")
    tariff_id: str = strawberry.field(description="Its id.")
    kind: TariffKind = strawberry.field(description="Whom it is for.")
    tariff: Json | None = strawberry.field(description="Its content, if it came from here.")
    since: DateTime = strawberry.field(description="Since when we know it to be there.")


def installed(row: Any) -> InstalledTariff:
    names = ("evse_id", "tariff_id", "tariff", "since")
    return InstalledTariff(kind=TariffKind(row.kind), **{name: getattr(row, name) for name in names})


@strawberry.type(description="What a payment terminal says of the money for a charge.")
class Settlement:
    position: Position = strawberry.field(description="Its place in the history.")
    station_id: strawberry.ID = strawberry.field(description="The station.")
    transaction_id: strawberry.ID | None = strawberry.field(description="The transaction it is for.")
    status: str = strawberry.field(description="Settled, Canceled, Rejected or Failed.")
    amount: Decimal = strawberry.field(description="How much, in the currency of the station.")
    settled_at: DateTime = strawberry.field(description="When.")
    psp_reference: str = strawberry.field(description="How the payment service provider names it.")
    detail: str | None = strawberry.field(description="What else the provider says.")
    receipt_id: str | None = strawberry.field(description="The receipt.")
    receipt_url: str | None = strawberry.field(description="Where the driver finds it.")
    vat_number: str | None = strawberry.field(description="The VAT number for the receipt.")
    company: Json | None = strawberry.field(description="The company behind it.")


def settlement(row: Any) -> Settlement:
    names = (
        "position", "station_id", "transaction_id", "status", "settled_at", "psp_reference", "detail", "receipt_id",
        "receipt_url", "vat_number", "company",
    )  # fmt: skip
    return Settlement(amount=Decimal(row.amount), **{name: getattr(row, name) for name in names})


@strawberry.input(description="Show and reckon with a tariff on an EVSE for everybody without one of his own.")
class SetDefaultTariffInput:
    station_id: strawberry.ID = said("The station.")
    tariff: Json = said(TARIFF)
    evse_id: int = said("The EVSE; 0: all of them.", default=0)
    deadline_seconds: int | None = deadline()


@strawberry.input(description="Ask a station which tariffs it has.")
class GetTariffsInput:
    station_id: strawberry.ID = said("The station.")
    evse_id: int = said("On this EVSE; 0: on all of them.", default=0)
    deadline_seconds: int | None = deadline()


@strawberry.input(description="Take default tariffs off a station.")
class ClearTariffsInput:
    station_id: strawberry.ID = said("The station.")
    tariff_ids: list[str] | None = said("Which; all of them when absent.", default=None)
    evse_id: int | None = said("Only on this EVSE.", default=None)
    deadline_seconds: int | None = deadline()


@strawberry.input(description="Go on with another tariff in a running transaction.")
class ChangeTransactionTariffInput:
    transaction_id: strawberry.ID = said("Bornier's id of the transaction.")
    tariff: Json = said(TARIFF)
    deadline_seconds: int | None = deadline()


@strawberry.input(description="Keep an EVSE for somebody who is paying on a web page.")
class NotifyWebPaymentStartedInput:
    station_id: strawberry.ID = said("The station.")
    evse_id: int = said("The EVSE.")
    timeout_s: int = said("For how many seconds at most.", default=180)
    deadline_seconds: int | None = deadline()


@strawberry.type
class PricelistQuery:
    @strawberry.field(description="The tariffs a station has installed, by EVSE (OCPP 2.1).")
    async def installed_tariffs(self, info: strawberry.Info, station_id: strawberry.ID) -> list[InstalledTariff]:
        rows = await asker(info).reads.run(lambda c: view.tariffs(c, station_id))
        return [installed(row) for row in rows]

    @strawberry.field(description="What payment terminals settled, the newest first (OCPP 2.1).")
    async def settlements(
        self,
        info: strawberry.Info,
        station_id: strawberry.ID | None = None,
        transaction_id: strawberry.ID | None = None,
        first: int | None = 50,
        after: str | None = None,
    ) -> Connection[Settlement]:
        wanted = {"station_id": station_id, "transaction_id": transaction_id}
        return await listing(info, "settlement", SETTLEMENT.c.position, first, after, settlement, **wanted)


@strawberry.type
class PricelistMutation:
    @strawberry.mutation(description="Install a default tariff (OCPP 2.1).")
    async def set_default_tariff(self, info: strawberry.Info, input: SetDefaultTariffInput) -> Command:
        return await ask(info, "setDefaultTariff", input)

    @strawberry.mutation(description="Ask a station which tariffs it has (OCPP 2.1).")
    async def get_tariffs(self, info: strawberry.Info, input: GetTariffsInput) -> Command:
        return await ask(info, "getTariffs", input)

    @strawberry.mutation(description="Take default tariffs off a station (OCPP 2.1).")
    async def clear_tariffs(self, info: strawberry.Info, input: ClearTariffsInput) -> Command:
        return await ask(info, "clearTariffs", input)

    @strawberry.mutation(description="Go on with another tariff in a running transaction (OCPP 2.1).")
    async def change_transaction_tariff(self, info: strawberry.Info, input: ChangeTransactionTariffInput) -> Command:
        return await ask(info, "changeTransactionTariff", input, await station_of(info, input.transaction_id))

    @strawberry.mutation(description="Keep an EVSE for somebody who is paying on a web page (OCPP 2.1).")
    async def notify_web_payment_started(self, info: strawberry.Info, input: NotifyWebPaymentStartedInput) -> Command:
        return await ask(info, "notifyWebPaymentStarted", input)
