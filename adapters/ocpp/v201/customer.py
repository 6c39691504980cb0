"""OCPP 2.0.1: what a station knows of a customer."""

from __future__ import annotations

from adapters.ocpp.dialect import EMPTY

KEPT: dict[str, bytes] = {
    "NotifyCustomerInformation": EMPTY,
}
