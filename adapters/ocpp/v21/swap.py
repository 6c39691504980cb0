"""OCPP 2.1: battery swap."""

from __future__ import annotations

from adapters.ocpp.dialect import EMPTY

KEPT: dict[str, bytes] = {
    "BatterySwap": EMPTY,
}
