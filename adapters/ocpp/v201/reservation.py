"""OCPP 2.0.1: reservations."""

from __future__ import annotations

from adapters.ocpp.dialect import EMPTY

KEPT: dict[str, bytes] = {
    "ReservationStatusUpdate": EMPTY,
}
