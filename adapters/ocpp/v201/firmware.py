"""OCPP 2.0.1: firmware, signed or not, and what local controllers publish."""

from __future__ import annotations

from adapters.ocpp.dialect import EMPTY, Hear, Payload, Said, Say, explain, given, moment, stamp
from application.session import Session
from domain.firmware import Firmware, stream
from domain.station import Station


def firmware(session: Session, payload: Payload) -> bytes:
    """FirmwareStatusNotification (L01, L02); it names the job by its request id (L01.FR.10)."""
    session.tell(
        Station.FirmwareProgressed,
        status=payload["status"],
        request_id=payload.get("requestId"),
        reason=reason(payload),
    )
    return EMPTY


def published(session: Session, payload: Payload) -> bytes:
    """PublishFirmwareStatusNotification (L03); once published, with its addresses (L03.FR.04)."""
    session.of(Firmware, stream(session.station_id)).record(
        Firmware.PublicationProgressed,
        session.cause,
        session.now,
        status=payload["status"],
        request_id=payload.get("requestId"),
        locations=tuple(payload.get("location", ())),
        reason=reason(payload),
    )
    return EMPTY


def reason(payload: Payload) -> str | None:
    """The station's own words about its status (OCPP 2.1)."""
    return explain(payload["status"], payload["statusInfo"]) if "statusInfo" in payload else None


def say_update(session: Session, wish: Payload) -> Said:
    """UpdateFirmware: signed (L01), or not (L02)."""
    image = given(
        location=wish.get("location") or wish["address"],
        retrieveDateTime=moment(wish.get("retrieve_at")) or stamp(session.now),
        installDateTime=moment(wish.get("install_at")),
        signingCertificate=wish.get("signing_certificate"),
        signature=wish.get("signature"),
    )
    return Said("UpdateFirmware", {"requestId": session.rules.numbers.take(), "firmware": image} | retries(wish))


def retries(wish: Payload) -> Payload:
    return given(retries=wish.get("retries"), retryInterval=wish.get("retry_interval_seconds"))


def say_publish(session: Session, wish: Payload) -> Said:
    """PublishFirmware (L03), with the MD5 checksum of the image (L03.FR.02)."""
    location, number = wish.get("location") or wish["address"], session.rules.numbers.take()
    return Said(
        "PublishFirmware", {"location": location, "checksum": wish["checksum"], "requestId": number} | retries(wish)
    )


def say_unpublish(session: Session, wish: Payload) -> Said:
    """UnpublishFirmware (L04)."""
    return Said("UnpublishFirmware", {"checksum": wish["checksum"]})


HEAR: dict[str, Hear] = {
    "FirmwareStatusNotification": firmware,
    "PublishFirmwareStatusNotification": published,
}
SAY: dict[str, Say] = {
    "updateFirmware": say_update,
    "publishFirmware": say_publish,
    "unpublishFirmware": say_unpublish,
}
