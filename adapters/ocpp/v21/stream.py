"""OCPP 2.1: periodic event streams."""

from __future__ import annotations

from adapters.ocpp.dialect import EMPTY

KEPT: dict[str, bytes] = {
    "OpenPeriodicEventStream": b'{"status":"Rejected"}',
    "ClosePeriodicEventStream": EMPTY,
}
