"""IRVE: a charge point as the national access point wants to read it (schema-irve 2.3, static and dynamic).

What a station says of its connectors becomes two words for the public. A point that is out of order, or that nobody
hears of, is never said to be occupied.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Literal, NamedTuple

from domain.declaration import NOT_ROAMING, unsaid
from domain.point import Equipment, Outlet, Socket
from domain.site import Details, Premises
from domain.territory import situated

SCHEMA = "2.3.0"
STATIC = (
    "nom_amenageur", "siren_amenageur", "contact_amenageur", "nom_operateur", "contact_operateur",
    "telephone_operateur", "nom_enseigne", "id_station_itinerance", "id_station_local", "nom_station",
    "implantation_station", "adresse_station", "code_insee_commune", "coordonneesXY", "nbre_pdc", "id_pdc_itinerance",
    "id_pdc_local", "puissance_nominale", "prise_type_ef", "prise_type_2", "prise_type_combo_ccs",
    "prise_type_chademo", "prise_type_autre", "gratuit", "paiement_acte", "paiement_cb", "paiement_autre",
    "tarification", "condition_acces", "reservation", "horaires", "accessibilite_pmr", "restriction_gabarit",
    "station_deux_roues", "raccordement", "num_pdl", "date_mise_en_service", "observations", "date_maj",
    "cable_t2_attache",
)  # fmt: skip
DYNAMIC = (
    "id_pdc_itinerance", "etat_pdc", "occupation_pdc", "horodatage", "etat_prise_type_2", "etat_prise_type_combo_ccs",
    "etat_prise_type_chademo", "etat_prise_type_ef",
)  # fmt: skip
SETTINGS = {
    "STREET": "Voirie",
    "PUBLIC_CAR_PARK": "Parking public",
    "OPEN_PRIVATE_CAR_PARK": "Parking privé à usage public",
    "CUSTOMER_CAR_PARK": "Parking privé réservé à la clientèle",
    "RAPID_STATION": "Station dédiée à la recharge rapide",
}
ENTRIES = {"FREE": "Accès libre", "RESTRICTED": "Accès réservé"}
CONNECTIONS = {"DIRECT": "Direct", "INDIRECT": "Indirect"}
ACCESSIBILITIES = {
    "RESERVED": "Réservé PMR",
    "ACCESSIBLE": "Accessible mais non réservé PMR",
    "NOT_ACCESSIBLE": "Non accessible",
    "UNKNOWN": "Accessibilité inconnue",
}
SOCKETS: dict[Socket, str] = {
    "EF": "prise_type_ef",
    "TYPE_2": "prise_type_2",
    "COMBO_CCS": "prise_type_combo_ccs",
    "CHADEMO": "prise_type_chademo",
    "OTHER": "prise_type_autre",
}
STATED: tuple[Socket, ...] = ("TYPE_2", "COMBO_CCS", "CHADEMO", "EF")
"""Sockets whose state is a column of the dynamic file, in its order."""

SITE_NEEDS = {"name": "nom_station", "address": "adresse_station"}
PREMISES_NEEDS = {
    "operator_contact": "contact_operateur", "brand": "nom_enseigne", "pool_id": "id_station_itinerance",
    "setting": "implantation_station", "longitude": "coordonneesXY", "entry": "condition_acces", "hours": "horaires",
    "two_wheelers": "station_deux_roues", "connection": "raccordement",
}  # fmt: skip
"""What the file cannot do without; `raccordement` because QualiCharge refuses a line without it."""
POINT_NEEDS = {
    "evse_uid": "id_pdc_itinerance", "power_kw": "puissance_nominale", "pay_per_use": "paiement_acte",
    "bookable": "reservation", "accessibility": "accessibilite_pmr", "size_limit": "restriction_gabarit",
}  # fmt: skip
WANTED = {
    "owner": "nom_amenageur", "owner_siren": "siren_amenageur", "owner_contact": "contact_amenageur",
    "operator_phone": "telephone_operateur", "insee": "code_insee_commune",
}  # fmt: skip
"""What QualiCharge wants besides."""

Cell = str | bool | int | None
Health = Literal["en_service", "hors_service", "inconnu"]
Use = Literal["libre", "occupe", "reserve", "inconnu"]
Severity = Literal["MISSING", "WANTED", "DOUBTFUL"]
BROKEN = frozenset({"UNAVAILABLE", "FAULTED"})
BUSY = frozenset({"PREPARING", "CHARGING", "SUSPENDED_EV", "SUSPENDED_EVSE", "FINISHING", "OCCUPIED"})


class Declared(NamedTuple):
    """All that was declared of one charge point. `points`: how many its site has; `updated_on`: the latest word."""

    station_id: str
    evse_id: int
    site_id: str | None
    details: Details | None
    premises: Premises | None
    equipment: Equipment
    points: int
    updated_on: date
    twin: str | None = None
    """Another point with the same id, as `station, EVSE n`."""


class Gap(NamedTuple):
    """MISSING: not published without it. WANTED: refused by QualiCharge. DOUBTFUL: published, somebody should look."""

    severity: Severity
    field: str
    column: str | None
    reason: str


class Said(NamedTuple):
    """What a station last said of a connector (connector 0 of EVSE 0: of itself)."""

    evse_id: int
    connector_id: int
    status: str
    at: datetime


class State(NamedTuple):
    """One charge point, now."""

    health: Health
    use: Use
    at: datetime
    sockets: dict[Socket, Literal["fonctionnel", "hors_service", "inconnu"]]


def static_record(point: Declared, pricing: str | None = None) -> dict[str, Cell]:
    """The 40 columns of a point; `pricing` is the label of its tariff, for where nobody wrote anything else."""
    details, site, own = point.details or Details(), point.premises or Premises(), point.equipment
    has = {outlet.socket for outlet in own.outlets}
    town = " ".join(part for part in (details.postal_code, details.city) if part)
    address = " ".join(part for part in (details.address, town) if part)
    cables = [outlet.tethered for outlet in own.outlets if outlet.socket == "TYPE_2" and outlet.tethered is not None]
    place = None if site.longitude is None or site.latitude is None else f"[{site.longitude:f},{site.latitude:f}]"
    return dict(zip(STATIC, (
        site.owner, site.owner_siren, site.owner_contact, details.operator, site.operator_contact,
        site.operator_phone, site.brand, site.pool_id, site.local_id, details.name,
        SETTINGS[site.setting] if site.setting else None, address or None, site.insee, place, point.points,
        own.evse_uid, own.local_id, None if own.power_kw is None else f"{own.power_kw:f}",
        *(socket in has for socket in SOCKETS), own.free, own.pay_per_use, own.pay_by_card, own.pay_otherwise,
        own.pricing or pricing, ENTRIES[site.entry] if site.entry else None, own.bookable, site.hours,
        ACCESSIBILITIES[own.accessibility] if own.accessibility else None, own.size_limit, site.two_wheelers,
        CONNECTIONS[site.connection] if site.connection else None, site.delivery_point,
        None if site.opened_on is None else site.opened_on.isoformat(), own.remarks, point.updated_on.isoformat(),
        any(cables) if cables else None,
    ), strict=True))  # fmt: skip


def publishable(point: Declared) -> bool:
    """Does it have all that a line of the static file needs?"""
    return not any(gap.severity == "MISSING" for gap in gaps(point))


def gaps(point: Declared) -> Iterator[Gap]:
    """What somebody should still say of a point, or look at."""
    site, own = point.premises, point.equipment
    if point.site_id is None:
        yield Gap("MISSING", "site", None, "say at which site it is, or register its station at one")
    missing = (*unsaid(point.details, SITE_NEEDS), *unsaid(site, PREMISES_NEEDS), *unsaid(own, POINT_NEEDS))
    for name, column in missing:
        yield Gap("MISSING", name, column, "is not said")
    if not own.outlets:
        yield Gap("MISSING", "outlets", "prise_type_2", "say which sockets it has")
    for name, column in (*unsaid(point.details, {"operator": "nom_operateur"}), *unsaid(site, WANTED)):
        yield Gap("WANTED", name, column, "is not said")
    if point.twin is not None:
        yield Gap("MISSING", "evse_uid", "id_pdc_itinerance", f"is also that of {point.twin}")
    if site is not None:
        yield from contradictions(site, own)


def contradictions(site: Premises, own: Equipment) -> Iterator[Gap]:
    """Fields that do not go together."""
    ids = site.pool_id, own.evse_uid
    if site.pool_id == NOT_ROAMING and site.local_id is None:
        yield Gap("MISSING", "local_id", "id_station_local", "is needed where the site has no id for roaming")
    if None not in ids and NOT_ROAMING not in ids and str(ids[0])[:5] != str(ids[1])[:5]:
        yield Gap("MISSING", "evse_uid", "id_pdc_itinerance", f"must begin like the id of its site, {str(ids[0])[:5]}")
    if site.connection == "DIRECT" and site.delivery_point is None:
        yield Gap("WANTED", "delivery_point", "num_pdl", "is needed where the site has a grid connection of its own")
    if site.delivery_point is not None and not (site.delivery_point.isdigit() and len(site.delivery_point) == 14):
        yield Gap("DOUBTFUL", "delivery_point", "num_pdl", "has 14 digits in the network of ENEDIS")
    if not settled(site):
        yield Gap("DOUBTFUL", "longitude", "coordonneesXY", "is outside of France, or very near to its border")
    if own.free and own.pricing:
        yield Gap("DOUBTFUL", "pricing", "tarification", "it is free of charge, and has a price")


def settled(site: Premises) -> bool:
    """Is its place well inside of France, as far as we know it?"""
    if site.longitude is None or site.latitude is None:
        return True
    return situated((float(site.longitude), float(site.latitude))) == "inside"


def state(own: Equipment, evse_id: int, said: Iterable[Said], lost_at: datetime | None, since: datetime) -> State:
    """What the public is told of a point now. `lost_at`: since when nobody hears of its station.

    `since` is the time to tell where nothing was ever said.

    Several connectors: occupied if one is, out of order only if all are. What the station says of itself (EVSE 0)
    holds for all of its points where it is out of order.
    """
    known = list(said)
    whole = [each for each in known if each.evse_id == 0 and each.status in BROKEN]
    mine = [each for each in known if each.evse_id in evses(own, evse_id)]
    present = {outlet.socket: outlet for outlet in own.outlets if outlet.socket in STATED}
    if lost_at is not None or not (mine or whole):
        return State("inconnu", "inconnu", lost_at or since, dict.fromkeys(present, "inconnu"))
    at = max(each.at for each in (*mine, *whole))
    sockets = {socket: working(own, socket, evse_id, mine, bool(whole)) for socket in present}
    if whole or all(each.status in BROKEN for each in mine):
        return State("hors_service", "inconnu", at, sockets)
    statuses = {each.status for each in mine}
    use: Use = "occupe" if statuses & BUSY else "reserve" if "RESERVED" in statuses else "libre"
    return State("en_service", use, at, sockets)


def evses(own: Equipment, evse_id: int) -> set[int]:
    """The EVSEs of OCPP whose connectors are those of a point."""
    return {evse_id} | {outlet.evse_id for outlet in own.outlets if outlet.evse_id is not None}


def working(
    own: Equipment, socket: Socket, evse_id: int, mine: Sequence[Said], broken: bool
) -> Literal["fonctionnel", "hors_service", "inconnu"]:
    """A kind of socket works while one of that kind does."""
    about = [each.status for outlet in own.outlets if outlet.socket == socket for each in of(outlet, evse_id, mine)]
    if broken:
        return "hors_service"
    if not about:
        return "inconnu"
    return "hors_service" if all(status in BROKEN for status in about) else "fonctionnel"


def of(outlet: Outlet, evse_id: int, mine: Sequence[Said]) -> list[Said]:
    """What was said of the connector behind an outlet."""
    here = [each for each in mine if each.evse_id == (outlet.evse_id or evse_id)]
    return [each for each in here if outlet.connector_id in (None, each.connector_id)]


def dynamic_record(evse_uid: str, now: State) -> dict[str, Cell]:
    """The 8 columns of a point; the state of a socket it does not have is empty."""
    sockets = (now.sockets.get(each) for each in STATED)
    told = (evse_uid, now.health, now.use, now.at.isoformat(timespec="seconds"), *sockets)
    return dict(zip(DYNAMIC, told, strict=True))
