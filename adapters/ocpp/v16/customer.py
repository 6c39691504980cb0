"""OCPP 1.6: a station cannot be asked what it knows of a customer."""

from __future__ import annotations

CANNOT: dict[str, str] = {
    "customerInformation": "OCPP 1.6 cannot ask this; clearCache and sendLocalList remove badges from a station",
}
