"""OCPP 2.1: what smart charging has more."""

from __future__ import annotations

from adapters.ocpp.dialect import EMPTY

KEPT: dict[str, bytes] = {
    "NotifyPriorityCharging": EMPTY,
}
