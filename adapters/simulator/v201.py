"""A station of OCPP 2.0.1 or 2.1: its words, and how it obeys. What the simulator says is the same in both."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from adapters.simulator.link import Refused
from adapters.simulator.vocabulary import Charge, Payload, Reading, Said, stamp

if TYPE_CHECKING:
    from adapters.simulator.station import Station

STATES = {"available": "Available", "unavailable": "Unavailable"}
EVSE = {"id": 1, "connectorId": 1}
REASONS = {"HardReset": "ImmediateReset", "SoftReset": "ImmediateReset", "UnlockCommand": "Other"}


class Words201:
    protocol = "ocpp2.0.1"

    def boot(self, vendor: str, model: str, serial: str) -> Said:
        station = {"vendorName": vendor, "model": model, "serialNumber": serial, "firmwareVersion": "1.0.0"}
        return Said("BootNotification", {"reason": "PowerUp", "chargingStation": station})

    def heartbeat(self) -> Said:
        return Said("Heartbeat", {})

    def status(self, state: str, at: datetime) -> Said:
        connector = STATES.get(state, "Occupied")
        payload = {"timestamp": stamp(at), "connectorStatus": connector, "evseId": 1, "connectorId": 1}
        return Said("StatusNotification", payload)

    def authorize(self, badge: str) -> Said:
        return Said("Authorize", {"idToken": token(badge)})

    def welcome(self, answer: Payload) -> bool:
        return bool(answer.get("idTokenInfo", {}).get("status", "Accepted") == "Accepted")

    def started(self, charge: Charge, reading: Reading) -> list[Said]:
        trigger = "RemoteStart" if charge.remote_start_id is not None else "Authorized"
        more = {"idToken": token(charge.badge), "evse": EVSE}
        info = {"chargingState": "EVConnected"}
        if charge.remote_start_id is not None:
            info["remoteStartId"] = charge.remote_start_id  # type: ignore[assignment]
        return [event(charge, "Started", trigger, reading, "Transaction.Begin", info, more)]

    def metered(self, charge: Charge, reading: Reading) -> list[Said]:
        state = "Charging" if reading.power_w > 0 else "SuspendedEV"
        info = {"chargingState": state}
        return [event(charge, "Updated", "MeterValuePeriodic", reading, "Sample.Periodic", info, {})]

    def ended(self, charge: Charge, reading: Reading, reason: str) -> list[Said]:
        trigger = {"Remote": "RemoteStop", "EVDisconnected": "EVCommunicationLost"}.get(reason, "StopAuthorized")
        info = {"stoppedReason": REASONS.get(reason, reason), "chargingState": "Idle"}
        return [event(charge, "Ended", trigger, reading, "Transaction.End", info, {})]


class Words21(Words201):
    protocol = "ocpp2.1"


def token(badge: str) -> Payload:
    return {"idToken": badge, "type": "ISO14443"}


def event(
    charge: Charge, kind: str, trigger: str, reading: Reading, context: str, info: Payload, more: Payload
) -> Said:
    """TransactionEvent; the sequence number counts from 0 within the transaction."""
    payload: Payload = {
        "eventType": kind,
        "timestamp": stamp(reading.at),
        "triggerReason": trigger,
        "seqNo": charge.seq_no,
        "transactionInfo": {"transactionId": charge.local_id, **info},
        "meterValue": [{"timestamp": stamp(reading.at), "sampledValue": samples(reading, context)}],
        **more,
    }
    charge.seq_no += 1
    if charge.offline:
        payload["offline"] = True
    return Said("TransactionEvent", payload)


def samples(reading: Reading, context: str) -> list[Payload]:
    values: list[Payload] = [
        sample(round(reading.register_wh, 1), "Energy.Active.Import.Register", "Wh"),
        sample(round(reading.power_w, 1), "Power.Active.Import", "W"),
        sample(round(reading.voltage_v, 1), "Voltage", "V", phase="L1-N"),
        sample(round(reading.current_a, 1), "Current.Import", "A", phase="L1"),
    ]
    if reading.soc_percent is not None:
        values.append(sample(round(reading.soc_percent), "SoC", "Percent"))
    return [value | {"context": context} for value in values]


def sample(value: float, measurand: str, unit: str, **more: Any) -> Payload:
    return {"value": value, "measurand": measurand, "unitOfMeasure": {"unit": unit}, **more}


def obey(station: Station, action: str, payload: Payload) -> Payload:
    """Answer a request of the CSMS. Raises Refused for what this station cannot do."""
    match action:
        case "RequestStartTransaction":
            return status(station.wish(payload["idToken"]["idToken"], payload["remoteStartId"]))
        case "RequestStopTransaction":
            charge = station.charge
            mine = charge is not None and charge.local_id == payload["transactionId"]
            return status(mine and station.stop("Remote"))
        case "Reset":
            station.restart("HardReset" if payload["type"] == "Immediate" else "SoftReset")
            return status(True)
        case "UnlockConnector":
            known = (payload["evseId"], payload["connectorId"]) == (1, 1)
            station.stop("UnlockCommand")
            return {"status": "Unlocked" if known else "UnknownConnector"}
        case "ChangeAvailability":
            return {"status": station.serve(payload["operationalStatus"] == "Operative")}
        case "TriggerMessage":
            return {"status": station.trigger(payload["requestedMessage"])}
        case "GetVariables":
            return {"getVariableResult": [get(station, line) for line in payload["getVariableData"]]}
        case "SetVariables":
            return {"setVariableResult": [put(station, line) for line in payload["setVariableData"]]}
        case _:
            raise Refused("NotImplemented")


def get(station: Station, line: Payload) -> Payload:
    named = {"component": line["component"], "variable": line["variable"]}
    value = station.settings.get(line["variable"]["name"])
    if value is None:
        return named | {"attributeStatus": "UnknownVariable"}
    return named | {"attributeStatus": "Accepted", "attributeValue": value}


def put(station: Station, line: Payload) -> Payload:
    named = {"component": line["component"], "variable": line["variable"]}
    if line["variable"]["name"] not in station.settings:
        return named | {"attributeStatus": "UnknownVariable"}
    station.settings[line["variable"]["name"]] = line["attributeValue"]
    return named | {"attributeStatus": "Accepted"}


def status(done: bool) -> Payload:
    return {"status": "Accepted" if done else "Rejected"}
