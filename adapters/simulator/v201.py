"""The words of a station of OCPP 2.0.1 or 2.1. What the simulator says by itself is the same in both."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from adapters.simulator.vocabulary import Charge, Known, Payload, Reading, Said, stamp

STATES = {"available": "Available", "unavailable": "Unavailable", "reserved": "Reserved"}
BOOTS = {"HardReset": "RemoteReset", "SoftReset": "RemoteReset"}
EVSE = {"id": 1, "connectorId": 1}
REASONS = {"HardReset": "ImmediateReset", "SoftReset": "ImmediateReset", "UnlockCommand": "Other"}


class Words201:
    protocol = "ocpp2.0.1"

    def boot(self, vendor: str, model: str, serial: str, firmware: str, reason: str) -> Said:
        station = {"vendorName": vendor, "model": model, "serialNumber": serial, "firmwareVersion": firmware}
        return Said("BootNotification", {"reason": BOOTS.get(reason, reason), "chargingStation": station})

    def heartbeat(self) -> Said:
        return Said("Heartbeat", {})

    def state(self, state: str) -> str:
        return STATES.get(state, "Occupied")

    def status(self, state: str, at: datetime) -> Said:
        payload = {"timestamp": stamp(at), "connectorStatus": self.state(state), "evseId": 1, "connectorId": 1}
        return Said("StatusNotification", payload)

    def authorize(self, badge: str) -> Said:
        return Said("Authorize", {"idToken": token(badge)})

    def verdict(self, answer: Payload) -> Known:
        info = answer.get("idTokenInfo", {})
        return Known(info.get("status", "Accepted"), info.get("groupIdToken", {}).get("idToken"))

    def started(self, charge: Charge, reading: Reading) -> list[Said]:
        trigger = "RemoteStart" if charge.remote_start_id is not None else "Authorized"
        more: Payload = {"idToken": token(charge.badge), "evse": EVSE}
        if charge.reservation_id is not None:
            more["reservationId"] = charge.reservation_id
        info: Payload = {"chargingState": "EVConnected"}
        if charge.remote_start_id is not None:
            info["remoteStartId"] = charge.remote_start_id
        return [event(charge, "Started", trigger, reading, "Transaction.Begin", info, more)]

    def metered(self, charge: Charge, reading: Reading, trigger: bool = False) -> list[Said]:
        idle = "SuspendedEVSE" if reading.limited else "SuspendedEV"
        info = {"chargingState": "Charging" if reading.power_w > 0 else idle}
        reason, context = ("Trigger", "Trigger") if trigger else ("MeterValuePeriodic", "Sample.Periodic")
        return [event(charge, "Updated", reason, reading, context, info, {})]

    def meter(self, charge: Charge | None, reading: Reading) -> Said:
        value = {"timestamp": stamp(reading.at), "sampledValue": samples(reading, "Trigger")}
        return Said("MeterValues", {"evseId": 1, "meterValue": [value]})

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
