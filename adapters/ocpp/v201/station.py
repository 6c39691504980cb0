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
ALSO_CALLED = {"SignChargePointCertificate": "SignChargingStationCertificate"}
RESETS = {"HARD": "Immediate", "SOFT": "OnIdle"}
OCPP20 = {"OCPP201": "OCPP20"}


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
        occurred_at=when(payload["timestamp"], session.now, session.notice),
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
    return reset(wish, RESETS)


def reset(wish: Payload, kinds: dict[str, str]) -> Said:
    if wish["kind"] not in kinds:
        raise Refusal("only OCPP 2.1 can resume transactions after a reset: use HARD or SOFT")
    return Said("Reset", given(type=kinds[wish["kind"]], evseId=wish.get("evse_id")))


def say_availability(session: Session, wish: Payload) -> Said:
    """ChangeAvailability (G03, G04)."""
    kind = "Operative" if wish["operative"] else "Inoperative"
    return Said("ChangeAvailability", given(operationalStatus=kind, evse=evse(wish)))


def say_trigger(session: Session, wish: Payload) -> Said:
    """TriggerMessage (F06)."""
    return trigger(wish, TRIGGERS)


def trigger(wish: Payload, known: set[str]) -> Said:
    """A status is triggered for one connector (F06.FR.13); the first one of its EVSE when none is named."""
    message = ALSO_CALLED.get(wish["message"], wish["message"])
    if message not in known:
        raise Refusal(f"this version of OCPP can trigger {', '.join(sorted(known))}; not {message}")
    if message == "StatusNotification":
        if not wish.get("evse_id"):
            raise Refusal("a StatusNotification is triggered for one connector: name its EVSE")
        wish = {"connector_id": 1} | wish
    return Said("TriggerMessage", given(requestedMessage=message, evse=evse(wish)))


def say_data(session: Session, wish: Payload) -> Said:
    """DataTransfer (P01)."""
    data = given(vendorId=wish["vendor_id"], messageId=wish.get("message_id"), data=wish.get("data"))
    return Said("DataTransfer", data)


def say_network(session: Session, wish: Payload) -> Said:
    """SetNetworkProfile (B09): the name of OCPP 2.0.1 in a profile is OCPP20."""
    profile = network(wish)
    version = profile.get("ocppVersion", "OCPP20")
    return network_profile(wish, profile | {"ocppVersion": OCPP20.get(version, version)})


def network(wish: Payload) -> Payload:
    """Where a station finds us. Secrets of the carrier are none of ours: see `SetNetworkProfileInput`."""
    return given(
        ocppVersion=wish.get("ocpp_version"),
        ocppTransport="JSON",
        ocppCsmsUrl=wish["url"],
        messageTimeout=wish["message_timeout_s"],
        securityProfile=wish["security_profile"],
        ocppInterface=wish["interface"],
        apn=access_point(wish["apn"]) if "apn" in wish else None,
    )


def access_point(wish: Payload) -> Payload:
    return given(
        apn=wish["name"],
        apnUserName=wish.get("user"),
        preferredNetwork=wish.get("preferred_network"),
        useOnlyPreferredNetwork=wish.get("only_preferred_network"),
        apnAuthentication=wish["authentication"],
    )


def network_profile(wish: Payload, profile: Payload) -> Said:
    return Said("SetNetworkProfile", {"configurationSlot": wish["slot"], "connectionData": profile})


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
    "setNetworkProfile": say_network,
}
