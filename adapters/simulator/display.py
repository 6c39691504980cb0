"""The screen of a simulated station (OCPP 2.x, O01-O06)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.simulator.device import batched
from adapters.simulator.vocabulary import Payload, Said, status

if TYPE_CHECKING:
    from adapters.simulator.station import Station

FORMATS = ("ASCII", "UTF8", "URI")
STATES = ("Charging", "Faulted", "Idle", "Unavailable")


def set_message(station: Station, payload: Payload) -> Payload:
    """O01, O02, O06: a message with a known id replaces that one; only one is always in front."""
    message = payload["message"]
    if message["message"]["format"] not in FORMATS:
        return {"status": "NotSupportedMessageFormat"}
    if message.get("state", "Idle") not in STATES:
        return {"status": "NotSupportedState"}
    transaction = message.get("transactionId")
    if transaction is not None and (station.charge is None or not station.charge.is_called(transaction)):
        return {"status": "UnknownTransaction"}
    if message["priority"] == "AlwaysFront":
        station.screen = {n: m for n, m in station.screen.items() if m["priority"] != "AlwaysFront"}
    station.screen[message["id"]] = message
    return status(True)


def get_messages(station: Station, payload: Payload) -> Payload:
    """O03, O04."""
    found = [
        message
        for message in station.screen.values()
        if message["id"] in payload.get("id", [message["id"]])
        and all(name not in payload or message.get(name) == payload[name] for name in ("priority", "state"))
    ]
    if not found:
        return {"status": "Unknown"}
    pages = [list(page) for page in batched(found)]
    station.send(
        Said(
            "NotifyDisplayMessages",
            {"requestId": payload["requestId"], "tbc": page is not pages[-1], "messageInfo": page},
        )
        for page in pages
    )
    return status(True)


def clear_message(station: Station, payload: Payload) -> Payload:
    """O05."""
    return {"status": "Unknown" if station.screen.pop(payload["id"], None) is None else "Accepted"}


OBEY201 = {
    "SetDisplayMessage": set_message,
    "GetDisplayMessages": get_messages,
    "ClearDisplayMessage": clear_message,
}
