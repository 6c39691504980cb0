"""A station of OCPP 1.6J: its words, and how it obeys."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from adapters.simulator.link import Refused
from adapters.simulator.vocabulary import Charge, Payload, Reading, Said, stamp

if TYPE_CHECKING:
    from adapters.simulator.station import Station

STATES = {
    "available": "Available",
    "occupied": "Preparing",
    "charging": "Charging",
    "full": "SuspendedEV",
    "finishing": "Finishing",
    "unavailable": "Unavailable",
}


class Words16:
    protocol = "ocpp1.6"

    def boot(self, vendor: str, model: str, serial: str) -> Said:
        return Said(
            "BootNotification",
            {
                "chargePointVendor": vendor,
                "chargePointModel": model,
                "chargePointSerialNumber": serial,
                "firmwareVersion": "1.0.0",
            },
        )

    def heartbeat(self) -> Said:
        return Said("Heartbeat", {})

    def status(self, state: str, at: datetime) -> Said:
        payload = {"connectorId": 1, "errorCode": "NoError", "status": STATES[state], "timestamp": stamp(at)}
        return Said("StatusNotification", payload)

    def authorize(self, badge: str) -> Said:
        return Said("Authorize", {"idTag": badge})

    def welcome(self, answer: Payload) -> bool:
        return bool(answer.get("idTagInfo", {}).get("status", "Accepted") == "Accepted")

    def started(self, charge: Charge, reading: Reading) -> list[Said]:
        return [
            Said(
                "StartTransaction",
                {
                    "connectorId": 1,
                    "idTag": charge.badge,
                    "meterStart": round(reading.register_wh),
                    "timestamp": stamp(charge.started_at),
                },
            ),
            *self.metered(charge, reading, "Transaction.Begin"),
        ]

    def metered(self, charge: Charge, reading: Reading, context: str = "Sample.Periodic") -> list[Said]:
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
        value = {"timestamp": stamp(reading.at), "sampledValue": samples}
        return [Said("MeterValues", {"connectorId": 1, "transactionId": charge.local_id, "meterValue": [value]})]

    def ended(self, charge: Charge, reading: Reading, reason: str) -> list[Said]:
        payload = {
            "transactionId": charge.local_id,
            "meterStop": round(reading.register_wh),
            "timestamp": stamp(reading.at),
            "reason": reason,
            "idTag": charge.badge,
        }
        return [Said("StopTransaction", payload)]


def obey(station: Station, action: str, payload: Payload) -> Payload:
    """Answer a request of the CSMS. Raises Refused for what this station cannot do."""
    match action:
        case "RemoteStartTransaction":
            return status(station.wish(payload["idTag"], None))
        case "RemoteStopTransaction":
            charge = station.charge
            mine = charge is not None and charge.known_id == payload["transactionId"]
            return status(mine and station.stop("Remote"))
        case "Reset":
            station.restart("HardReset" if payload["type"] == "Hard" else "SoftReset")
            return status(True)
        case "UnlockConnector":
            station.stop("UnlockCommand")
            return {"status": "Unlocked" if payload["connectorId"] == 1 else "NotSupported"}
        case "ChangeAvailability":
            return {"status": station.serve(payload["type"] == "Operative")}
        case "TriggerMessage":
            return {"status": station.trigger(payload["requestedMessage"])}
        case "GetConfiguration":
            wanted = payload.get("key") or list(station.settings)
            known = [
                {"key": key, "readonly": False, "value": station.settings[key]}
                for key in wanted
                if key in station.settings
            ]
            return {"configurationKey": known, "unknownKey": [key for key in wanted if key not in station.settings]}
        case "ChangeConfiguration":
            if payload["key"] not in station.settings:
                return {"status": "NotSupported"}
            station.settings[payload["key"]] = payload["value"]
            return status(True)
        case _:
            raise Refused("NotImplemented")


def status(done: bool) -> Payload:
    return {"status": "Accepted" if done else "Rejected"}
