"""OCPP 1.6: firmware."""

from __future__ import annotations

from adapters.ocpp.dialect import EMPTY, Hear, Payload
from application.session import Session
from domain.station import Station


def firmware(session: Session, payload: Payload) -> bytes:
    """FirmwareStatusNotification (section 4.5) and SignedFirmwareStatusNotification (security whitepaper)."""
    session.tell(Station.FirmwareProgressed, status=payload["status"], request_id=payload.get("requestId"))
    return EMPTY


HEAR: dict[str, Hear] = {
    "FirmwareStatusNotification": firmware,
    "SignedFirmwareStatusNotification": firmware,
}
