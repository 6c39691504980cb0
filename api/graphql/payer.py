"""Payers, sellers, sponsorships, allowances and rules of benefit: who pays for what, and by which terms."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any

import strawberry

from api.graphql.command import said
from api.graphql.context import asker
from api.graphql.page import Connection, listed
from api.graphql.scalar import DateTime
from domain.payer import Details
from domain.seller import Details as SellerDetails
from domain.seller import missing
from projections import payer as view


@strawberry.enum(description="What a payer is.")
class PayerKind(Enum):
    PERSON = strawberry.enum_value("PERSON", description="A private person.")
    COMPANY = strawberry.enum_value("COMPANY", description="A company, or whoever else has a SIREN.")


@strawberry.enum(description="How the month of a payer is split into statements.")
class StatementSplit(Enum):
    PAYER = strawberry.enum_value("PAYER", description="One statement for everything.")
    COST_CENTRE = strawberry.enum_value("COST_CENTRE", description="One for each cost centre.")
    GROUP = strawberry.enum_value("GROUP", description="One for each badge group.")


@strawberry.type(description="A person or a company that gets statements.")
class Payer:
    id: strawberry.ID = strawberry.field(description="Its id.")
    full_name: str = strawberry.field(description="The name.")
    kind: PayerKind = strawberry.field(description="A person or a company.")
    address: str | None = strawberry.field(description="Street and number.")
    postal_code: str | None = strawberry.field(description="Postal code.")
    city: str | None = strawberry.field(description="City.")
    country: str = strawberry.field(description="ISO 3166, two capitals.")
    vat_number: str | None = strawberry.field(description="VAT number.")
    siren: str | None = strawberry.field(description="SIREN, nine digits.")
    email: str | None = strawberry.field(description="Where invoices go.")
    payment_days: int = strawberry.field(description="Days until payment is due.")
    time_zone: str = strawberry.field(description="Whose months its statements follow.")
    split: StatementSplit = strawberry.field(description="How statements are split.")
    seller_id: strawberry.ID = strawberry.field(description="Who issues its invoices.")


def payer(row: Any) -> Payer:
    own = {name: getattr(row, name) for name in Details.__struct_fields__ if name not in ("kind", "split")}
    return Payer(id=strawberry.ID(row.id), kind=PayerKind(row.kind), split=StatementSplit(row.split), **own)


def payer_told(made: Any) -> Payer:
    """A payer as it has just been decided on."""
    details: Details = made.exists()
    own = {name: getattr(details, name) for name in Details.__struct_fields__ if name not in ("kind", "split")}
    kind, split = PayerKind(details.kind), StatementSplit(details.split)
    return Payer(id=made.payer_id, kind=kind, split=split, **own)


@strawberry.type(description="From when to when a payer pays for a driver or for a badge group (prise en charge).")
class Sponsorship:
    id: strawberry.ID = strawberry.field(description="Its id.")
    payer_id: strawberry.ID = strawberry.field(description="Who pays.")
    driver_id: strawberry.ID | None = strawberry.field(description="For this driver.")
    group: str | None = strawberry.field(description="For this badge group.")
    cost_centre: str | None = strawberry.field(description="Where the payer books it.")
    employer: bool = strawberry.field(description="The payer employs whoever charges: benefits in kind are valued.")
    starts_at: DateTime = strawberry.field(description="For charges that begin from then on.")
    ends_at: DateTime | None = strawberry.field(description="For charges that begin before.")


GRANTED = ("id", "payer_id", "driver_id", "group", "cost_centre", "employer", "starts_at", "ends_at")


def sponsorship(row: Any) -> Sponsorship:
    return Sponsorship(**{name: getattr(row, name) for name in GRANTED})


def sponsorship_told(made: Any) -> Sponsorship:
    own = {name: getattr(made.granted, name) for name in GRANTED if name not in ("id", "ends_at")}
    return Sponsorship(id=made.sponsorship_id, ends_at=made.ends_at, **own)


@strawberry.type(description="At which rate a driver gets energy back that was charged at the own meter.")
class Allowance:
    id: strawberry.ID = strawberry.field(description="Its id.")
    driver_id: strawberry.ID = strawberry.field(description="The driver.")
    station_id: strawberry.ID = strawberry.field(description="The station at home.")
    rate: Decimal = strawberry.field(description="For a kWh.")
    currency: str = strawberry.field(description="ISO 4217.")
    starts_on: date = strawberry.field(description="The first day.")
    ends_on: date | None = strawberry.field(description="The last day.")
    legal_basis: str = strawberry.field(description="The contract, the law.")
    without_badge: bool = strawberry.field(description="Charges without a badge are the driver's, too.")


AGREED = ("driver_id", "station_id", "rate", "currency", "starts_on", "legal_basis", "without_badge")


def allowance(row: Any) -> Allowance:
    return Allowance(id=row.id, ends_on=row.ends_on, **{name: getattr(row, name) for name in AGREED})


def allowance_told(made: Any) -> Allowance:
    own = {name: getattr(made.agreed, name) for name in AGREED}
    return Allowance(id=made.allowance_id, ends_on=made.ends_on, **own)


@strawberry.type(description="Which share of what a charge costs counts as a benefit in kind, where and when.")
class BenefitRule:
    id: strawberry.ID = strawberry.field(description="Its id.")
    percent: Decimal = strawberry.field(description="Of the cost with VAT.")
    starts_on: date = strawberry.field(description="The first day.")
    ends_on: date | None = strawberry.field(description="The last day.")
    sites: list[strawberry.ID] = strawberry.field(description="Only at these sites; none: everywhere.")
    legal_basis: str = strawberry.field(description="The law.")
    repealed: bool = strawberry.field(description="It holds for no day any more.")


def rule(row: Any) -> BenefitRule:
    names = ("id", "percent", "starts_on", "ends_on", "sites", "legal_basis", "repealed")
    return BenefitRule(**{name: getattr(row, name) for name in names})


@strawberry.type(description="Whoever issues invoices.")
class Seller:
    id: strawberry.ID = strawberry.field(description="Its id; `main` where there is one only.")
    name: str = strawberry.field(description="The name.")
    vat_number: str | None = strawberry.field(description="VAT number.")
    siren: str | None = strawberry.field(description="SIREN.")
    invoice_prefix: str = strawberry.field(description="What numbers of invoices begin with.")
    credit_prefix: str = strawberry.field(description="What numbers of credit notes begin with.")
    missing: list[str] = strawberry.field(description="What must be told before anything can be issued.")


def seller_told(made: Any) -> Seller:
    details: SellerDetails = made.details
    own = {name: getattr(details, name) for name in ("name", "vat_number", "siren", "invoice_prefix", "credit_prefix")}
    return Seller(id=made.seller_id, missing=missing(details), **own)


@strawberry.type
class PayerQuery:
    @strawberry.field(description="Payers in the order of their ids.")
    async def payers(
        self, info: strawberry.Info, first: int | None = 50, after: str | None = None, search: str | None = None
    ) -> Connection[Payer]:
        return await listed(info, "payer", view.payers(search), view.PAYER, payer, first, after)

    @strawberry.field(description="Who pays for whom, in the order of ids.")
    async def sponsorships(
        self,
        info: strawberry.Info,
        first: int | None = 50,
        after: str | None = None,
        payer_id: strawberry.ID | None = None,
        driver_id: strawberry.ID | None = None,
        group: str | None = None,
    ) -> Connection[Sponsorship]:
        query = view.sponsorships(payer_id, driver_id, group)
        return await listed(info, "payer", query, view.SPONSORSHIP, sponsorship, first, after)

    @strawberry.field(description="Allowances in the order of their ids.")
    async def allowances(
        self, info: strawberry.Info, first: int | None = 50, after: str | None = None
    ) -> Connection[Allowance]:
        return await listed(info, "payer", view.ALLOWANCE.select(), view.ALLOWANCE, allowance, first, after)

    @strawberry.field(description="Rules of benefits in kind in the order of their ids.")
    async def benefit_rules(
        self, info: strawberry.Info, first: int | None = 50, after: str | None = None
    ) -> Connection[BenefitRule]:
        return await listed(info, "payer", view.RULE.select(), view.RULE, rule, first, after)


@strawberry.input(description="Make a payer known. What is left out is not known.")
class RegisterPayerInput:
    full_name: str = said("The name.")
    id: strawberry.ID | None = said("Its id, to say anew who it is; a new one when absent.", default=None)
    kind: PayerKind = said("A person or a company.", default=PayerKind.COMPANY)
    address: str | None = said("Street and number.", default=None)
    postal_code: str | None = said("Postal code.", default=None)
    city: str | None = said("City.", default=None)
    country: str = said("ISO 3166, two capitals.", default="FR")
    vat_number: str | None = said("VAT number.", default=None)
    siren: str | None = said("SIREN, nine digits.", default=None)
    email: str | None = said("Where invoices go.", default=None)
    payment_days: int = said("Days until payment is due.", default=30)
    time_zone: str = said("Whose months its statements follow.", default="Europe/Paris")
    split: StatementSplit = said("How statements are split.", default=StatementSplit.PAYER)
    seller_id: strawberry.ID = said("Who issues its invoices.", default="main")


@strawberry.input(description="Say who issues invoices. What the law wants and is missing is asked for at issue.")
class RegisterSellerInput:
    name: str = said("The name.")
    id: strawberry.ID = said("Its id.", default="main")
    legal_form: str | None = said("SAS, SARL, SA, …", default=None)
    capital: str | None = said("As it is printed: 10 000 €.", default=None)
    siren: str | None = said("SIREN, nine digits.", default=None)
    rcs: str | None = said("Where it is registered: RCS Paris.", default=None)
    vat_number: str | None = said("VAT number.", default=None)
    vat_exemption: str | None = said("Why there is no VAT: TVA non applicable, art. 293 B du CGI.", default=None)
    address: str | None = said("Street and number.", default=None)
    postal_code: str | None = said("Postal code.", default=None)
    city: str | None = said("City.", default=None)
    country: str = said("ISO 3166, two capitals.", default="FR")
    email: str | None = said("Whom to ask.", default=None)
    iban: str | None = said("Where to pay.", default=None)
    penalty: str | None = said("The rate of late payment: trois fois le taux d'intérêt légal.", default=None)
    early_payment: str | None = said("Terms of early payment: pas d'escompte.", default=None)
    recovery: Decimal = said("The indemnity for recovery that companies owe.", default=Decimal(40))
    vat_on_debits: bool = said("VAT is due when it is invoiced (option pour les débits).", default=False)
    invoice_prefix: str = said("What numbers of invoices begin with.", default="F")
    credit_prefix: str = said("What numbers of credit notes begin with.", default="A")


@strawberry.input(description="Let a payer pay for a driver or for a badge group.")
class GrantSponsorshipInput:
    payer_id: strawberry.ID = said("Who pays.")
    driver_id: strawberry.ID | None = said("For this driver.", default=None)
    group: str | None = said("For this badge group.", default=None)
    cost_centre: str | None = said("Where the payer books it.", default=None)
    employer: bool = said("The payer employs whoever charges: benefits in kind are valued.", default=False)
    starts_at: DateTime | None = said("For charges that begin from then on; now when absent.", default=None)
    ends_at: DateTime | None = said("For charges that begin before.", default=None)


@strawberry.input(description="End a sponsorship.")
class EndSponsorshipInput:
    id: strawberry.ID = said("Which one.")
    ends_at: DateTime | None = said("For charges that begin from then on; now when absent.", default=None)


@strawberry.input(description="Agree on what a driver gets for energy from the own meter.")
class AgreeAllowanceInput:
    driver_id: strawberry.ID = said("The driver.")
    station_id: strawberry.ID = said("The station at home.")
    rate: Decimal = said("For a kWh.")
    starts_on: date = said("The first day.")
    legal_basis: str = said("The contract, the law.")
    currency: str = said("ISO 4217.", default="EUR")
    ends_on: date | None = said("The last day.", default=None)
    without_badge: bool = said("Charges without a badge are the driver's, too.", default=False)


@strawberry.input(description="End an allowance.")
class EndAllowanceInput:
    id: strawberry.ID = said("Which one.")
    ends_on: date = said("Its last day.")


@strawberry.input(description="Say which share of what a charge costs counts as a benefit in kind.")
class RuleBenefitInput:
    id: strawberry.ID = said("Its id; saying it again replaces the rule.")
    percent: Decimal = said("Of the cost with VAT.")
    starts_on: date = said("The first day.")
    legal_basis: str = said("The law.")
    ends_on: date | None = said("The last day.", default=None)
    sites: list[strawberry.ID] = said("Only at these sites; none: everywhere.", default_factory=list)


@strawberry.input(description="Let a rule of benefits hold for no day any more.")
class RepealBenefitInput:
    id: strawberry.ID = said("The rule.")


@strawberry.type
class PayerMutation:
    @strawberry.mutation(description="Make a payer known; with an id, say anew who it is.")
    async def register_payer(self, info: strawberry.Info, input: RegisterPayerInput) -> Payer:
        who = asker(info)
        own = {name: getattr(input, name) for name in Details.__struct_fields__ if name not in ("kind", "split")}
        choices: dict[str, Any] = {"kind": input.kind.value, "split": input.split.value}
        details = Details(**choices, **own)
        return payer_told(await who.parts.payers.register(input.id, details, who.name))

    @strawberry.mutation(description="Say who issues invoices; documents that were issued keep what was said then.")
    async def register_seller(self, info: strawberry.Info, input: RegisterSellerInput) -> Seller:
        who = asker(info)
        details = SellerDetails(**{name: getattr(input, name) for name in SellerDetails.__struct_fields__})
        return seller_told(await who.parts.payers.register_seller(input.id, details, who.name))

    @strawberry.mutation(description="Let a payer pay for a driver or a badge group, from a time on.")
    async def grant_sponsorship(self, info: strawberry.Info, input: GrantSponsorshipInput) -> Sponsorship:
        who = asker(info)
        wish: dict[str, Any] = {name: getattr(input, name) for name in GRANTED[1:]}
        return sponsorship_told(await who.parts.payers.grant(by=who.name, **wish))

    @strawberry.mutation(description="Let a payer pay for no charge that begins from a time on.")
    async def end_sponsorship(self, info: strawberry.Info, input: EndSponsorshipInput) -> Sponsorship:
        who = asker(info)
        return sponsorship_told(await who.parts.payers.end_sponsorship(input.id, input.ends_at, who.name))

    @strawberry.mutation(description="Agree on what a driver gets for a kWh from the own meter.")
    async def agree_allowance(self, info: strawberry.Info, input: AgreeAllowanceInput) -> Allowance:
        who = asker(info)
        wish: dict[str, Any] = {name: getattr(input, name) for name in (*AGREED, "ends_on")}
        return allowance_told(await who.parts.payers.agree(by=who.name, **wish))

    @strawberry.mutation(description="Set the last day of an allowance.")
    async def end_allowance(self, info: strawberry.Info, input: EndAllowanceInput) -> Allowance:
        who = asker(info)
        return allowance_told(await who.parts.payers.end_allowance(input.id, input.ends_on, who.name))

    @strawberry.mutation(description="Say by which share charges paid by an employer count as a benefit in kind.")
    async def rule_benefit(self, info: strawberry.Info, input: RuleBenefitInput) -> BenefitRule:
        who, wish = asker(info), (input.percent, input.starts_on, input.ends_on, tuple(input.sites), input.legal_basis)
        made = await who.parts.payers.rule(input.id, *wish, who.name)
        names = ("percent", "starts_on", "ends_on", "legal_basis")
        own: dict[str, Any] = {name: getattr(made.said, name) for name in names}
        return BenefitRule(id=input.id, sites=input.sites, repealed=False, **own)

    @strawberry.mutation(description="Let a rule hold for no day any more; what was valued by it stays.")
    async def repeal_benefit(self, info: strawberry.Info, input: RepealBenefitInput) -> strawberry.ID:
        who = asker(info)
        await who.parts.payers.repeal(input.id, who.name)
        return input.id
