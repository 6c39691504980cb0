"""OCPP 2.0.1: the device model. Components with variables, read, written and reported."""

from __future__ import annotations

from typing import Any

import msgspec

from adapters.ocpp.dialect import EMPTY, Hear, Heed, Payload, Said, Say, dump, given, portioned
from adapters.ocpp.sample import when
from adapters.ocpp.secret import redacted
from adapters.ocpp.v201.evse import evse
from application.session import Session
from domain import secret
from domain.device import (
    Attribute,
    Characteristics,
    Device,
    ReadVariable,
    ReportedVariable,
    WrittenVariable,
    stream,
)
from domain.event import Event, Message, Refusal


def report(session: Session, payload: Payload) -> bytes:
    """NotifyReport (B07, B08)."""
    payload = without_secrets(session, payload)
    tell(
        session,
        Device.VariablesReported,
        request_id=payload["requestId"],
        seq_no=payload["seqNo"],
        occurred_at=when(payload["generatedAt"], session.now),
        variables=tuple(reported(line) for line in payload.get("reportData", ())),
        to_be_continued=payload.get("tbc", False),
    )
    return EMPTY


def reported(line: Payload) -> ReportedVariable:
    return ReportedVariable(
        **named(line),
        attributes=tuple(attribute(each) for each in line["variableAttribute"]),
        characteristics=characteristics(line.get("variableCharacteristics")),
    )


def attribute(each: Payload) -> Attribute:
    return Attribute(
        kind=each.get("type", "Actual"),
        value=each.get("value"),
        mutability=each.get("mutability", "ReadWrite"),
        persistent=each.get("persistent", False),
        constant=each.get("constant", False),
    )


def characteristics(said: Payload | None) -> Characteristics | None:
    if said is None:
        return None
    return Characteristics(
        data_type=said["dataType"],
        monitorable=said["supportsMonitoring"],
        unit=said.get("unit"),
        min_limit=said.get("minLimit"),
        max_limit=said.get("maxLimit"),
        max_elements=said.get("maxElements"),
        values=said.get("valuesList"),
    )


def say_get_variables(session: Session, wish: Payload) -> Said:
    """GetVariables (B06): never more than ItemsPerMessageGetVariables in one call (B06.FR.05)."""
    return portioned("GetVariables", "getVariableData", [variable(line) for line in wish["variables"]], wish)


def say_set_variables(session: Session, wish: Payload) -> Said:
    """SetVariables (B05): never more than ItemsPerMessageSetVariables in one call (B05.FR.11)."""
    secret.refuse(*(line["variable"] for line in wish["variables"]))
    lines = [variable(line) | {"attributeValue": line["value"]} for line in wish["variables"]]
    return portioned("SetVariables", "setVariableData", lines, wish)


def say_get_base_report(session: Session, wish: Payload) -> Said:
    """GetBaseReport (B07)."""
    return Said("GetBaseReport", {"requestId": session.rules.numbers.take(), "reportBase": wish["base"]})


def say_get_report(session: Session, wish: Payload) -> Said:
    """GetReport (B08)."""
    return Said("GetReport", custom_report(session, wish, "componentCriteria"))


def custom_report(session: Session, wish: Payload, criteria: str) -> Payload:
    """What a report shall be about; one report has one request (B08.FR.08), so what is too much is refused."""
    lines, most = wish.get("variables") or [], wish.get("at_once")
    if most and len(lines) > most:
        raise Refusal(f"this station takes {most} variables in one request of a report: ask for several reports")
    return given(
        requestId=session.rules.numbers.take(),
        componentVariable=[address(line) for line in lines] or None,
        **{criteria: wish.get("criteria") or None},
    )


def heed_get_variables(session: Session, wish: Payload, sent: Payload, answer: Payload) -> None:
    """Values, or why there is none (B06.FR.02 and following)."""
    lines = tuple(
        ReadVariable(
            **named(line),
            kind=line.get("attributeType", "Actual"),
            status=line["attributeStatus"],
            value=line.get("attributeValue"),
            reason=reason(line.get("attributeStatusInfo")),
        )
        for line in answer["getVariableResult"]
    )
    tell(session, Device.VariablesRead, variables=lines)


