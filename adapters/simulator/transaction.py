"""Charges that the CSMS starts, ends and asks about, at a simulated station."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.simulator.vocabulary import Payload, status

if TYPE_CHECKING:
    from adapters.simulator.station import Station


def start16(station: Station, payload: Payload) -> Payload:
    """OCPP 1.6 section 5.11, with a profile for the charge if one comes along."""
    if payload.get("connectorId", 1) != 1:
        return status(False)
    return status(station.wish(payload["idTag"], None, payload.get("chargingProfile")))


def start201(station: Station, payload: Payload) -> Payload:
    """F01, F02."""
    if payload.get("evseId", 1) != 1:
        return status(False) | {"statusInfo": {"reasonCode": "UnknownEvse"}}
    group = payload.get("groupIdToken", {}).get("idToken")
    badge = payload["idToken"]["idToken"]
    return status(station.wish(badge, payload["remoteStartId"], payload.get("chargingProfile"), group))


def stop(station: Station, payload: Payload) -> Payload:
    mine = station.charge is not None and station.charge.is_called(payload["transactionId"])
    return status(mine and station.stop("Remote"))


def transaction_status(station: Station, payload: Payload) -> Payload:
    """E14: does it go on, and is there something about it that could not be sent yet?"""
    wanted = payload.get("transactionId")
    waiting = [charge for _, charge in station.unsent if wanted is None or charge.is_called(wanted)]
    answer: Payload = {"messagesInQueue": bool(waiting)}
    if wanted is not None:
        answer["ongoingIndicator"] = station.charge is not None and station.charge.is_called(wanted)
    return answer


def cost_updated(station: Station, payload: Payload) -> Payload:
    """I02: shown to the driver."""
    if station.charge is not None and station.charge.is_called(payload["transactionId"]):
        station.charge.cost = payload["totalCost"]
    return {}


OBEY16 = {"RemoteStartTransaction": start16, "RemoteStopTransaction": stop}
OBEY201 = {
    "RequestStartTransaction": start201,
    "RequestStopTransaction": stop,
    "GetTransactionStatus": transaction_status,
    "CostUpdated": cost_updated,
}
