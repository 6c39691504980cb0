"""OCPP 1.6: there are no display messages."""

from __future__ import annotations

CANNOT: dict[str, str] = dict.fromkeys(
    ("setDisplayMessage", "getDisplayMessages", "clearDisplayMessage"),
    "OCPP 1.6 has no display messages; a vendor may have them by dataTransfer",
)