def heed_set_variables(session: Session, wish: Payload, sent: Payload, answer: Payload) -> None:
    """Which values were taken; a station may answer in another order (B05.FR.02)."""
    asked = {key(line): line["attributeValue"] for line in sent["setVariableData"]}
    lines = tuple(
        WrittenVariable(
            **named(line),
            kind=line.get("attributeType", "Actual"),
            value=asked[key(line)],
            status=line["attributeStatus"],
            reason=reason(line.get("attributeStatusInfo")),
        )
        for line in answer["setVariableResult"]
        if key(line) in asked
    )
    if lines:
        tell(session, Device.VariablesWritten, variables=lines)


def heed_get_base_report(session: Session, wish: Payload, sent: Payload, answer: Payload) -> None:
    """A report will come, or not (B07.FR.02, B07.FR.11)."""
    ordered(session, sent, "VARIABLES", wish["base"], answer)


def heed_get_report(session: Session, wish: Payload, sent: Payload, answer: Payload) -> None:
    """A report will come, or not: nothing may fit what we asked for (B08.FR.15)."""
    ordered(session, sent, "VARIABLES", subject(wish), answer)


def ordered(session: Session, sent: Payload, kind: str, subject: str, answer: Payload) -> None:
    tell(
        session,
        Device.ReportOrdered,
        request_id=sent["requestId"],
        kind=kind,
        subject=subject,
        status=answer["status"],
    )


def subject(wish: Payload) -> str:
    """What a report is about, for people."""
    names = [".".join(filter(None, (v["component"], v.get("variable")))) for v in wish.get("variables") or ()]
    return ", ".join([*(wish.get("criteria") or ()), *names]) or "everything"


def variable(line: Payload) -> Payload:
    """A variable of an input, as OCPP names it, with the attribute that is meant."""
    return given(**address(line), attributeType=line.get("attribute_type"))


def address(line: Payload) -> Payload:
    component = given(name=line["component"], instance=line.get("component_instance"), evse=evse(line))
    name = given(name=line.get("variable"), instance=line.get("variable_instance"))
    return given(component=component, variable=name or None)


def named(line: Payload) -> dict[str, Any]:
    """A variable that OCPP names, as the domain does."""
    component, variable = line["component"], line["variable"]
    place = component.get("evse", {})
    return {
        "component": component["name"],
        "variable": variable["name"],
        "component_instance": component.get("instance"),
        "variable_instance": variable.get("instance"),
        "evse_id": place.get("id"),
        "connector_id": place.get("connectorId"),
    }


def key(line: Payload) -> tuple[Any, ...]:
    return (*named(line).values(), line.get("attributeType", "Actual"))


def reason(detail: Payload | None) -> str | None:
    """What the station adds to a status."""
    words = [str(detail[name]) for name in ("reasonCode", "additionalInfo") if detail.get(name)] if detail else []
    return ", ".join(words) or None


def without_secrets(session: Session, payload: Payload) -> Payload:
    """The payload as it may be kept; where it names a secret, the cause of what follows keeps no more than that."""
    clean = redacted(payload)
    if clean != payload and isinstance(session.cause, Message):
        session.cause.payload = msgspec.Raw(dump(clean))
    return clean


def tell(session: Session, kind: type[Event], /, **facts: Any) -> None:
    """Record a fact of the device model."""
    session.of(Device, stream(session.station_id)).record(kind, session.cause, session.now, **facts)


HEAR: dict[str, Hear] = {
    "NotifyReport": report,
}
SAY: dict[str, Say] = {
    "getVariables": say_get_variables,
    "setVariables": say_set_variables,
    "getBaseReport": say_get_base_report,
    "getReport": say_get_report,
}
HEED: dict[str, Heed] = {
    "getVariables": heed_get_variables,
    "setVariables": heed_set_variables,
    "getBaseReport": heed_get_base_report,
    "getReport": heed_get_report,
}
CANNOT: dict[str, str] = {
    "getConfiguration": "OCPP 2.x has variables, not configuration keys: use getVariables",
    "changeConfiguration": "OCPP 2.x has variables, not configuration keys: use setVariables",
}
