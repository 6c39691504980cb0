"""The classic orders to a simulated station: reset, availability, unlock, trigger, data transfer, network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adapters.simulator.certificate import OWN
from adapters.simulator.vocabulary import Payload, status

if TYPE_CHECKING:
    from adapters.simulator.station import Station

SIGN = {
    "SignChargePointCertificate": OWN,
    "SignChargingStationCertificate": OWN,
    "SignV2GCertificate": "V2GCertificate",
    "SignV2G20Certificate": "V2G20Certificate",
}


def reset16(station: Station, payload: Payload) -> Payload:
    station.restart("HardReset" if payload["type"] == "Hard" else "SoftReset")
    return status(True)


def reset201(station: Station, payload: Payload) -> Payload:
    """B11, B12: OnIdle waits for the end of the charge; 2.1 may ask to go on with it afterwards."""
    if payload.get("evseId", 1) != 1:
        return status(False) | {"statusInfo": {"reasonCode": "UnknownEvse"}}
    if payload["type"] == "OnIdle" and station.charge is not None:
        station.reset_when_idle = True
        return {"status": "Scheduled"}
    station.restart("HardReset" if payload["type"] == "Immediate" else "SoftReset")
    return status(True)


def availability16(station: Station, payload: Payload) -> Payload:
    if payload["connectorId"] not in (0, 1):
        return status(False)
    return {"status": station.serve(payload["type"] == "Operative")}


def availability201(station: Station, payload: Payload) -> Payload:
    """G03, G04."""
    if payload.get("evse", {"id": 1})["id"] not in (0, 1):
        return status(False) | {"statusInfo": {"reasonCode": "UnknownEvse"}}
    return {"status": station.serve(payload["operationalStatus"] == "Operative")}


def unlock16(station: Station, payload: Payload) -> Payload:
    if payload["connectorId"] != 1:
        return {"status": "NotSupported"}
    station.stop("UnlockCommand")
    return {"status": "Unlocked"}


def unlock201(station: Station, payload: Payload) -> Payload:
    """F05.FR.02: not while somebody charges."""
    if (payload["evseId"], payload["connectorId"]) != (1, 1):
        return {"status": "UnknownConnector"}
    return {"status": "OngoingAuthorizedTransaction" if station.charge is not None else "Unlocked"}


def trigger(station: Station, payload: Payload) -> Payload:
    """Send a message now (OCPP 1.6 section 5.17, 2.x F06); the answer comes first."""
    wanted = payload["requestedMessage"]
    sends: dict[str, Any] = {
        "BootNotification": station.boot,
        "Heartbeat": lambda: station.say(station.words.heartbeat()),
        "StatusNotification": station.send_status,
        "FirmwareStatusNotification": lambda: station.say(station.firmware.report()),
        "DiagnosticsStatusNotification": lambda: station.say(station.diary.report(old=True)),
        "LogStatusNotification": lambda: station.say(station.diary.report(old=False)),
        "MeterValues": station.show_meter,
    }
    if wanted in SIGN:
        station.then(lambda: station.say(station.certificates.request(SIGN[wanted])))
        return status(True)
    if wanted == "TransactionEvent":
        if station.charge is None:
            return status(False)
        station.then(lambda: station.meter("Trigger"))
        return status(True)
    if wanted not in sends:
        return {"status": "NotImplemented"}
    station.then(sends[wanted])
    return status(True)


def transfer(station: Station, payload: Payload) -> Payload:
    """Nobody taught this station a vendor's words."""
    return {"status": "UnknownVendorId"}


def network(station: Station, payload: Payload) -> Payload:
    """B09: the slot holds the profile until NetworkConfigurationPriority names it."""
    data = payload["connectionData"]
    if data["ocppTransport"] != "JSON" or not data["ocppCsmsUrl"].startswith(("ws://", "wss://")):
        return status(False)
    if data["securityProfile"] < station.device.limit("SecurityCtrlr", "SecurityProfile"):
        return status(False) | {"statusInfo": {"reasonCode": "NoSecurityDowngrade"}}
    station.networks[payload["configurationSlot"]] = data
    return status(True)


def payment(station: Station, payload: Payload) -> Payload:
    """C25 (OCPP 2.1): somebody pays on their phone, so the screen says to wait; the answer has nothing to say."""
    station.tell(f"{station.identity} waits for a payment for {payload['timeout']} s")
    return {}


OBEY16 = {
    "Reset": reset16,
    "ChangeAvailability": availability16,
    "UnlockConnector": unlock16,
    "TriggerMessage": trigger,
    "ExtendedTriggerMessage": trigger,
    "DataTransfer": transfer,
}
OBEY201 = {
    "Reset": reset201,
    "ChangeAvailability": availability201,
    "UnlockConnector": unlock201,
    "TriggerMessage": trigger,
    "DataTransfer": transfer,
    "SetNetworkProfile": network,
}
OBEY21 = {"NotifyWebPaymentStarted": payment}
