"""OCPP 1.6: certificates (security whitepaper)."""

from __future__ import annotations

KEPT: dict[str, bytes] = {
    "SignCertificate": b'{"status":"Rejected"}',
}
