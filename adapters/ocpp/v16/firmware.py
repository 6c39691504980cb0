"""OCPP 1.6: firmware, signed (security whitepaper) or not (sections 4.5 and 6.19)."""

from __future__ import annotations

from adapters.ocpp.dialect import EMPTY, Hear, Payload, Said, Say, given, moment, stamp
from application.session import Session
from domain.event import Refusal
from domain.station import Station


def firmware(session: Session, payload: Payload) -> bytes:
    """FirmwareStatusNotification (section 4.5) and SignedFirmwareStatusNotification (security whitepaper)."""
    session.tell(Station.FirmwareProgressed, status=payload["status"], request_id=payload.get("requestId"))
    return EMPTY


def say_update(session: Session, wish: Payload) -> Said:
    """UpdateFirmware (section 5.17); with a signature SignedUpdateFirmware (whitepaper L01)."""
    location = wish.get("location") or wish["address"]
    retrieve_at = moment(wish.get("retrieve_at")) or stamp(session.now)
    retries = given(retries=wish.get("retries"), retryInterval=wish.get("retry_interval_seconds"))
    if "signature" in wish:
        image = given(
            location=location,
            retrieveDateTime=retrieve_at,
            installDateTime=moment(wish.get("install_at")),
            signingCertificate=wish["signing_certificate"],
            signature=wish["signature"],
        )
        return Said("SignedUpdateFirmware", {"requestId": session.rules.numbers.take(), "firmware": image} | retries)
    if wish.get("install_at"):
        raise Refusal("OCPP 1.6 cannot say when to install firmware that is not signed")
    return Said("UpdateFirmware", {"location": location, "retrieveDate": retrieve_at} | retries)


HEAR: dict[str, Hear] = {
    "FirmwareStatusNotification": firmware,
    "SignedFirmwareStatusNotification": firmware,
}
SAY: dict[str, Say] = {
    "updateFirmware": say_update,
}
CANNOT: dict[str, str] = {
    "publishFirmware": "OCPP 1.6 has no local controllers that publish firmware",
    "unpublishFirmware": "OCPP 1.6 has no local controllers that publish firmware",
}
