"""OCPP 2.1: control of distributed energy resources (DER)."""

from __future__ import annotations

from adapters.ocpp.dialect import EMPTY

KEPT: dict[str, bytes] = {
    "NotifyDERAlarm": EMPTY,
    "NotifyDERStartStop": EMPTY,
    "ReportDERControl": EMPTY,
}
