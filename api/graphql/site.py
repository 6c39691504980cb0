"""Sites: where stations are."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any

import msgspec
import strawberry

from api.graphql.command import said
from api.graphql.context import asker
from api.graphql.page import Connection, listed
from api.graphql.scalar import DateTime
from domain.site import Details, Premises
from projections import site as view


@strawberry.enum(description="Where a site is (implantation_station).")
class SiteSetting(Enum):
    STREET = strawberry.enum_value("STREET", description="Voirie.")
    PUBLIC_CAR_PARK = strawberry.enum_value("PUBLIC_CAR_PARK", description="Parking public.")
    OPEN_PRIVATE_CAR_PARK = strawberry.enum_value("OPEN_PRIVATE_CAR_PARK", description="Parking privé à usage public.")
    CUSTOMER_CAR_PARK = strawberry.enum_value("CUSTOMER_CAR_PARK", description="Parking privé réservé à la clientèle.")
    RAPID_STATION = strawberry.enum_value("RAPID_STATION", description="Station dédiée à la recharge rapide.")


@strawberry.enum(description="Who may come in (condition_acces).")
class SiteEntry(Enum):
    FREE = strawberry.enum_value("FREE", description="Accès libre.")
    RESTRICTED = strawberry.enum_value("RESTRICTED", description="Accès réservé.")


@strawberry.enum(description="How a site is connected to the grid (raccordement).")
class GridConnection(Enum):
    DIRECT = strawberry.enum_value("DIRECT", description="A delivery point of its own.")
    INDIRECT = strawberry.enum_value("INDIRECT", description="Behind somebody else's.")


ENUMS = {"setting": SiteSetting, "entry": SiteEntry, "connection": GridConnection}


@strawberry.type(description="What the public is told of a site (IRVE); null: not said.")
class SitePremises:
    owner: str | None = strawberry.field(description="nom_amenageur: who owns it.")
    owner_siren: str | None = strawberry.field(description="siren_amenageur: nine digits with a check sum.")
    owner_contact: str | None = strawberry.field(description="contact_amenageur: an e-mail address.")
    operator_contact: str | None = strawberry.field(description="contact_operateur: an e-mail address.")
    operator_phone: str | None = strawberry.field(description="telephone_operateur, such as +33123456789.")
    brand: str | None = strawberry.field(description="nom_enseigne: the commercial name of the network.")
    pool_id: str | None = strawberry.field(description="id_station_itinerance: FRXXXP…, or Non concerné.")
    local_id: str | None = strawberry.field(description="id_station_local.")
    setting: SiteSetting | None = strawberry.field(description="implantation_station.")
    insee: str | None = strawberry.field(description="code_insee_commune.")
    longitude: Decimal | None = strawberry.field(description="WGS84, degrees east (coordonneesXY).")
    latitude: Decimal | None = strawberry.field(description="WGS84, degrees north (coordonneesXY).")
    entry: SiteEntry | None = strawberry.field(description="condition_acces.")
    hours: str | None = strawberry.field(description="horaires: 24/7, or like Mo-Fr 08:00-18:00.")
    two_wheelers: bool | None = strawberry.field(description="station_deux_roues: only for two-wheelers.")
    connection: GridConnection | None = strawberry.field(description="raccordement.")
    delivery_point: str | None = strawberry.field(description="num_pdl: 14 digits at ENEDIS.")
    opened_on: date | None = strawberry.field(description="date_mise_en_service.")


def premises(said: Premises | None) -> SitePremises | None:
    if said is None:
        return None
    own = msgspec.structs.asdict(said)
    words = {name: kind(own[name]) if own[name] else None for name, kind in ENUMS.items()}
    return SitePremises(**own | words)


@strawberry.type(description="A place with stations.")
class Site:
    id: strawberry.ID = strawberry.field(description="As stations name it.")
    name: str | None = strawberry.field(description="What people call it.")
    address: str | None = strawberry.field(description="Street and number.")
    postal_code: str | None = strawberry.field(description="Postal code.")
    city: str | None = strawberry.field(description="City.")
    country: str | None = strawberry.field(description="ISO 3166, two letters.")
    time_zone: str | None = strawberry.field(description="IANA name; null: that of the settings (BORNIER_TIME_ZONE).")
    operator: str | None = strawberry.field(description="Who runs it.")
    registered_at: DateTime | None = strawberry.field(description="When it was registered, the last time.")
    premises: SitePremises | None = strawberry.field(description="What the public is told of it; null: nothing yet.")


def site(row: Any) -> Site:
    said = None if row.premises is None else premises(msgspec.convert(row.premises, Premises))
    own = {name: getattr(row, name) for name in view.DETAILS}
    return Site(id=row.id, registered_at=row.registered_at, premises=said, **own)


@strawberry.type
class SiteQuery:
    @strawberry.field(description="One site.")
    async def site(self, info: strawberry.Info, id: strawberry.ID) -> Site | None:
        found = (await asker(info).reads.run(lambda c: view.by_id(c, [id]))).get(id)
        return site(found) if found is not None else None

    @strawberry.field(description="Registered sites in the order of their ids.")
    async def sites(
        self,
        info: strawberry.Info,
        first: int | None = 50,
        after: str | None = None,
        search: str | None = None,
    ) -> Connection[Site]:
        return await listed(info, "site", view.sites(search), view.SITE, site, first, after)


@strawberry.input(description="What the public is told of a site (IRVE): what is not said is forgotten.")
class SitePremisesInput:
    owner: str | None = said("nom_amenageur: who owns it.", default=None)
    owner_siren: str | None = said("siren_amenageur: nine digits with a check sum.", default=None)
    owner_contact: str | None = said("contact_amenageur: an e-mail address.", default=None)
    operator_contact: str | None = said("contact_operateur: an e-mail address.", default=None)
    operator_phone: str | None = said("telephone_operateur, such as 01 23 45 67 89.", default=None)
    brand: str | None = said("nom_enseigne: the commercial name of the network.", default=None)
    pool_id: str | None = said("id_station_itinerance: FRXXXP…, or Non concerné.", default=None)
    local_id: str | None = said("id_station_local; needed where there is no roaming.", default=None)
    setting: SiteSetting | None = said("implantation_station.", default=None)
    insee: str | None = said("code_insee_commune, which is not the postal code.", default=None)
    longitude: Decimal | None = said("WGS84, degrees east.", default=None)
    latitude: Decimal | None = said("WGS84, degrees north.", default=None)
    entry: SiteEntry | None = said("condition_acces.", default=None)
    hours: str | None = said("horaires: 24/7, or like Mo-Fr 08:00-18:00.", default=None)
    two_wheelers: bool | None = said("station_deux_roues: only for two-wheelers.", default=None)
    connection: GridConnection | None = said("raccordement.", default=None)
    delivery_point: str | None = said("num_pdl: 14 digits at ENEDIS.", default=None)
    opened_on: date | None = said("date_mise_en_service.", default=None)


@strawberry.input(description="Make a site known, or say anew what it is: what is not said is forgotten.")
class RegisterSiteInput:
    id: strawberry.ID = said("As stations name it.")
    name: str | None = said("What people call it.", default=None)
    address: str | None = said("Street and number.", default=None)
    postal_code: str | None = said("Postal code.", default=None)
    city: str | None = said("City.", default=None)
    country: str | None = said("ISO 3166, two capitals.", default=None)
    time_zone: str | None = said("IANA name, such as Europe/Paris: tariffs speak of its clock.", default=None)
    operator: str | None = said("Who runs it.", default=None)
    premises: SitePremisesInput | None = said("What the public is told of it; as it was when absent.", default=None)


@strawberry.type
class SiteMutation:
    @strawberry.mutation(description="Make a site known, with its address and its time zone.")
    async def register_site(self, info: strawberry.Info, input: RegisterSiteInput) -> Site:
        who = asker(info)
        details = Details(**{name: getattr(input, name) for name in view.DETAILS})
        told = None if input.premises is None else declared(input.premises)
        made = await who.parts.tariffs.register_site(input.id, details, told, who.name)
        own = {name: getattr(made.details, name) for name in view.DETAILS}
        now = DateTime(who.parts.tariffs.clock())
        return Site(id=input.id, registered_at=now, premises=premises(made.premises), **own)


def declared(input: SitePremisesInput) -> Premises:
    own = {name: getattr(input, name) for name in Premises.__struct_fields__}
    return Premises(**own | {name: own[name].value if own[name] else None for name in ENUMS})
