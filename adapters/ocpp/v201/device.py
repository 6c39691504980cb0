"""OCPP 2.0.1: the device model. Components with variables, what they report, and their events."""

from __future__ import annotations

from adapters.ocpp.dialect import EMPTY, Hear, Payload, Said, Say, given
from adapters.ocpp.sample import when
from adapters.ocpp.v201.evse import evse
from application.session import Session
from domain.station import Notice


def event(session: Session, payload: Payload) -> bytes:
    """NotifyEvent (N07)."""
    session.notify(
        when(payload["generatedAt"], session.now),
        payload["seqNo"],
        tuple(notice(session, line) for line in payload["eventData"]),
        payload.get("tbc", False),
    )
    return EMPTY


def notice(session: Session, line: Payload) -> Notice:
    evse = line["component"].get("evse", {})
    return Notice(
        event_id=line["eventId"],
        at=when(line["timestamp"], session.now),
        trigger=line["trigger"],
        component=line["component"]["name"],
        variable=line["variable"]["name"],
        actual_value=line["actualValue"],
        cleared=line.get("cleared", False),
        evse_id=evse.get("id"),
        connector_id=evse.get("connectorId"),
    )


def say_get_variables(session: Session, wish: Payload) -> Said:
    """GetVariables (B06)."""
    return Said("GetVariables", {"getVariableData": [variable(line) for line in wish["variables"]]})


def say_set_variables(session: Session, wish: Payload) -> Said:
    """SetVariables (B05)."""
    lines = [{**variable(line), "attributeValue": line["value"]} for line in wish["variables"]]
    return Said("SetVariables", {"setVariableData": lines})


def variable(line: Payload) -> Payload:
    component = given(name=line["component"], instance=line.get("component_instance"), evse=evse(line))
    name = given(name=line["variable"], instance=line.get("variable_instance"))
    return given(component=component, variable=name, attributeType=line.get("attribute_type"))


HEAR: dict[str, Hear] = {
    "NotifyEvent": event,
}
KEPT: dict[str, bytes] = {
    "NotifyMonitoringReport": EMPTY,
    "NotifyReport": EMPTY,
}
SAY: dict[str, Say] = {
    "getVariables": say_get_variables,
    "setVariables": say_set_variables,
}
CANNOT: dict[str, str] = {
    "getConfiguration": "OCPP 2.x has variables, not configuration keys: use getVariables",
    "changeConfiguration": "OCPP 2.x has variables, not configuration keys: use setVariables",
}
