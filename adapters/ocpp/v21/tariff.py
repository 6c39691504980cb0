"""OCPP 2.1: tariffs and payment."""

from __future__ import annotations

from adapters.ocpp.dialect import EMPTY

KEPT: dict[str, bytes] = {
    "NotifySettlement": EMPTY,
}
