"""Payment at the station: what a card terminal settled, and whether a VAT number can be one (OCPP 2.1)."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import Any

from domain.aggregate import Aggregate
from domain.event import Event

VAT_NUMBERS = {
    "AT": r"U\d{8}", "BE": r"[01]\d{9}", "BG": r"\d{9,10}", "CY": r"\d{8}[A-Z]", "CZ": r"\d{8,10}", "DE": r"\d{9}",
    "DK": r"\d{8}", "EE": r"\d{9}", "EL": r"\d{9}", "ES": r"[A-Z0-9]\d{7}[A-Z0-9]", "FI": r"\d{8}",
    "FR": r"[A-HJ-NP-Z0-9]{2}\d{9}", "HR": r"\d{11}", "HU": r"\d{8}",
    "IE": r"\d{7}[A-W][A-I]?|\d[A-Z+*]\d{5}[A-W]", "IT": r"\d{11}", "LT": r"\d{9}|\d{12}", "LU": r"\d{8}",
    "LV": r"\d{11}", "MT": r"\d{8}", "NL": r"[A-Z0-9+*]{10}\d{2}", "PL": r"\d{10}", "PT": r"\d{9}",
    "RO": r"\d{2,10}", "SE": r"\d{10}01", "SI": r"\d{8}", "SK": r"\d{10}", "XI": r"\d{9}|\d{12}|(GD|HA)\d{3}",
}  # fmt: skip
"""The structure of VAT numbers by member state (European Commission, VIES, *What is the format of a VAT number?*)."""


def vat_number(text: str) -> str | None:
    """A VAT number of the European Union without blanks, dots and dashes; None if it cannot be one."""
    number = re.sub(r"[\s.\-]", "", text).upper()
    pattern = VAT_NUMBERS.get(number[:2])
    return number if pattern and re.fullmatch(pattern, number[2:]) else None


def stream(station_id: str) -> str:
    return f"payment/{station_id}"


class Payment(Aggregate):
    """What the payment terminal of a station tells."""

    forgetful = True

    class Settled(Event, tag="payment.settled.v1"):
        """The payment service provider settled a charge, or did not: `status` says. Amounts are as the driver pays."""

        station_id: str
        status: str
        amount: Decimal
        settled_at: datetime
        psp_reference: str
        station_transaction_id: str | None = None
        transaction_id: str | None = None
        detail: str | None = None
        receipt_id: str | None = None
        receipt_url: str | None = None
        vat_number: str | None = None
        company: dict[str, Any] | None = None

    class VatNumberChecked(Event, tag="payment.vat_number_checked.v1"):
        """A driver typed a VAT number for the receipt; `valid`: it has the form of one of the European Union."""

        station_id: str
        vat_number: str
        valid: bool
        evse_id: int | None = None

    def apply(self, event: Event) -> None:
        pass
