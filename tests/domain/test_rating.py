"""Every amount that the OCPI specification prints, and the two that it prints wrongly."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from adapters.ocpi.tariff import parsed, read
from domain.price import Priced
from domain.rating import Rating, Stretch
from domain.restriction import Calendar
from domain.tariff import Terms

OCPI = Path(__file__).parent.parent / "golden" / "ocpi"
CASES: list[dict[str, Any]] = json.loads((OCPI / "cases.json").read_text(), parse_float=Decimal)["cases"]
PARIS = ZoneInfo("Europe/Paris")
CENT = Decimal("0.01")


def terms_of(case: dict[str, Any], version: str = "2.2.1") -> Terms:
    if isinstance(case["tariff"], dict):
        return read({"currency": "EUR"} | case["tariff"])[1]
    return read(parsed((OCPI / version / case["tariff"]).read_bytes()))[1]


def priced(case: dict[str, Any], terms: Terms, zone: ZoneInfo = PARIS) -> Priced:
    start = datetime.fromisoformat(case["start_local"]).replace(tzinfo=zone).astimezone(UTC)
    rating = Rating(Calendar(terms, zone), start)
    booked = case.get("reservation")
    if booked:
        rating.reserve(start - timedelta(minutes=booked["minutes"]), start, booked["outcome"] == "expired")
    at = start
    for segment in case["segments"]:
        end = at + timedelta(minutes=float(segment["minutes"]))
        energy = Fraction(segment.get("kwh", "0")) * 1000
        current = float(segment["amps_sum"]) if "amps_sum" in segment else None
        rating.advance(Stretch(at, end, energy, segment["kind"] == "charging", current))
        at = end
    return rating.priced("T", 1, final=True)


@pytest.mark.parametrize("version", ["2.2.1", "2.3.0"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_a_charge_costs_what_the_specification_says(case: dict[str, Any], version: str) -> None:
    found = priced(case, terms_of(case, version))
    assert found.exact_excl_vat == Decimal(case["expected_excl"])
    assert found.exact_incl_vat == Decimal(case["expected_incl"])
    assert abs(found.excl_vat - found.exact_excl_vat) <= CENT * len(found.lines)
    assert abs(found.incl_vat - found.exact_incl_vat) <= CENT * len(found.lines)


def test_all_cases_are_there_and_two_contradict_the_specification_they_come_from() -> None:
    assert len(CASES) == 31
    wrong = [case for case in CASES if case["status"] != "spec"]
    assert [case["id"] for case in wrong] == ["t3-20.45kwh", "t4-saturday"]
    for case in wrong:
        found = priced(case, terms_of(case))
        assert [str(found.exact_excl_vat), str(found.exact_incl_vat)] not in case["spec_prints"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_the_lines_are_the_total(case: dict[str, Any]) -> None:
    found = priced(case, terms_of(case))
    assert sum(line.excl_vat for line in found.lines) == found.excl_vat
    assert sum(line.vat for line in found.lines) == found.vat
    assert sum(tax.incl_vat for tax in found.taxes) == found.incl_vat
    assert found.excl_vat + found.vat == found.incl_vat
