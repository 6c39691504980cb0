"""Every tariff of the specification goes in and comes out saying the same."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapters.ocpi.tariff import parsed, read, write
from domain.event import Refusal
from domain.tariff import Terms

OCPI = Path(__file__).parent.parent.parent / "golden" / "ocpi"
FILES = sorted(OCPI.glob("2.*/*.json"))
SIMPLE: dict[str, Any] = {
    "id": "1",
    "currency": "EUR",
    "elements": [{"price_components": [{"type": "ENERGY", "price": 0.25, "step_size": 1}]}],
}


def version_of(path: Path) -> str:
    return "2.2.1" if path.parent.name == "2.2.1" else "2.3.0"


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_what_goes_in_comes_out(path: Path) -> None:
    said = json.loads(path.read_text())
    tariff_id, terms = read(path.read_bytes())
    assert tariff_id is not None
    back = write(tariff_id, terms, datetime(2026, 1, 1, tzinfo=UTC), version_of(path),
                 said["country_code"], said["party_id"])  # fmt: skip
    assert back | {"last_updated": said.get("last_updated")} == said | {"last_updated": said.get("last_updated")}


@pytest.mark.parametrize("path", sorted(OCPI.glob("2.2.1/*.json")), ids=lambda path: path.stem)
def test_both_versions_mean_the_same(path: Path) -> None:
    assert read(path.read_bytes()) == read((OCPI / "2.3.0" / path.name).read_bytes())


def test_there_are_examples_of_both_versions() -> None:
    assert len(FILES) == 20 + 22


def test_numbers_are_read_as_decimals() -> None:
    text = json.dumps(SIMPLE).replace("0.25", "0.3000000001")
    with pytest.raises(Refusal, match="at most six decimals"):
        read(text.encode())
    _, terms = read(text.replace("0.3000000001", "8.1").encode())
    assert terms.elements[0].components[0].price == Decimal("8.1")


def test_the_envelope_of_an_ocpi_answer_is_taken_off() -> None:
    assert read(json.dumps({"data": SIMPLE, "status_code": 1000}).encode()) == read(parsed(json.dumps(SIMPLE).encode()))


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"currency": None}, "currency"),
        ({"currency": "euro"}, "three capitals"),
        ({"elements": []}, "1 to 100 elements"),
        ({"elements": "none"}, r"\$\.elements"),
        ({"type": "CHEAP"}, r"\$\.type"),
        ({"elements": [{"price_components": []}]}, "no price"),
        ({"start_date_time": "yesterday"}, r"\$\.start_date_time"),
        ({"min_price": {}}, "min_price must be 0 or more"),
    ],
)
def test_what_is_wrong_is_named(changed: dict[str, Any], reason: str) -> None:
    with pytest.raises(Refusal, match=reason):
        read(SIMPLE | changed)


@pytest.mark.parametrize(
    ("restrictions", "reason"),
    [
        ({"start_time": "25:00"}, "must be a time like 17:30"),
        ({"min_kwh": 5, "max_kwh": 5}, "max_kwh must be more than min_kwh"),
        ({"max_power": -1}, "must be 0 or more"),
        ({"start_date": "2026-02-01", "end_date": "2026-02-01"}, "end_date must be after"),
        ({"day_of_week": ["MONDAY", "MONDAY"]}, "names a day twice"),
        ({"day_of_week": ["FRYDAY"]}, "FRYDAY"),
        ({"reservation": "RESERVATION"}, "priced by FLAT and TIME only"),
        ({"moon": "full"}, "there is no restriction 'moon'"),
    ],
)
def test_restrictions_that_cannot_hold_are_named(restrictions: dict[str, Any], reason: str) -> None:
    element = SIMPLE["elements"][0] | {"restrictions": restrictions}
    with pytest.raises(Refusal, match=reason):
        read(SIMPLE | {"elements": [element]})


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(Refusal, match="no JSON"):
        read(b"{")
    with pytest.raises(Refusal, match="no OCPI tariff"):
        read(b"[]")


def test_prices_with_vat_cannot_be_told_in_2_2_1() -> None:
    _, terms = read(SIMPLE | {"tax_included": "YES"})
    assert isinstance(terms, Terms)
    with pytest.raises(Refusal, match="without VAT"):
        write("1", terms, datetime(2026, 1, 1, tzinfo=UTC))
    with pytest.raises(Refusal, match="no OCPI 9"):
        write("1", terms, datetime(2026, 1, 1, tzinfo=UTC), "9")
