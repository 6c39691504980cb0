"""A file in the form of schema-irve (static), read into what we declare of sites and charge points.

Three columns more say where a line belongs: `station_id` (of OCPP), `evse_id` (1 when empty) and `site` (the id of its
site here; its id_station_itinerance or id_station_local when empty).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from application.irve import Fault, Line
from domain.declaration import NOT_ROAMING
from domain.event import Refusal
from domain.irve import ACCESSIBILITIES, CONNECTIONS, ENTRIES, SETTINGS, SOCKETS, STATIC
from domain.point import Equipment, Outlet
from domain.site import Details, Premises

LONGEST = 2_000
OWN = ("station_id", "evse_id", "site")
TRUTHS = {"true": True, "1": True, "oui": True, "vrai": True, "false": False, "0": False, "non": False, "faux": False}
TOWN = re.compile(r"(?P<address>.*?)[, ]+(?P<postal_code>\d{5}) +(?P<city>.+)", re.ASCII)
Cells = Mapping[str, str]


def read(file: bytes) -> tuple[list[Line], list[Fault]]:
    """Raises Refusal for what is no such file."""
    try:
        text = file.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refusal(f"the file is not UTF-8 (byte {error.start})") from None
    head = text.split("\n", 1)[0]
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=";" if head.count(";") > head.count(",") else ",")
    lines: list[Line] = []
    faults: list[Fault] = []
    try:
        names = [name.strip() for name in next(rows, [])]
        check_header(names)
        for row in rows:
            if any(cell.strip() for cell in row):
                read_row(rows.line_num, names, row, lines, faults)
    except csv.Error as error:
        raise Refusal(f"line {rows.line_num}: {error}") from None
    return lines, faults


def check_header(names: list[str]) -> None:
    unknown = sorted(set(names) - {*STATIC, *OWN})
    if unknown:
        raise Refusal(f"columns nobody knows: {', '.join(map(repr, unknown[:10]))}")
    if "station_id" not in names:
        raise Refusal("the column station_id is missing: it says which station of OCPP a line is about")
    if len(set(names)) < len(names):
        raise Refusal("a column is there twice")


def read_row(number: int, names: list[str], row: list[str], lines: list[Line], faults: list[Fault]) -> None:
    """A line, or what is wrong with it: all of it, not only the first."""
    if len(row) > len(names):
        faults.append(Fault(number, f"it has {len(row)} cells, and the header {len(names)}"))
        return
    cells = {name: cell.strip() for name, cell in zip(names, row, strict=False) if cell.strip()}
    if huge := [name for name, cell in cells.items() if len(cell) > LONGEST]:
        faults.append(Fault(number, f"{huge[0]}: longer than {LONGEST:,} characters"))
        return
    reader = Reader(cells)
    line = reader.line(number)
    if reader.wrong:
        faults.append(Fault(number, "; ".join(reader.wrong)))
    else:
        lines.append(line)


class Reader:
    """The cells of one line; what cannot be read is noted, and counts as not said."""

    def __init__(self, cells: Cells) -> None:
        self.cells = cells
        self.wrong: list[str] = []

    def line(self, number: int) -> Line:
        station_id = self.cells.get("station_id", "")
        if not station_id:
            self.wrong.append("station_id: is missing")
        site = self.site()
        return Line(
            number, site, self.details(), self.premises(), station_id, self.evse_id(), self.equipment(site or None)
        )

    def site(self) -> str:
        ids = (self.cells.get(name, NOT_ROAMING) for name in ("site", "id_station_itinerance", "id_station_local"))
        found = next((each for each in ids if each != NOT_ROAMING), None)
        if found is None:
            self.wrong.append("site: say it, or id_station_itinerance, or id_station_local")
        return found or ""

    def evse_id(self) -> int:
        text = self.cells.get("evse_id", "1")
        if not re.fullmatch(r"[1-9]\d{0,3}", text, re.ASCII):
            self.wrong.append(f"evse_id: {text[:20]!r} is no number from 1")
            return 1
        return int(text)

    def details(self) -> Details:
        said = self.cells.get("adresse_station")
        town = TOWN.fullmatch(said) if said else None
        place = town.groupdict() if town else {"address": said}
        return Details(name=self.cells.get("nom_station"), operator=self.cells.get("nom_operateur"), **place)

    def premises(self) -> Premises:
        longitude, latitude = self.place()
        return Premises(
            owner=self.cells.get("nom_amenageur"),
            owner_siren=self.cells.get("siren_amenageur"),
            owner_contact=self.cells.get("contact_amenageur"),
            operator_contact=self.cells.get("contact_operateur"),
            operator_phone=self.cells.get("telephone_operateur"),
            brand=self.cells.get("nom_enseigne"),
            pool_id=self.cells.get("id_station_itinerance"),
            local_id=self.cells.get("id_station_local"),
            setting=self.word("implantation_station", SETTINGS),
            insee=self.cells.get("code_insee_commune"),
            longitude=longitude,
            latitude=latitude,
            entry=self.word("condition_acces", ENTRIES),
            hours=self.cells.get("horaires"),
            two_wheelers=self.truth("station_deux_roues"),
            connection=self.word("raccordement", CONNECTIONS),
            delivery_point=self.cells.get("num_pdl"),
            opened_on=self.told("date_mise_en_service", date.fromisoformat, "a day like 2026-11-24"),
        )

    def equipment(self, site: str | None) -> Equipment:
        cable = self.truth("cable_t2_attache")
        outlets = [
            Outlet(socket=socket, tethered=cable if socket == "TYPE_2" else None)
            for socket, column in SOCKETS.items()
            if self.truth(column)
        ]
        return Equipment(
            site=site,
            evse_uid=self.cells.get("id_pdc_itinerance"),
            local_id=self.cells.get("id_pdc_local"),
            power_kw=self.told("puissance_nominale", decimal, "a number of kilowatts"),
            outlets=tuple(outlets),
            free=self.truth("gratuit"),
            pay_per_use=self.truth("paiement_acte"),
            pay_by_card=self.truth("paiement_cb"),
            pay_otherwise=self.truth("paiement_autre"),
            pricing=self.cells.get("tarification"),
            bookable=self.truth("reservation"),
            accessibility=self.word("accessibilite_pmr", ACCESSIBILITIES),
            size_limit=self.cells.get("restriction_gabarit"),
            remarks=self.cells.get("observations"),
        )

    def place(self) -> tuple[Decimal | None, Decimal | None]:
        """`[lon,lat]`."""
        said = self.cells.get("coordonneesXY")
        if said is None:
            return None, None
        found = re.fullmatch(r"\[\s*(-?\d+(?:\.\d+)?)\s*,\s*(-?\d+(?:\.\d+)?)\s*\]", said, re.ASCII)
        if found is None or len(said) > 60:
            self.wrong.append(f"coordonneesXY: {said[:40]!r} is not like [4.8357,45.7640]")
            return None, None
        return Decimal(found[1]), Decimal(found[2])

    def truth(self, column: str) -> bool | None:
        found: bool | None = self.told(column, lambda text: TRUTHS[text.lower()], "true or false")
        return found

    def word(self, column: str, words: Mapping[str, str]) -> Any:
        ours = {theirs.casefold(): own for own, theirs in words.items()}
        return self.told(column, lambda text: ours[text.casefold()], "one of " + ", ".join(words.values()))

    def told(self, column: str, convert: Callable[[str], Any], form: str) -> Any:
        """A cell as a value; None where nothing is said."""
        if (said := self.cells.get(column)) is None:
            return None
        try:
            return convert(said)
        except (ValueError, KeyError, InvalidOperation):
            self.wrong.append(f"{column}: {said[:40]!r} is not {form}")
            return None


def decimal(text: str) -> Decimal:
    """Raises ValueError."""
    if not re.fullmatch(r"\d{1,9}([.,]\d{1,6})?", text, re.ASCII):
        raise ValueError(text)
    return Decimal(text.replace(",", "."))
