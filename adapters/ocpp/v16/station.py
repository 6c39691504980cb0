"""OCPP 1.6: the station itself. Boot, status, vendor data; restarting it and taking it out of service."""

from __future__ import annotations

from adapters.ocpp.dialect import EMPTY, Hear, Payload, Said, Say, dump, given, stamp, text
from adapters.ocpp.sample import when
from application.session import Session
from domain.event import Refusal
from domain.station import ConnectorStatus, Station

STATUS: dict[str, ConnectorStatus] = {
    "Available": "AVAILABLE",
    "Preparing": "PREPARING",
    "Charging": "CHARGING",
    "SuspendedEV": "SUSPENDED_EV",
    "SuspendedEVSE": "SUSPENDED_EVSE",
    "Finishing": "FINISHING",
    "Reserved": "RESERVED",
    "Unavailable": "UNAVAILABLE",
    "Faulted": "FAULTED",
}


TRIGGERS = {
    "BootNotification",
    "DiagnosticsStatusNotification",
    "FirmwareStatusNotification",
    "Heartbeat",
    "MeterValues",
    "StatusNotification",
}
EXTENDED_TRIGGERS = {
    "BootNotification",
    "FirmwareStatusNotification",
    "Heartbeat",
    "LogStatusNotification",
    "MeterValues",
    "SignChargePointCertificate",
    "StatusNotification",
}
ALSO_CALLED = {"SignChargingStationCertificate": "SignChargePointCertificate"}
RESETS = {"HARD": "Hard", "SOFT": "Soft"}


def boot(session: Session, payload: Payload) -> bytes:
    """BootNotification (section 4.2)."""
    status, interval = session.boot(
        vendor=payload["chargePointVendor"],
        model=payload["chargePointModel"],
        serial_number=payload.get("chargePointSerialNumber") or payload.get("chargeBoxSerialNumber"),
        firmware_version=payload.get("firmwareVersion"),
        iccid=payload.get("iccid") or None,
        imsi=payload.get("imsi") or None,
        meter_type=payload.get("meterType"),
        meter_serial_number=payload.get("meterSerialNumber"),
    )
    return dump({"currentTime": stamp(session.now), "interval": interval, "status": status})


def heartbeat(session: Session, payload: Payload) -> bytes:
    """Heartbeat (section 4.6)."""
    session.tell(Station.HeartbeatReceived)
    return b'{"currentTime":"' + stamp(session.now).encode() + b'"}'


def status(session: Session, payload: Payload) -> bytes:
    """StatusNotification (section 4.9); connector 0 is the station itself."""
    connector, error = payload["connectorId"], payload["errorCode"]
    session.tell(
        Station.StatusReported,
        evse_id=connector,
        connector_id=connector,
        status=STATUS[payload["status"]],
        occurred_at=when(payload.get("timestamp"), session.now, session.notice),
        error_code=None if error == "NoError" else error,
        reason=word(payload.get("info")),
        vendor_error_code=word(payload.get("vendorErrorCode")),
    )
    return EMPTY


def word(text: str | None) -> str | None:
    """Some stations write that they have nothing to say."""
    return None if text is None or text.strip().lower() in ("", "none", "null") else text


def data(session: Session, payload: Payload) -> bytes:
    """DataTransfer (section 4.3): kept whole; no vendor extension is installed, and we say so."""
    session.tell(
        Station.DataTransferred,
        vendor_id=payload["vendorId"],
        status="UnknownVendorId",
        vendor_message_id=payload.get("messageId"),
        content=payload.get("data"),
    )
    return b'{"status":"UnknownVendorId"}'


def security(session: Session, payload: Payload) -> bytes:
    """SecurityEventNotification (security whitepaper)."""
    session.tell(
        Station.SecurityEventReported,
        kind=payload["type"],
        occurred_at=when(payload["timestamp"], session.now),
        detail=payload.get("techInfo"),
    )
    return EMPTY


def say_reset(session: Session, wish: Payload) -> Said:
    """Reset (section 5.14)."""
    if wish.get("evse_id"):
        raise Refusal("OCPP 1.6 can only reset the whole station")
    if wish["kind"] not in RESETS:
        raise Refusal("OCPP 1.6 cannot resume transactions after a reset: use HARD or SOFT")
    return Said("Reset", {"type": RESETS[wish["kind"]]})


def say_availability(session: Session, wish: Payload) -> Said:
    """ChangeAvailability (section 5.2); connector 0 is the station and all its connectors."""
    kind = "Operative" if wish["operative"] else "Inoperative"
    return Said("ChangeAvailability", {"connectorId": wish.get("evse_id") or 0, "type": kind})


def say_trigger(session: Session, wish: Payload) -> Said:
    """TriggerMessage (section 5.17); ExtendedTriggerMessage (security whitepaper) for what only that has."""
    message = ALSO_CALLED.get(wish["message"], wish["message"])
    extended = wish.get("extended") or message not in TRIGGERS
    known = EXTENDED_TRIGGERS if extended else TRIGGERS
    if message not in known:
        raise Refusal(f"OCPP 1.6 can trigger {', '.join(sorted(TRIGGERS | EXTENDED_TRIGGERS))}; not {message}")
    action = "ExtendedTriggerMessage" if extended else "TriggerMessage"
    return Said(action, given(requestedMessage=message, connectorId=wish.get("evse_id")))


def say_data(session: Session, wish: Payload) -> Said:
    """DataTransfer (section 5.6): data is text here, and JSON where it is not."""
    data = wish.get("data")
    return Said(
        "DataTransfer",
        given(
            vendorId=wish["vendor_id"],
            messageId=wish.get("message_id"),
            data=data if data is None or isinstance(data, str) else text(data),
        ),
    )


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
    "dataTransfer": say_data,
}
CANNOT: dict[str, str] = {
    "setNetworkProfile": "OCPP 1.6 has no network profiles",
}
