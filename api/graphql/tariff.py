"""Tariffs: their versions, where they hold, and what a charge would cost under them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any

import msgspec
import strawberry
from graphql import GraphQLError

from api.graphql.command import said
from api.graphql.context import asker
from api.graphql.page import Connection, listed
from api.graphql.price import Cost, cost
from api.graphql.scalar import DateTime, Json
from application.price import Offer, Version
from application.quote import Wish, quote
from domain.assignment import Scope
from domain.label import Language, label
from domain.tariff import Terms
from projections import tariff as view


@strawberry.enum(description="A language of price labels.")
class LabelLanguage(Enum):
    FR = strawberry.enum_value("fr", description="French.")
    EN = strawberry.enum_value("en", description="English.")


@strawberry.enum(description="A version of OCPI.")
class OcpiVersion(Enum):
    OCPI221 = strawberry.enum_value("2.2.1", description="OCPI 2.2.1.")
    OCPI230 = strawberry.enum_value("2.3.0", description="OCPI 2.3.0.")


LANGUAGES: dict[LabelLanguage, Language] = {LabelLanguage.FR: "fr", LabelLanguage.EN: "en"}
OCPI = {OcpiVersion.OCPI221: "2.2.1", OcpiVersion.OCPI230: "2.3.0"}


@strawberry.type(description="A price of an element.")
class TariffComponent:
    type: str = strawberry.field(description="ENERGY (per kWh), TIME or PARKING_TIME (per hour) or FLAT (once).")
    price: Decimal = strawberry.field(description="The price, with VAT only if the tariff says so.")
    vat_percent: Decimal | None = strawberry.field(description="VAT; null: none.")
    step_size: int = strawberry.field(description="Quantities are rounded up to it once: Wh or s.")


@strawberry.type(description="Some prices, and when they hold: the first element that holds counts, for each type.")
class TariffElement:
    components: list[TariffComponent] = strawberry.field(description="The prices.")
    restriction: Json | None = strawberry.field(description="What must be true; null: always. Units are in the names.")


@strawberry.type(description="A least or most total; the sides are independent.")
class TariffLimit:
    excl_vat: Decimal | None = strawberry.field(description="Without VAT.")
    incl_vat: Decimal | None = strawberry.field(description="With VAT.")


@strawberry.type(description="A text for drivers.")
class TariffText:
    language: str = strawberry.field(description="ISO 639-1.")
    text: str = strawberry.field(description="What they read.")


@strawberry.type(description="What a tariff says in one version. It is never edited.")
class TariffVersion:
    tariff_id: strawberry.ID = strawberry.field(description="The tariff.")
    version: int = strawberry.field(description="1, 2, 3, …")
    published_at: DateTime = strawberry.field(description="When it was published.")
    terms: strawberry.Private[Terms]

    @strawberry.field(description="ISO 4217.")
    def currency(self) -> str:
        return self.terms.currency

    @strawberry.field(description="AD_HOC_PAYMENT, PROFILE_CHEAP, …; null: for every charge.")
    def type(self) -> str | None:
        return self.terms.type

    @strawberry.field(description="NO, YES or N/A: do prices hold the VAT?")
    def tax_included(self) -> str:
        return self.terms.tax_included

    @strawberry.field(description="The elements in order.")
    def elements(self) -> list[TariffElement]:
        return [
            TariffElement(
                components=[
                    TariffComponent(**{name: getattr(each, name) for name in each.__struct_fields__})
                    for each in element.components
                ],
                restriction=Json(msgspec.to_builtins(element.restriction)) if element.restriction else None,
            )
            for element in self.terms.elements
        ]

    @strawberry.field(description="A charge costs at least this.")
    def min_price(self) -> TariffLimit | None:
        return limit(self.terms.min_price)

    @strawberry.field(description="A charge costs at most this.")
    def max_price(self) -> TariffLimit | None:
        return limit(self.terms.max_price)

    @strawberry.field(description="It holds from then on; null: from its publication.")
    def starts_at(self) -> DateTime | None:
        return None if self.terms.starts_at is None else DateTime(self.terms.starts_at)

    @strawberry.field(description="It holds until then.")
    def ends_at(self) -> DateTime | None:
        return None if self.terms.ends_at is None else DateTime(self.terms.ends_at)

    @strawberry.field(description="Texts for drivers.")
    def texts(self) -> list[TariffText]:
        return [TariffText(language=text.language, text=text.text) for text in self.terms.texts]

    @strawberry.field(description="Where drivers find more.")
    def url(self) -> str | None:
        return self.terms.url

    @strawberry.field(description="The prices as a driver reads them before charging, with VAT (AFIR).")
    def label(
        self, info: strawberry.Info, at: DateTime | None = None, language: LabelLanguage = LabelLanguage.FR
    ) -> str:
        book, now = asker(info).parts.prices.book, at or asker(info).parts.tariffs.clock()
        offer = book.offered(self.tariff_id, Version(self.version, self.terms), None, now)
        return label(offer.calendar, now, LANGUAGES[language])

    @strawberry.field(description="The same as an OCPI tariff.")
    def ocpi(self, info: strawberry.Info, version: OcpiVersion = OcpiVersion.OCPI221) -> Json:
        write = asker(info).parts.tariffs.write
        return Json(write(self.tariff_id, self.terms, self.published_at, OCPI[version]))


def limit(said: Any) -> TariffLimit | None:
    return TariffLimit(excl_vat=said.excl_vat, incl_vat=said.incl_vat) if said else None


def tariff_version(row: Any) -> TariffVersion:
    terms = msgspec.convert(row.terms, Terms)
    return TariffVersion(tariff_id=row.tariff_id, version=row.version, published_at=row.published_at, terms=terms)


@strawberry.type(description="What a charge costs, and why, with all its versions.")
class Tariff:
    id: strawberry.ID = strawberry.field(description="Its id.")
    version: int = strawberry.field(description="The newest version.")
    currency: str = strawberry.field(description="ISO 4217.")
    current: TariffVersion = strawberry.field(description="What the newest version says.")
    withdrawn_at: DateTime | None = strawberry.field(description="Since when it prices nothing new.")
    withdrawn_reason: str | None = strawberry.field(description="Why.")


def tariff(row: Any) -> Tariff:
    terms = msgspec.convert(row.terms, Terms)
    current = TariffVersion(tariff_id=row.id, version=row.version, published_at=row.published_at, terms=terms)
    names = ("id", "version", "currency", "withdrawn_at", "withdrawn_reason")
    return Tariff(current=current, **{name: getattr(row, name) for name in names})


@strawberry.type(description="Which tariff holds where, for whom and from when; docs/tariff.md says which goes first.")
class TariffAssignment:
    id: strawberry.ID = strawberry.field(description="Its id.")
    tariff_id: strawberry.ID = strawberry.field(description="The tariff.")
    site: strawberry.ID | None = strawberry.field(description="Only at this site.")
    station_id: strawberry.ID | None = strawberry.field(description="Only at this station.")
    evse_id: int | None = strawberry.field(description="Only at this EVSE of it.")
    group: str | None = strawberry.field(description="Only for this group of badges.")
    starts_at: DateTime = strawberry.field(description="For charges that begin from then on.")
    ends_at: DateTime | None = strawberry.field(description="For charges that begin before.")
    revoked_at: DateTime | None = strawberry.field(description="Since when it no longer holds.")


NAMES = ("id", "tariff_id", "site", "station_id", "evse_id", "group", "starts_at", "ends_at", "revoked_at")


def assignment(row: Any) -> TariffAssignment:
    return TariffAssignment(**{name: getattr(row, name) for name in NAMES})


@strawberry.type(description="What a charge would cost that has not happened.")
class Quote:
    cost: Cost = strawberry.field(description="The expected price, line by line.")
    label: str = strawberry.field(description="The prices as a driver reads them, with VAT.")
    assignment_id: strawberry.ID | None = strawberry.field(description="Why this tariff; null: it was named.")


@strawberry.input(description="A charge as somebody imagines it.")
class QuoteInput:
    energy_wh: Decimal = said("Energy, Wh; it flows evenly while the car charges.")
    charging_minutes: int = said("How long the car charges.", default=60)
    parking_minutes: int = said("How long it stays plugged in after that.", default=0)
    reserved_minutes: int = said("How long the EVSE was held before.", default=0)
    at: DateTime | None = said("When it begins; now when absent.", default=None)
    tariff_id: strawberry.ID | None = said("Under this tariff, wherever it holds.", default=None)
    station_id: strawberry.ID | None = said("At this station: under the tariff that holds there.", default=None)
    evse_id: int = said("At this EVSE.", default=1)
    badge: str | None = said("With this badge.", default=None)
    language: LabelLanguage = said("Of the label.", default=LabelLanguage.FR)


def offer_for(info: strawberry.Info, wish: QuoteInput, at: datetime) -> Offer:
    book = asker(info).parts.prices.book
    if wish.tariff_id is not None:
        version = book.version(wish.tariff_id, at)
        found = book.offered(wish.tariff_id, version, wish.station_id, at) if version else None
    elif wish.station_id is not None:
        found = book.offer(wish.station_id, wish.evse_id, wish.badge, at, at)
    else:
        raise GraphQLError("say tariffId or stationId", extensions={"code": "BAD_USER_INPUT"})
    if found is None:
        raise GraphQLError("no tariff holds there at that time", extensions={"code": "BAD_USER_INPUT"})
    return found


@strawberry.type
class TariffQuery:
    @strawberry.field(description="One tariff.")
    async def tariff(self, info: strawberry.Info, id: strawberry.ID) -> Tariff | None:
        found = (await asker(info).reads.run(lambda c: view.by_id(c, [id]))).get(id)
        return tariff(found) if found is not None else None

    @strawberry.field(description="Tariffs in the order of their ids.")
    async def tariffs(
        self,
        info: strawberry.Info,
        first: int | None = 50,
        after: str | None = None,
        search: str | None = None,
        withdrawn: bool | None = None,
    ) -> Connection[Tariff]:
        return await listed(info, "tariff", view.tariffs(search, withdrawn), view.TARIFF, tariff, first, after)

    @strawberry.field(description="The versions of a tariff, the first one first.")
    async def tariff_versions(
        self, info: strawberry.Info, tariff_id: strawberry.ID, first: int | None = 50, after: str | None = None
    ) -> Connection[TariffVersion]:
        return await listed(info, "tariff", view.versions(tariff_id), view.VERSION, tariff_version, first, after)

    @strawberry.field(description="Which tariffs hold where; those that were revoked only when asked for.")
    async def assignments(
        self,
        info: strawberry.Info,
        first: int | None = 50,
        after: str | None = None,
        tariff_id: strawberry.ID | None = None,
        site: strawberry.ID | None = None,
        station_id: strawberry.ID | None = None,
        group: str | None = None,
        revoked: Annotated[bool | None, strawberry.argument(description="Null: all of them.")] = False,
    ) -> Connection[TariffAssignment]:
        query = view.assignments(tariff_id, site, station_id, group, revoked)
        return await listed(info, "tariff", query, view.ASSIGNMENT, assignment, first, after)

    @strawberry.field(description="What a charge would cost: under a tariff, or where it would happen.")
    def quote(self, info: strawberry.Info, input: QuoteInput) -> Quote:
        at = input.at or asker(info).parts.tariffs.clock()
        offer = offer_for(info, input, at)
        minutes = (input.charging_minutes, input.parking_minutes, input.reserved_minutes)
        found = cost(quote(offer, at, Wish(input.energy_wh, *minutes)))
        assert found is not None
        text = label(offer.calendar, at, LANGUAGES[input.language])
        assignment_id = strawberry.ID(offer.assignment_id) if offer.assignment_id else None
        return Quote(cost=found, label=text, assignment_id=assignment_id)


@strawberry.input(description="Publish a version of a tariff.")
class PublishTariffInput:
    ocpi: Json = said("The tariff as OCPI 2.2.1 or 2.3.0 writes it.")
    id: strawberry.ID | None = said("Its id; that of the document when absent.", default=None)


@strawberry.input(description="Let a tariff price nothing new.")
class WithdrawTariffInput:
    id: strawberry.ID = said("The tariff.")
    reason: str | None = said("Why.", default=None)


@strawberry.input(description="Let a tariff hold somewhere, for somebody; nothing said: everywhere, for everybody.")
class AssignTariffInput:
    tariff_id: strawberry.ID = said("The tariff.")
    site: strawberry.ID | None = said("Only at this site.", default=None)
    station_id: strawberry.ID | None = said("Only at this station.", default=None)
    evse_id: int | None = said("Only at this EVSE of it.", default=None)
    group: str | None = said("Only for this group of badges.", default=None)
    starts_at: DateTime | None = said("For charges that begin from then on; now when absent.", default=None)
    ends_at: DateTime | None = said("For charges that begin before.", default=None)


@strawberry.input(description="Take an assignment back.")
class UnassignTariffInput:
    id: strawberry.ID = said("The assignment.")


def told(made: Any, at: datetime) -> Tariff:
    """A tariff as it has just been decided on."""
    assert made.terms is not None
    current = TariffVersion(
        tariff_id=made.tariff_id, version=made.number, published_at=DateTime(made.published_at or at), terms=made.terms
    )
    return Tariff(
        id=made.tariff_id,
        version=made.number,
        currency=made.terms.currency,
        current=current,
        withdrawn_at=made.withdrawn_at,
        withdrawn_reason=made.withdrawn_reason,
    )


def noted(made: Any) -> TariffAssignment:
    """An assignment as it has just been decided on."""
    place = {name: getattr(made.scope, name) for name in ("site", "station_id", "evse_id", "group")}
    times = {name: getattr(made, name) for name in ("starts_at", "ends_at", "revoked_at")}
    return TariffAssignment(id=made.assignment_id, tariff_id=made.tariff_id, **place, **times)


@strawberry.type
class TariffMutation:
    @strawberry.mutation(description="Publish a version of a tariff; charges that run keep the one they began with.")
    async def publish_tariff(self, info: strawberry.Info, input: PublishTariffInput) -> Tariff:
        who = asker(info)
        made = await who.parts.tariffs.publish(input.id, input.ocpi, who.name)
        return told(made, who.parts.tariffs.clock())

    @strawberry.mutation(description="Let a tariff price no charge that begins from now on.")
    async def withdraw_tariff(self, info: strawberry.Info, input: WithdrawTariffInput) -> Tariff:
        who = asker(info)
        made = await who.parts.tariffs.withdraw(input.id, input.reason, who.name)
        return told(made, who.parts.tariffs.clock())

    @strawberry.mutation(description="Let a tariff hold somewhere, for somebody, from a time on.")
    async def assign_tariff(self, info: strawberry.Info, input: AssignTariffInput) -> TariffAssignment:
        who = asker(info)
        scope = Scope(site=input.site, station_id=input.station_id, evse_id=input.evse_id, group=input.group)
        return noted(await who.parts.tariffs.assign(input.tariff_id, scope, input.starts_at, input.ends_at, who.name))

    @strawberry.mutation(description="Take an assignment back: it holds for no charge that begins from now on.")
    async def unassign_tariff(self, info: strawberry.Info, input: UnassignTariffInput) -> TariffAssignment:
        who = asker(info)
        return noted(await who.parts.tariffs.revoke(input.id, who.name))
