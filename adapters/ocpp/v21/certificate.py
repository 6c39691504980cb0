"""OCPP 2.1: what certificates have more."""

from __future__ import annotations

KEPT: dict[str, bytes] = {
    "GetCertificateChainStatus": b'{"certificateStatus":[]}',
}
