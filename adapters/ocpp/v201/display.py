"""OCPP 2.0.1: messages on the display."""

from __future__ import annotations

from adapters.ocpp.dialect import EMPTY

KEPT: dict[str, bytes] = {
    "NotifyDisplayMessages": EMPTY,
}
