"""OCPP 1.6J: what its messages mean here, and how our commands are said in it.

A station of this version knows connectors only: connector N is EVSE N and keeps its own number.
"""

from __future__ import annotations

from typing import cast

from adapters.ocpp.dialect import EMPTY, Dialect, Payload, Said, dump, given, stamp
from adapters.ocpp.sample import readings16, when
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
        occurred_at=when(payload.get("timestamp"), session.now),
        error_code=None if error == "NoError" else error,
        reason=payload.get("info"),
        vendor_error_code=payload.get("vendorErrorCode"),
    )
    return EMPTY


def authorize(session: Session, payload: Payload) -> bytes:
    """Authorize (section 4.1)."""
    return dump({"idTagInfo": {"status": session.check(payload["idTag"], None)}})


def start(session: Session, payload: Payload) -> bytes:
    """StartTransaction (section 4.8): we make the transaction id."""
    number, verdict = session.start_numbered(
        payload["connectorId"],
        payload["idTag"],
        float(payload["meterStart"]),
        when(payload["timestamp"], session.now),
        payload.get("reservationId"),
    )
    return dump({"transactionId": number, "idTagInfo": {"status": verdict}})


def meter(session: Session, payload: Payload) -> bytes:
    """MeterValues (section 4.7)."""
    number = payload.get("transactionId")
    readings = readings16(payload["meterValue"], session.now)
    session.meter(None if number is None else str(number), payload["connectorId"], readings)
    return EMPTY


def stop(session: Session, payload: Payload) -> bytes:
    """StopTransaction (section 4.10); without a reason it is Local."""
    badge = payload.get("idTag")
    session.stop_numbered(
        payload["transactionId"],
        when(payload["timestamp"], session.now),
        payload.get("reason", "Local"),
        float(payload["meterStop"]),
        badge,
        readings16(payload.get("transactionData", ()), session.now),
    )
    if badge is None:
        return EMPTY
    return dump({"idTagInfo": {"status": session.rules.badges.verdict(badge, session.now)}})


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


def firmware(session: Session, payload: Payload) -> bytes:
    """FirmwareStatusNotification (section 4.5) and SignedFirmwareStatusNotification (security whitepaper)."""
    session.tell(Station.FirmwareProgressed, status=payload["status"], request_id=payload.get("requestId"))
    return EMPTY


def diagnostics(session: Session, payload: Payload) -> bytes:
    """DiagnosticsStatusNotification (section 4.4)."""
    session.tell(Station.DiagnosticsProgressed, status=payload["status"])
    return EMPTY


def log(session: Session, payload: Payload) -> bytes:
    """LogStatusNotification (security whitepaper)."""
    session.tell(Station.LogUploadProgressed, status=payload["status"], request_id=payload.get("requestId"))
    return EMPTY


def security(session: Session, payload: Payload) -> bytes:
    """SecurityEventNotification (security whitepaper)."""
    session.tell(
        Station.SecurityEventReported,
        kind=payload["type"],
        occurred_at=when(payload["timestamp"], session.now),
        detail=payload.get("techInfo"),
    )
    return EMPTY


def say_start(session: Session, wish: Payload) -> Said:
    if len(wish["badge"]) > 20:
        raise Refusal("OCPP 1.6 badges have at most 20 characters")
    return Said("RemoteStartTransaction", given(idTag=wish["badge"], connectorId=wish.get("evse_id")))


def say_stop(session: Session, wish: Payload) -> Said:
    known = session.known(wish["transaction_id"])
    if known is None:
        raise Refusal("this station has no such transaction")
    return Said("RemoteStopTransaction", {"transactionId": int(known.station_transaction_id)})


def say_reset(session: Session, wish: Payload) -> Said:
    if wish.get("evse_id"):
        raise Refusal("OCPP 1.6 can only reset the whole station")
    return Said("Reset", {"type": cast(str, wish["kind"]).capitalize()})


def say_unlock(session: Session, wish: Payload) -> Said:
    return Said("UnlockConnector", {"connectorId": wish["evse_id"]})


def say_availability(session: Session, wish: Payload) -> Said:
    kind = "Operative" if wish["operative"] else "Inoperative"
    return Said("ChangeAvailability", {"connectorId": wish.get("evse_id") or 0, "type": kind})


def say_trigger(session: Session, wish: Payload) -> Said:
    if wish["message"] not in TRIGGERS:
        raise Refusal(f"OCPP 1.6 can trigger {', '.join(sorted(TRIGGERS))}; not {wish['message']}")
    return Said("TriggerMessage", given(requestedMessage=wish["message"], connectorId=wish.get("evse_id")))


def say_get_configuration(session: Session, wish: Payload) -> Said:
    return Said("GetConfiguration", given(key=wish.get("keys") or None))


def say_change_configuration(session: Session, wish: Payload) -> Said:
    return Said("ChangeConfiguration", {"key": wish["key"], "value": wish["value"]})


DIALECT = Dialect(
    version="1.6",
    hear={
        "BootNotification": boot,
        "Heartbeat": heartbeat,
        "StatusNotification": status,
        "Authorize": authorize,
        "StartTransaction": start,
        "MeterValues": meter,
        "StopTransaction": stop,
        "DataTransfer": data,
        "FirmwareStatusNotification": firmware,
        "SignedFirmwareStatusNotification": firmware,
        "DiagnosticsStatusNotification": diagnostics,
        "LogStatusNotification": log,
        "SecurityEventNotification": security,
    },
    kept={"SignCertificate": b'{"status":"Rejected"}'},
    say={
        "remoteStart": say_start,
        "remoteStop": say_stop,
        "reset": say_reset,
        "unlockConnector": say_unlock,
        "changeAvailability": say_availability,
        "triggerMessage": say_trigger,
        "getConfiguration": say_get_configuration,
        "changeConfiguration": say_change_configuration,
    },
    cannot={
        "getVariables": "OCPP 1.6 has configuration keys, not variables: use getConfiguration",
        "setVariables": "OCPP 1.6 has configuration keys, not variables: use changeConfiguration",
    },
    admits_pending=True,
)
