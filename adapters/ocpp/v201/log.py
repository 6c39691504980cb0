"""OCPP 2.0.1: logs."""

from __future__ import annotations

from adapters.ocpp.dialect import EMPTY, Hear, Payload
from application.session import Session
from domain.station import Station


def log(session: Session, payload: Payload) -> bytes:
    """LogStatusNotification (N01)."""
    session.tell(Station.LogUploadProgressed, status=payload["status"], request_id=payload.get("requestId"))
    return EMPTY


HEAR: dict[str, Hear] = {
    "LogStatusNotification": log,
}
