"""OCPP 2.0.1: smart charging."""

from __future__ import annotations

from adapters.ocpp.dialect import EMPTY

KEPT: dict[str, bytes] = {
    "ClearedChargingLimit": EMPTY,
    "NotifyChargingLimit": EMPTY,
    "NotifyEVChargingNeeds": b'{"status":"Rejected"}',
    "NotifyEVChargingSchedule": b'{"status":"Accepted"}',
    "ReportChargingProfiles": EMPTY,
}
