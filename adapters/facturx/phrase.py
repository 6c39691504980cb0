"""The French of invoices: names of lines, and the mentions the law wants."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from zoneinfo import ZoneInfo

from domain.seller import Details as Seller
from domain.statement import Entry, Statement

SUBJECTS = {
    "RESERVATION_FLAT": "Réservation, forfait", "RESERVATION_TIME": "Réservation, durée", "FLAT": "Forfait de recharge",
    "ENERGY": "Énergie", "TIME": "Durée de recharge", "PARKING_TIME": "Durée de stationnement",
    "MIN_PRICE": "Complément au prix minimal", "MAX_PRICE": "Remise au prix maximal",
}  # fmt: skip
UNITS = {"kWh": "kWh", "h": "h", "once": ""}


def mentions(statement: Statement) -> Iterator[tuple[str, str]]:
    """(subject code of UNTDID 4451, text), in the order in which they are read."""
    said, company = statement.seller, statement.payer.kind == "COMPANY"
    yield "REG", legal(said)
    yield "PMD", f"Pénalités en cas de retard de paiement : {said.penalty}"
    if company:
        yield "PMT", f"Indemnité forfaitaire pour frais de recouvrement en cas de retard : {euros(said.recovery)}"
    yield "AAB", f"Escompte pour paiement anticipé : {said.early_payment}"
    if said.vat_exemption:
        yield "TXD", said.vat_exemption
    if said.vat_on_debits:
        yield "AAI", "Option pour le paiement de la taxe d'après les débits"
    yield "AAI", "Catégorie de l'opération : livraison de biens (recharge de véhicules électriques)"
    if statement.content.reason and statement.original is not None:
        yield "AAI", f"Avoir sur la facture {statement.original[0]} : {statement.content.reason}"


def legal(said: Seller) -> str:
    """The seller as a legal entity: form, capital, register."""
    vat = f", TVA {said.vat_number}" if said.vat_number else ""
    return f"{said.name}, {said.legal_form} au capital de {said.capital}, SIREN {said.siren}, {said.rcs}{vat}"


def period(entry: Entry, zone: str) -> str:
    """From when to when, as the clock on the wall says."""
    begin, end = entry.begin.astimezone(ZoneInfo(zone)), entry.end.astimezone(ZoneInfo(zone))
    until = f"{end:%H:%M}" if begin.date() == end.date() else f"{end:%d/%m/%Y %H:%M}"
    return f"{begin:%d/%m/%Y %H:%M} à {until}"


def number(value: Decimal, places: int | None = None) -> str:
    """1 234,50: French thousands and decimal comma."""
    text = f"{value:,f}" if places is None else f"{value:,.{places}f}"
    if places is None and "." in text:
        text = text.rstrip("0").rstrip(".")
    return text.replace(",", "\u00a0").replace(".", ",")


def euros(amount: Decimal, currency: str = "EUR") -> str:
    return f"{number(amount, 2)}\u00a0{'€' if currency == 'EUR' else currency}"
