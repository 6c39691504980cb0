"""Bills: what a finished charge costs and who pays, and what that means for employees."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import msgspec
import strawberry

from api.graphql.context import Asker, asker
from api.graphql.event import Event, events_of
from api.graphql.page import Connection, listed
from api.graphql.price import Cost, cost
from api.graphql.scalar import DateTime, Position
from api.graphql.signature import SignatureSummary, summary
from domain.bill import stream
from domain.catalog import CATALOG
from domain.price import Priced
from projections import bill as view
from projections.projection import fold


@strawberry.type(description="What an employee gets back for energy from the own meter (défraiement).")
class BillReimbursement:
    driver_id: strawberry.ID = strawberry.field(description="The driver.")
    allowance_id: strawberry.ID = strawberry.field(description="The allowance that held that day.")
    rate: Decimal = strawberry.field(description="For a kWh.")
    amount: Decimal = strawberry.field(description="Rate times measured kWh, rounded once.")
    legal_basis: str = strawberry.field(description="The contract, the law.")


@strawberry.type(description="What a charge paid by the employer counts for as a benefit in kind (avantage en nature).")
class BillBenefit:
    driver_id: strawberry.ID = strawberry.field(description="The employee.")
    cost: Decimal = strawberry.field(description="What the charge costs the employer, with VAT.")
    value: Decimal = strawberry.field(description="What counts of it.")
    rule_id: strawberry.ID | None = strawberry.field(description="The rule that held that day; null: none, all counts.")
    legal_basis: str | None = strawberry.field(description="What the rule is based on.")
    starts_on: date | None = strawberry.field(description="The first day of the rule.")
    ends_on: date | None = strawberry.field(description="The last day of the rule.")


@strawberry.type(description="A price that was written down. It is never edited: it counts, or it was credited.")
class BillRating:
    number: int = strawberry.field(description="1, 2, 3, …")
    cost: Cost = strawberry.field(description="The price, line by line.")
    rated_at: DateTime = strawberry.field(description="When.")
    first_position: Position = strawberry.field(description="The first event of the charge it was computed from.")
    last_position: Position = strawberry.field(description="The last event of the charge it was computed from.")
    credited_at: DateTime | None = strawberry.field(description="When it was taken back.")
    credit_reason: str | None = strawberry.field(description="Why.")
    invoice_id: strawberry.ID | None = strawberry.field(description="The invoice it is on.")
    credit_note_id: strawberry.ID | None = strawberry.field(description="The credit note that took it off.")
    reimbursement: BillReimbursement | None = strawberry.field(description="What the driver gets back.")
    benefit: BillBenefit | None = strawberry.field(description="What it counts for as a benefit in kind.")


def rating(row: Any) -> BillRating:
    written = cost(msgspec.convert(row.price, Priced, strict=False))
    assert written is not None
    names = ("number", "rated_at", "first_position", "last_position", "credited_at", "credit_reason", "invoice_id",
             "credit_note_id")  # fmt: skip
    return BillRating(
        cost=written,
        reimbursement=reimbursement_of(row) if row.reimbursed_driver_id else None,
        benefit=benefit_of(row) if row.benefit_driver_id else None,
        **{name: getattr(row, name) for name in names},
    )


def reimbursement_of(row: Any) -> BillReimbursement:
    return BillReimbursement(
        driver_id=row.reimbursed_driver_id, allowance_id=row.allowance_id, rate=row.rate, amount=row.reimbursement,
        legal_basis=row.reimbursement_basis,
    )  # fmt: skip


def benefit_of(row: Any) -> BillBenefit:
    return BillBenefit(
        driver_id=row.benefit_driver_id, cost=row.benefit_cost, value=row.benefit_value, rule_id=row.benefit_rule_id,
        legal_basis=row.benefit_basis, starts_on=row.benefit_starts_on, ends_on=row.benefit_ends_on,
    )  # fmt: skip


@strawberry.type(description="The bill of one finished charge.")
class Bill:
    id: strawberry.ID = strawberry.field(description="The transaction it is of.")
    station_id: strawberry.ID = strawberry.field(description="The station.")
    month: str = strawberry.field(description="The month the charge ended in, where whoever pays is: 2026-11.")
    withheld: bool = strawberry.field(description="It has no price that could be true: a person must decide.")
    code: str | None = strawberry.field(description="Why it is withheld, for programs: see `UnpricedCode`.")
    reason: str | None = strawberry.field(description="Why it is withheld, for people.")
    released_reason: str | None = strawberry.field(description="Why a person released it.")
    payer_id: strawberry.ID | None = strawberry.field(description="Who pays; null: nobody was found.")
    sponsorship_id: strawberry.ID | None = strawberry.field(description="Why.")
    cost_centre: str | None = strawberry.field(description="The cost centre of the payer.")
    group: str | None = strawberry.field(description="The badge group.")
    driver_id: strawberry.ID | None = strawberry.field(description="The driver.")
    position: Position = strawberry.field(description="The latest event that changed it.")
    known: strawberry.Private[list[Any] | None] = None

    @strawberry.field(description="The rating that counts; null: withheld, or taken back.")
    async def rating(self, info: strawberry.Info) -> BillRating | None:
        rows = await self.rows(info)
        return rating(rows[-1]) if rows and rows[-1].credited_at is None else None

    @strawberry.field(description="Every rating there was, the first one first.")
    async def ratings(self, info: strawberry.Info) -> list[BillRating]:
        return [rating(row) for row in await self.rows(info)]

    @strawberry.field(description="What the meter has signed against the energy that is billed; null: nothing.")
    async def signature(self, info: strawberry.Info) -> SignatureSummary | None:
        rows = await self.rows(info)
        energy_wh = float(rows[-1].energy_kwh * 1000) if rows else 0.0
        return await summary(asker(info).reads, self.id, energy_wh, bool(rows))

    @strawberry.field(description="Its events, for auditors: their causes lead to the messages of the station.")
    async def events(
        self, info: strawberry.Info, first: int | None = None, after: Position | None = None
    ) -> Connection[Event]:
        return await events_of(info, stream(self.id), first, after)

    async def rows(self, info: strawberry.Info) -> list[Any]:
        return self.known if self.known is not None else await asker(info).reads.ratings.load(self.id)


NAMES = (
    "id", "station_id", "month", "code", "reason", "released_reason", "payer_id", "sponsorship_id", "cost_centre",
    "group", "driver_id", "position",
)  # fmt: skip


def bill(row: Any, known: list[Any] | None = None) -> Bill:
    return Bill(withheld=bool(row.withheld), known=known, **{name: getattr(row, name) for name in NAMES})


async def told(who: Asker, transaction_id: str) -> Bill:
    """A bill as the history tells it: whoever changed it sees the change at once."""
    rows = await who.reads.told(stream(transaction_id))
    changes = fold(view.PROJECTION, [(row.position, CATALOG.decode(row.topic, row.state)) for row in rows])
    blank = dict.fromkeys(view.BILL.columns.keys()) | {"id": transaction_id}
    empty = dict.fromkeys(view.RATING.columns.keys())
    known = [SimpleNamespace(**(empty | {"number": key[1]} | values)) for key, values in
             sorted(changes.rows("rating").items())]  # fmt: skip
    return bill(SimpleNamespace(**(blank | changes.rows("bill")[transaction_id,])), known)


@strawberry.type(description="What an employee gets back for a month, by one allowance.")
class Reimbursement:
    driver_id: strawberry.ID = strawberry.field(description="The employee.")
    month: str = strawberry.field(description="The month.")
    allowance_id: strawberry.ID = strawberry.field(description="The allowance.")
    charges: int = strawberry.field(description="So many charges.")
    energy_kwh: Decimal = strawberry.field(description="Energy as measured, kWh.")
    rate: Decimal = strawberry.field(description="For a kWh.")
    amount: Decimal = strawberry.field(description="What the employee gets: the sum over the charges.")
    currency: str = strawberry.field(description="ISO 4217.")
    legal_basis: str = strawberry.field(description="The contract, the law.")


@strawberry.type(description="What charges paid by the employer count for in a month, by one rule.")
class Benefit:
    driver_id: strawberry.ID = strawberry.field(description="The employee.")
    month: str = strawberry.field(description="The month.")
    rule_id: strawberry.ID | None = strawberry.field(description="The rule; null: none held, so all of it counts.")
    charges: int = strawberry.field(description="So many charges.")
    energy_kwh: Decimal = strawberry.field(description="Energy, kWh.")
    cost: Decimal = strawberry.field(description="What the employer pays, with VAT.")
    value: Decimal = strawberry.field(description="What counts of it.")
    currency: str = strawberry.field(description="ISO 4217.")
    legal_basis: str | None = strawberry.field(description="What the rule is based on.")
    starts_on: date | None = strawberry.field(description="The first day of the rule.")
    ends_on: date | None = strawberry.field(description="The last day of the rule.")


def reimbursement(row: Any) -> Reimbursement:
    names = ("month", "allowance_id", "charges", "energy_kwh", "rate", "amount", "currency")
    own = {name: getattr(row, name) for name in names}
    return Reimbursement(driver_id=row.reimbursed_driver_id, legal_basis=row.reimbursement_basis, **own)


def benefit(row: Any) -> Benefit:
    names = ("month", "charges", "energy_kwh", "cost", "value", "currency")
    return Benefit(
        driver_id=row.benefit_driver_id, rule_id=row.benefit_rule_id, legal_basis=row.benefit_basis,
        starts_on=row.benefit_starts_on, ends_on=row.benefit_ends_on, **{name: getattr(row, name) for name in names},
    )  # fmt: skip


@strawberry.type
class BillQuery:
    @strawberry.field(description="The bill of a transaction; null: it runs, or began before there were tariffs.")
    async def bill(self, info: strawberry.Info, id: strawberry.ID) -> Bill | None:
        found = await asker(info).reads.bills.load(id)
        return bill(found) if found is not None else None

    @strawberry.field(description="Bills in the order of their ids.")
    async def bills(
        self,
        info: strawberry.Info,
        first: int | None = 50,
        after: str | None = None,
        month: str | None = None,
        payer_id: strawberry.ID | None = None,
        driver_id: strawberry.ID | None = None,
        station_id: strawberry.ID | None = None,
        withheld: bool | None = None,
    ) -> Connection[Bill]:
        query = view.bills(month, payer_id, driver_id, station_id, withheld)
        return await listed(info, "bill", query, view.BILL, bill, first, after)

    @strawberry.field(description="Per employee and month: what is paid back for charging at home. Month or year.")
    async def reimbursements(
        self, info: strawberry.Info, month: str | None = None, driver_id: strawberry.ID | None = None
    ) -> list[Reimbursement]:
        rows = await asker(info).reads.run(lambda c: list(c.execute(view.reimbursements(month, driver_id))))
        return [reimbursement(row) for row in rows]

    @strawberry.field(description="Per employee and month: what charges count for as benefits in kind. Month or year.")
    async def benefits(
        self, info: strawberry.Info, month: str | None = None, driver_id: strawberry.ID | None = None
    ) -> list[Benefit]:
        rows = await asker(info).reads.run(lambda c: list(c.execute(view.benefits(month, driver_id))))
        return [benefit(row) for row in rows]


@strawberry.input(description="Decide what a withheld charge costs.")
class ReleaseBillInput:
    transaction_id: strawberry.ID = strawberry.field(description="The charge.")
    reason: str = strawberry.field(description="Why. It stays in the history for ever: write nothing about a person.")
    energy_kwh: Decimal | None = strawberry.field(
        description="Accept this energy; as it was measured when absent.", default=None
    )
    tariff_id: strawberry.ID | None = strawberry.field(
        description="Under this tariff; the one it began with when absent.", default=None
    )
    waived: bool = strawberry.field(description="It costs nothing.", default=False)


@strawberry.type
class BillMutation:
    @strawberry.mutation(description="Rate a withheld charge by the figures you accept.")
    async def release_bill(self, info: strawberry.Info, input: ReleaseBillInput) -> Bill:
        who = asker(info)
        accepted = (input.energy_kwh, input.tariff_id, input.waived)
        await who.parts.bills.release(input.transaction_id, input.reason, *accepted, who.name)
        return await told(who, input.transaction_id)
