"""The words of a station of OCPP 1.6J."""

from __future__ import annotations

from datetime import datetime

from adapters.simulator.vocabulary import Charge, Known, Payload, Reading, Said, stamp

STATES = {
    "available": "Available",
    "occupied": "Preparing",
    "charging": "Charging",
    "full": "SuspendedEV",
    "limited": "SuspendedEVSE",
    "reserved": "Reserved",
    "finishing": "Finishing",
    "unavailable": "Unavailable",
}


class Words16:
    protocol = "ocpp1.6"

    def boot(self, vendor: str, model: str, serial: str, firmware: str, reason: str) -> Said:
        return Said(
            "BootNotification",
            {
                "chargePointVendor": vendor,
                "chargePointModel": model,
                "chargePointSerialNumber": serial,
                "firmwareVersion": firmware,
            },
        )

    def heartbeat(self) -> Said:
        return Said("Heartbeat", {})

    def state(self, state: str) -> str:
        return STATES[state]

    def status(self, state: str, at: datetime) -> Said:
        payload = {"connectorId": 1, "errorCode": "NoError", "status": self.state(state), "timestamp": stamp(at)}
        return Said("StatusNotification", payload)

    def authorize(self, badge: str) -> Said:
        return Said("Authorize", {"idTag": badge})

    def verdict(self, answer: Payload) -> Known:
        info = answer.get("idTagInfo", {})
        return Known(info.get("status", "Accepted"), info.get("parentIdTag"))

    def started(self, charge: Charge, reading: Reading) -> list[Said]:
        payload: Payload = {
            "connectorId": 1,
            "idTag": charge.badge,
            "meterStart": round(reading.register_wh),
            "timestamp": stamp(charge.started_at),
        }
        if charge.reservation_id is not None:
            payload["reservationId"] = charge.reservation_id
        return [Said("StartTransaction", payload), values(charge, reading, "Transaction.Begin")]

    def metered(self, charge: Charge, reading: Reading, trigger: bool = False) -> list[Said]:
        return [values(charge, reading, "Trigger" if trigger else "Sample.Periodic")]

    def meter(self, charge: Charge | None, reading: Reading) -> Said:
        return values(charge, reading, "Trigger")

    def ended(self, charge: Charge, reading: Reading, reason: str) -> list[Said]:
        payload = {
            "transactionId": charge.local_id,
            "meterStop": round(reading.register_wh),
            "timestamp": stamp(reading.at),
            "reason": reason,
            "idTag": charge.badge,
        }
        return [Said("StopTransaction", payload)]


def values(charge: Charge | None, reading: Reading, context: str) -> Said:
    """MeterValues, of a charge or of the meter alone."""
    samples = [
        {"value": f"{reading.register_wh:.1f}", "measurand": "Energy.Active.Import.Register", "unit": "Wh"},
        {"value": f"{reading.power_w / 1000:.3f}", "measurand": "Power.Active.Import", "unit": "kW"},
        {"value": f"{reading.voltage_v:.1f}", "measurand": "Voltage", "phase": "L1", "unit": "V"},
        {"value": f"{reading.current_a:.1f}", "measurand": "Current.Import", "phase": "L1", "unit": "A"},
    ]
    if reading.soc_percent is not None:
        samples.append({"value": f"{reading.soc_percent:.0f}", "measurand": "SoC", "unit": "Percent"})
    for sample in samples:
        sample["context"] = context
    payload: Payload = {
        "connectorId": 1,
        "meterValue": [{"timestamp": stamp(reading.at), "sampledValue": samples}],
    }
    return Said("MeterValues", payload if charge is None else payload | {"transactionId": charge.local_id})
