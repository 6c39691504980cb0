"""OCPP 2.0.1: the station itself. Boot, status, vendor data; restarting it and taking it out of service."""

from __future__ import annotations

from adapters.ocpp.dialect import EMPTY, Hear, Payload, Said, Say, dump, given, stamp
from adapters.ocpp.sample import when
from adapters.ocpp.v201.evse import evse
from application.session import Session
from domain.event import Refusal
from domain.station import ConnectorStatus, Station

STATUS: dict[str, ConnectorStatus] = {
    "Available": "AVAILABLE",
    "Occupied": "OCCUPIED",
    "Reserved": "RESERVED",
    "Unavailable": "UNAVAILABLE",
    "Faulted": "FAULTED",
}


TRIGGERS = {
    "BootNotification",
    "LogStatusNotification",
    "FirmwareStatusNotification",
    "Heartbeat",
    "MeterValues",
    "SignChargingStationCertificate",
    "SignV2GCertificate",
    "StatusNotification",
    "TransactionEvent",
    "SignCombinedCertificate",
    "PublishFirmwareStatusNotification",
}


def boot(session: Session, payload: Payload) -> bytes:
    """BootNotification (B01 to B03)."""
    station = payload["chargingStation"]
    modem = station.get("modem", {})
    status, interval = session.boot(
        vendor=station["vendorName"],
        model=station["model"],
        reason=payload["reason"],
        serial_number=station.get("serialNumber"),
        firmware_version=station.get("firmwareVersion"),
        iccid=modem.get("iccid") or None,
        imsi=modem.get("imsi") or None,
    )
    return dump({"currentTime": stamp(session.now), "interval": interval, "status": status})


def heartbeat(session: Session, payload: Payload) -> bytes:
    """Heartbeat (G02)."""
    session.tell(Station.HeartbeatReceived)
    return b'{"currentTime":"' + stamp(session.now).encode() + b'"}'


def status(session: Session, payload: Payload) -> bytes:
    """StatusNotification (G01); details of a fault come by NotifyEvent."""
    session.tell(
        Station.StatusReported,
        evse_id=payload["evseId"],
        connector_id=payload["connectorId"],
        status=STATUS[payload["connectorStatus"]],
        occurred_at=when(payload["timestamp"], session.now),
    )
    return EMPTY


def data(session: Session, payload: Payload) -> bytes:
    """DataTransfer (P02): kept whole; no vendor extension is installed, and we say so."""
    session.tell(
        Station.DataTransferred,
        vendor_id=payload["vendorId"],
        status="UnknownVendorId",
        vendor_message_id=payload.get("messageId"),
        content=payload.get("data"),
    )
    return b'{"status":"UnknownVendorId"}'


def security(session: Session, payload: Payload) -> bytes:
    """SecurityEventNotification (A04)."""
    session.tell(
        Station.SecurityEventReported,
        kind=payload["type"],
        occurred_at=when(payload["timestamp"], session.now),
        detail=payload.get("techInfo"),
    )
    return EMPTY


def say_reset(session: Session, wish: Payload) -> Said:
    """Reset (B11, B12)."""
    kind = "Immediate" if wish["kind"] == "HARD" else "OnIdle"
    return Said("Reset", given(type=kind, evseId=wish.get("evse_id")))


def say_availability(session: Session, wish: Payload) -> Said:
    """ChangeAvailability (G03, G04)."""
    kind = "Operative" if wish["operative"] else "Inoperative"
    return Said("ChangeAvailability", given(operationalStatus=kind, evse=evse(wish)))


def say_trigger(session: Session, wish: Payload) -> Said:
    """TriggerMessage (F06)."""
    if wish["message"] not in TRIGGERS:
        raise Refusal(f"OCPP 2.x can trigger {', '.join(sorted(TRIGGERS))}; not {wish['message']}")
    return Said("TriggerMessage", given(requestedMessage=wish["message"], evse=evse(wish)))


HEAR: dict[str, Hear] = {
    "BootNotification": boot,
    "Heartbeat": heartbeat,
    "StatusNotification": status,
    "DataTransfer": data,
    "SecurityEventNotification": security,
}
SAY: dict[str, Say] = {
    "reset": say_reset,
    "changeAvailability": say_availability,
    "triggerMessage": say_trigger,
}
