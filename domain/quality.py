"""The quality rules of QualiCharge (their numbers are the administration's). Rules of fields and timing keep an item
from being sent; rules over several items are findings that a person looks at.

Source: MTES-MCT/qualicharge 0.33.1, the models and the quality rules of its API.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from domain.declaration import NOT_ROAMING, luhn
from domain.territory import situated

Broken = tuple[str, str]
"""Number of a rule, and what is wrong in words."""

STATUS_FRESH = timedelta(minutes=5)
STATUS_AGE = timedelta(hours=24)
SESSION_DELAY = timedelta(days=15)
SESSION_AGE = timedelta(days=365)
SESSION_LENGTH = timedelta(days=7)
SILENT = timedelta(days=30)
LEAST_KW, MOST_KW, MOST_KWH = 1.3, 4000, 1000
POWER_MARGIN = 1.1
POINTS_PER_STATION, SESSIONS_PER_DAY, STATUSES_PER_DAY = 50, 60, 1_440
STATIONS_PER_PLACE = 1.5
STATUSES_PER_SESSION = (1, 30)
POINT = re.compile(r"FR[A-Z0-9]{3}E[A-Z0-9]{1,29}")
STATION = re.compile(r"FR[A-Z0-9]{3}P[A-Z0-9]{1,29}")
PHONE = re.compile(r"\+33[1-9]\d{8}", re.ASCII)
PDL = re.compile(r"\d{14}", re.ASCII)
NEEDED = (
    "contact_operateur", "nom_enseigne", "nom_station", "implantation_station", "adresse_station",
    "code_insee_commune", "coordonneesXY", "paiement_acte", "condition_acces", "reservation", "horaires",
    "accessibilite_pmr", "station_deux_roues", "raccordement", "date_maj",
)  # fmt: skip
"""What a record cannot do without, besides what has a rule of its own."""
ALIKE = (
    "nom_amenageur", "siren_amenageur", "contact_amenageur", "nom_operateur", "contact_operateur",
    "telephone_operateur", "nom_enseigne", "nom_station", "implantation_station", "nbre_pdc", "condition_acces",
    "horaires", "station_deux_roues", "date_maj", "num_pdl", "id_station_local", "raccordement",
    "date_mise_en_service", "coordonneesXY",
)  # fmt: skip
"""What all points of a station must say alike; points at one place, address and commune."""


class Limits(NamedTuple):
    """The limits that the administration may change."""

    status_fresh: timedelta = STATUS_FRESH
    status_age: timedelta = STATUS_AGE
    session_delay: timedelta = SESSION_DELAY
    session_age: timedelta = SESSION_AGE


class Finding(NamedTuple):
    """A rule that several items break together. `item`: the one it is about, if it is about one."""

    rule: str
    point: str | None
    words: str
    at: datetime | None = None


def static_broken(record: Mapping[str, Any], today: date) -> Iterator[Broken]:
    """Rules 1, 6, 7, 20, 23, 24, 34, 39 and 55, and what the server refuses without a number (0)."""
    point, station = str(record.get("id_pdc_itinerance") or ""), str(record.get("id_station_itinerance") or "")
    if not POINT.fullmatch(point) and point != NOT_ROAMING:
        yield "24", f"id_pdc_itinerance {point!r} is not of the form FR + 3 + E + …"
    if not STATION.fullmatch(station) and station != NOT_ROAMING:
        yield "23", f"id_station_itinerance {station!r} is not of the form FR + 3 + P + …"
    if NOT_ROAMING not in (point, station) and point[:5] != station[:5]:
        yield "0", "station and charge point have different operating units (first five characters)"
    power = record.get("puissance_nominale")
    if not isinstance(power, int | float) or not power > LEAST_KW:
        yield "39", f"puissance_nominale must be above {LEAST_KW} kW"
    elif not power < MOST_KW:
        yield "1", f"puissance_nominale must be below {MOST_KW} kW"
    for rule, names in (("6", ("nom_operateur", "telephone_operateur")),
                        ("7", ("nom_amenageur", "siren_amenageur", "contact_amenageur"))):  # fmt: skip
        for name in names:
            if not record.get(name):
                yield rule, f"{name} is empty"
    phone = str(record.get("telephone_operateur") or "")
    if phone and not PHONE.fullmatch(phone):
        yield "6", "telephone_operateur is no French number"
    siren = str(record.get("siren_amenageur") or "")
    if siren and not (re.fullmatch(r"\d{9}", siren, re.ASCII) and luhn(siren) and siren != "000000000"):
        yield "55", "siren_amenageur has a wrong check sum"
    pdl, direct = str(record.get("num_pdl") or ""), record.get("raccordement") == "Direct"
    if direct and not pdl:
        yield "20", "a direct connection has a num_pdl"
    elif pdl and direct and not PDL.fullmatch(pdl):
        yield "34", "num_pdl of ENEDIS has 14 digits"
    for name in NEEDED:
        if record.get(name) in (None, ""):
            yield "0", f"{name} is empty"
    if len(str(record.get("restriction_gabarit") or "")) < 2:
        yield "0", "restriction_gabarit has two characters or more"
    if not isinstance(count := record.get("nbre_pdc"), int) or count < 1:
        yield "0", "nbre_pdc must be above 0"
    for name in ("date_maj", "date_mise_en_service"):
        if record.get(name) and str(record[name]) > today.isoformat():
            yield "0", f"{name} is in the future"


def status_broken(status: Mapping[str, Any], now: datetime, limits: Limits) -> Iterator[Broken]:
    """Rules 37 and 43, and the age that the server takes."""
    at = datetime.fromisoformat(status["horodatage"])
    if status["etat_pdc"] in ("hors_service", "inconnu") and status["occupation_pdc"] == "occupe":
        yield "37", "a point that is out of order or unknown is never occupied"
    if at > now:
        yield "0", "horodatage is in the future"
    elif now - at > limits.status_age:
        yield "0", f"horodatage is older than {hours(limits.status_age)}"
    elif now - at >= limits.status_fresh:
        yield "43", f"horodatage is older than {hours(limits.status_fresh)}"


def session_broken(session: Mapping[str, Any], now: datetime, limits: Limits) -> Iterator[Broken]:
    """Rules 11, 14, 15, 40 and 42, and the ages that the server takes."""
    start, end = datetime.fromisoformat(session["start"]), datetime.fromisoformat(session["end"])
    energy = session["energy"]
    if not POINT.fullmatch(session["id_pdc_itinerance"]):
        yield "24", "the point has no id of the form FR + 3 + E + …"
    if not 0 <= energy < MOST_KWH:
        yield "11", f"the energy must be between 0 and {MOST_KWH} kWh"
    if end < start:
        yield "14", "it ends before it starts"
    if end - start > SESSION_LENGTH:
        yield "15", "it lasts longer than 7 days"
    if end == start and energy > 1:
        yield "40", "it lasts no time and has more than 1 kWh"
    if end > now or start > now:
        yield "0", "it is in the future"
    elif now - start > limits.session_age:
        yield "0", f"it is older than {limits.session_age.days} days"
    elif now - start >= limits.session_delay:
        yield "42", f"it is sent {limits.session_delay.days} days after its start or later"


def hours(span: timedelta) -> str:
    minutes = round(span.total_seconds() / 60)
    return f"{minutes // 60} h" if minutes % 60 == 0 else f"{minutes} min"


def park_findings(
    records: Sequence[Mapping[str, Any]], last_status: Mapping[str, datetime], now: datetime
) -> Iterator[Finding]:
    """Rules 2, 3, 30, 46, 47, 48, 51/52, 54, and what one batch must say alike (0)."""
    stations: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    places: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    units: dict[str, set[str]] = defaultdict(set)
    owners: dict[str, set[str]] = defaultdict(set)
    for record in records:
        point = record["id_pdc_itinerance"]
        stations[record["id_station_itinerance"]].append(record)
        places[str(record["coordonneesXY"])].append(record)
        units[point[:5]].add(str(record["nom_operateur"]))
        owners[str(record["siren_amenageur"])].add(str(record["nom_amenageur"]))
        yield from place_findings(record)
        if now - last_status.get(point, now) > SILENT:
            yield Finding(
                "51", point, "nothing was said of its status for a month: decommission it", last_status[point]
            )
    for station, points in stations.items():
        if len(points) >= POINTS_PER_STATION:
            yield Finding("30", None, f"station {station} has {len(points)} charge points")
        if len(points) < max(int(each["nbre_pdc"] or 0) for each in points):
            yield Finding("47", None, f"station {station} declares more charge points than there are ({len(points)})")
        yield from unlike(f"station {station}", points, ALIKE)
    for place, points in places.items():
        yield from unlike(f"place {place}", points, ("adresse_station", "code_insee_commune"))
    if places and len(stations) / len(places) >= STATIONS_PER_PLACE:
        yield Finding("46", None, f"{len(stations)} stations are at {len(places)} places")
    for rule, groups, words in (
        ("48", units, "operators in operating unit"),
        ("54", owners, "names of owners of SIREN"),
    ):
        for key, names in groups.items():
            if len(names) > 1:
                yield Finding(rule, None, f"{len(names)} {words} {key}: {', '.join(sorted(names))}")


def place_findings(record: Mapping[str, Any]) -> Iterator[Finding]:
    point = record["id_pdc_itinerance"]
    if not re.fullmatch(r"([013-9]\d|2[AB1-9])\d{3}", str(record.get("code_insee_commune") or ""), re.ASCII):
        yield Finding("2", point, f"code_insee_commune {record.get('code_insee_commune')!r} is of no commune")
    numbers = re.findall(r"-?\d+(?:\.\d+)?", str(record.get("coordonneesXY") or ""))
    if len(numbers) != 2 or situated((float(numbers[0]), float(numbers[1]))) != "inside":
        yield Finding("3", point, "its coordinates are outside the shapes of France that the server has")


def unlike(what: str, records: Sequence[Mapping[str, Any]], names: Iterable[str]) -> Iterator[Finding]:
    for name in names:
        if len({str(record.get(name)) for record in records}) > 1:
            yield Finding("0", None, f"{what}: its charge points say different {name}; a batch with them is refused")


def point_findings(
    point: str,
    record: Mapping[str, Any] | None,
    statuses: Sequence[Mapping[str, Any]],
    sessions: Sequence[Mapping[str, Any]],
) -> Iterator[Finding]:
    """Rules 10, 13, 17, 21, 22, 38, 44, 49 and 53 of one point; both lists in the order of time."""
    times = [datetime.fromisoformat(each["horodatage"]) for each in statuses]
    spans = [(datetime.fromisoformat(each["start"]), datetime.fromisoformat(each["end"]), each) for each in sessions]
    yield from (Finding("44", point, "two statuses have the same horodatage", at) for at in doubled(times))
    yield from crowded("53", point, "statuses", times, STATUSES_PER_DAY)
    yield from crowded("13", point, "sessions", [start for start, _, _ in spans], SESSIONS_PER_DAY)
    same = [(start, end, each["energy"]) for start, end, each in spans]
    yield from (Finding("17", point, "two sessions are the same", each[0]) for each in doubled(same))
    latest: datetime | None = None
    for start, end, _ in sorted(spans, key=lambda span: span[:2]):
        if latest is not None and start < latest:
            yield Finding("10", point, "two sessions overlap", start)
        latest = end if latest is None else max(latest, end)
    if record is not None:
        yield from powerful(point, float(record["puissance_nominale"]), spans)
    yield from crossed(point, record, statuses, times, spans)


Span = tuple[datetime, datetime, Mapping[str, Any]]


def powerful(point: str, power_kw: float, spans: Sequence[Span]) -> Iterator[Finding]:
    for start, end, each in spans:
        most = power_kw * (end - start).total_seconds() / 3600 * POWER_MARGIN
        if end > start and each["energy"] > most:
            yield Finding(
                "38", point, f"{each['energy']:g} kWh is more than it can give in that time ({most:.1f})", start
            )


def crossed(
    point: str, record: Mapping[str, Any] | None, statuses: Sequence[Mapping[str, Any]],
    times: Sequence[datetime], spans: Sequence[Span],
) -> Iterator[Finding]:  # fmt: skip
    """Rule 22 for every session; 21 and 49 where the administration looks: direct current, connected directly."""
    busy = [at for at, each in zip(times, statuses, strict=True) if each["occupation_pdc"] == "occupe"]
    free = [at for at, each in zip(times, statuses, strict=True) if each["occupation_pdc"] == "libre"]
    for start, end, _ in spans:
        if not near(busy, start) or not near([at for at in free if at >= start], end):
            yield Finding("22", point, "it does not start at an occupe status and end at a libre one", start)
    if record is None or not watched(record):
        return
    for at in busy:
        if not any(start - STATUS_FRESH <= at <= end + STATUS_FRESH for start, end, _ in spans):
            yield Finding("21", point, "an occupe status has no session", at)
    least, most = STATUSES_PER_SESSION
    if spans and not least <= len(statuses) / len(spans) <= most:
        yield Finding("49", point, f"{len(statuses)} statuses for {len(spans)} sessions")


def watched(record: Mapping[str, Any]) -> bool:
    direct_current = record.get("prise_type_combo_ccs") or record.get("prise_type_chademo")
    return bool(direct_current) and record.get("raccordement") == "Direct"


def near(times: Sequence[datetime], at: datetime) -> bool:
    return any(abs(each - at) <= STATUS_FRESH for each in times)


def doubled(values: Iterable[Any]) -> list[Any]:
    return [value for value, times in Counter(values).items() if times > 1]


def crowded(rule: str, point: str, what: str, times: Iterable[datetime], most: int) -> Iterator[Finding]:
    for day, number in Counter(at.date() for at in times).items():
        if number >= most:
            yield Finding(rule, point, f"{number} {what} on {day}")
