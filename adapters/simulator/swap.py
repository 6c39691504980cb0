"""A battery swap at a simulated station (OCPP 2.1, S01-S03): an empty battery goes in, a full one comes out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.simulator.vocabulary import Payload, Said, status

if TYPE_CHECKING:
    from adapters.simulator.station import Station


def request_swap(station: Station, payload: Payload) -> Payload:
    """Not while a car charges or out of service."""
    if station.charge is not None or not station.operative:
        return status(False)
    head = {"idToken": payload["idToken"], "requestId": payload["requestId"]}
    station.send(
        Said("BatterySwap", head | {"eventType": kind, "batteryData": [battery(station, kind, soc)]})
        for kind, soc in (("BatteryIn", 12), ("BatteryOut", 98))
    )
    return status(True)


def battery(station: Station, kind: str, soc: int) -> Payload:
    return {"evseId": 1, "serialNumber": f"{station.identity}-{kind}"[:50], "soC": soc, "soH": 95}


OBEY21 = {"RequestBatterySwap": request_swap}
