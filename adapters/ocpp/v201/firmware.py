"""OCPP 2.0.1: firmware."""

from __future__ import annotations

from adapters.ocpp.dialect import EMPTY, Hear, Payload
from application.session import Session
from domain.station import Station


def firmware(session: Session, payload: Payload) -> bytes:
    """FirmwareStatusNotification (L01)."""
    session.tell(Station.FirmwareProgressed, status=payload["status"], request_id=payload.get("requestId"))
    return EMPTY


HEAR: dict[str, Hear] = {
    "FirmwareStatusNotification": firmware,
}
KEPT: dict[str, bytes] = {
    "PublishFirmwareStatusNotification": EMPTY,
}
