"""OCPP 1.6: diagnostics and logs."""

from __future__ import annotations

from adapters.ocpp.dialect import EMPTY, Hear, Payload
from application.session import Session
from domain.station import Station


def diagnostics(session: Session, payload: Payload) -> bytes:
    """DiagnosticsStatusNotification (section 4.4)."""
    session.tell(Station.DiagnosticsProgressed, status=payload["status"])
    return EMPTY


def log(session: Session, payload: Payload) -> bytes:
    """LogStatusNotification (security whitepaper)."""
    session.tell(Station.LogUploadProgressed, status=payload["status"], request_id=payload.get("requestId"))
    return EMPTY


HEAR: dict[str, Hear] = {
    "DiagnosticsStatusNotification": diagnostics,
    "LogStatusNotification": log,
}
