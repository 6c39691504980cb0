"""VAT numbers of the European Union by their form."""

from __future__ import annotations

import pytest

from domain.payment import vat_number

GOOD = [
    "ATU12345678", "BE0123456789", "BG123456789", "CY12345678X", "CZ12345678", "DE123456789", "DK12345678",
    "EE123456789", "EL123456789", "ESX1234567X", "FI12345678", "FR40303265045", "FRXX999999999", "HR12345678901",
    "HU12345678", "IE1234567WA", "IE1A23456W", "IT12345678901", "LT123456789012", "LU12345678", "LV12345678901",
    "MT12345678", "NL123456789B01", "PL1234567890", "PT123456789", "RO1234", "SE123456789001", "SI12345678",
    "SK1234567890", "XIGD123",
]  # fmt: skip
BAD = [
    "", "FR", "FR4030326504", "FR403032650455", "FRIO123456789", "DE12345678A", "US123456789", "ATX12345678",
    "SE123456789002", "40303265045", "GB123456789", "FR40303265045'", "FR４0303265045",
]  # fmt: skip


@pytest.mark.parametrize("text", GOOD)
def test_every_member_state_has_its_form(text: str) -> None:
    assert vat_number(text) == text


@pytest.mark.parametrize("text", BAD)
def test_what_has_no_such_form_is_none(text: str) -> None:
    assert vat_number(text) is None


def test_people_write_blanks_dots_and_small_letters() -> None:
    assert vat_number("fr 40 303.265-045") == "FR40303265045"
