"""OCPP 2.1: battery swap."""

from __future__ import annotations

from adapters.ocpp.dialect import EMPTY, Hear, Heed, Payload, Said, Say, read
from adapters.ocpp.sample import when
from adapters.ocpp.v201.badge import startable
from application.session import Session
from domain.event import Event
from domain.swap import Battery, Swap, stream

HAPPENED: dict[str, type[Event]] = {
    "BatteryIn": Swap.BatteriesInserted,
    "BatteryOut": Swap.BatteriesTaken,
    "BatteryOutTimeout": Swap.BatteriesLeft,
}


def swapped(session: Session, payload: Payload) -> bytes:
    """BatterySwap (S01, S03)."""
    session.of(Swap, stream(session.station_id)).record(
        HAPPENED[payload["eventType"]],
        session.cause,
        session.now,
        station_id=session.station_id,
        request_id=payload["requestId"],
        badge=payload["idToken"]["idToken"],
        batteries=tuple(battery(session, line) for line in payload["batteryData"]),
    )
    return EMPTY


def battery(session: Session, line: Payload) -> Battery:
    produced = line.get("productionDate")
    return Battery(
        evse_id=line["evseId"],
        serial_number=line["serialNumber"],
        soc_percent=float(line["soC"]),
        soh_percent=float(line["soH"]),
        produced_at=when(produced, session.now) if produced else None,
        detail=line.get("vendorInfo"),
    )


def say_request(session: Session, wish: Payload) -> Said:
    """RequestBatterySwap (S02), for a badge that we would let in (S02.FR.03)."""
    return Said(
        "RequestBatterySwap",
        {"idToken": startable(session, wish), "requestId": session.rules.numbers.take()},
    )


def heed_request(session: Session, wish: Payload, sent: Payload, answer: Payload) -> None:
    swap = session.of(Swap, stream(session.station_id))
    if read(answer).accepted:
        facts = {"request_id": sent["requestId"], "badge": wish["badge"]}
        swap.record(Swap.Arranged, session.cause, session.now, station_id=session.station_id, **facts)


HEAR: dict[str, Hear] = {
    "BatterySwap": swapped,
}
SAY: dict[str, Say] = {
    "requestBatterySwap": say_request,
}
HEED: dict[str, Heed] = {
    "requestBatterySwap": heed_request,
}
