"""OCPP 2.0.1: certificates."""

from __future__ import annotations

KEPT: dict[str, bytes] = {
    "Get15118EVCertificate": b'{"status":"Failed","exiResponse":""}',
    "GetCertificateStatus": b'{"status":"Failed"}',
    "SignCertificate": b'{"status":"Rejected"}',
}
