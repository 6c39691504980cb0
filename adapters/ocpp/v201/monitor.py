"""OCPP 2.0.1: monitors of variables, and the events they raise."""

from __future__ import annotations

from typing import Any

from adapters.ocpp.dialect import EMPTY, Hear, Heed, Payload, Said, Say, given, portioned
from adapters.ocpp.sample import when
from adapters.ocpp.v201.device import (
    address,
    custom_report,
    key,
    named,
    ordered,
    reason,
    subject,
    tell,
    without_secrets,
)
from application.session import Session
from domain.device import Device, PlacedMonitor, RemovedMonitor, ReportedMonitor
from domain.station import Notice


def event(session: Session, payload: Payload) -> bytes:
    """NotifyEvent (N07)."""
    payload = without_secrets(session, payload)
    session.notify(
        when(payload["generatedAt"], session.now),
        payload["seqNo"],
        tuple(notice(session, line) for line in payload["eventData"]),
        payload.get("tbc", False),
    )
    return EMPTY


def notice(session: Session, line: Payload) -> Notice:
    return Notice(
        **named(line),
        event_id=line["eventId"],
        at=when(line["timestamp"], session.now),
        trigger=line["trigger"],
        actual_value=line["actualValue"],
        cleared=line.get("cleared", False),
        origin=line.get("eventNotificationType"),
        monitor_id=line.get("variableMonitoringId"),
        severity=line.get("severity"),
        caused_by=line.get("cause"),
        station_transaction_id=line.get("transactionId"),
        tech_code=line.get("techCode"),
        tech_info=line.get("techInfo"),
    )


def report(session: Session, payload: Payload) -> bytes:
    """NotifyMonitoringReport (N02)."""
    tell(
        session,
        Device.MonitorsReported,
        request_id=payload["requestId"],
        seq_no=payload["seqNo"],
        occurred_at=when(payload["generatedAt"], session.now),
        monitors=tuple(
            reported(line, each) for line in payload.get("monitor", ()) for each in line["variableMonitoring"]
        ),
        to_be_continued=payload.get("tbc", False),
    )
    return EMPTY


def reported(line: Payload, each: Payload) -> ReportedMonitor:
    return ReportedMonitor(
        **named(line),
        monitor_id=each["id"],
        kind=each["type"],
        value=each["value"],
        severity=each["severity"],
        during_transaction=each["transaction"],
        origin=each.get("eventNotificationType"),
    )


def say_get_monitoring_report(session: Session, wish: Payload) -> Said:
    """GetMonitoringReport (N02)."""
    return Said("GetMonitoringReport", custom_report(session, wish, "monitoringCriteria"))


def say_set_variable_monitoring(session: Session, wish: Payload) -> Said:
    """SetVariableMonitoring (N04): never more than ItemsPerMessageSetVariableMonitoring in one call (N04.FR.09)."""
    return portioned("SetVariableMonitoring", "setMonitoringData", [monitor(line) for line in wish["monitors"]], wish)


def monitor(line: Payload) -> Payload:
    pace = given(interval=line.get("interval_s"), values=line.get("values"))
    return given(
        **address(line),
        id=line.get("monitor_id"),
        type=line["kind"],
        value=line["value"],
        severity=line["severity"],
        transaction=line.get("during_transaction") or None,
        periodicEventStream=pace or None,
    )


def say_clear_variable_monitoring(session: Session, wish: Payload) -> Said:
    """ClearVariableMonitoring (N06): never more than ItemsPerMessageClearVariableMonitoring in one call (N06.FR.04)."""
    return portioned("ClearVariableMonitoring", "id", wish["monitor_ids"], wish)


def say_set_monitoring_base(session: Session, wish: Payload) -> Said:
    """SetMonitoringBase (N03)."""
    return Said("SetMonitoringBase", {"monitoringBase": wish["base"]})


def say_set_monitoring_level(session: Session, wish: Payload) -> Said:
    """SetMonitoringLevel (N05)."""
    return Said("SetMonitoringLevel", {"severity": wish["severity"]})


def heed_get_monitoring_report(session: Session, wish: Payload, sent: Payload, answer: Payload) -> None:
    """A report will come, or not: nothing may fit what we asked for (N02.FR.10)."""
    ordered(session, sent, "MONITORS", subject(wish), answer)


def heed_set_variable_monitoring(session: Session, wish: Payload, sent: Payload, answer: Payload) -> None:
    """Which monitors were taken, and their ids (N04.FR.11); a station may answer in another order (N04.FR.02)."""
    asked = {slot(line): line for line in sent["setMonitoringData"]}
    lines = tuple(placed(line, asked[slot(line)]) for line in answer["setMonitoringResult"] if slot(line) in asked)
    if lines:
        tell(session, Device.MonitorsPlaced, monitors=lines)


def slot(line: Payload) -> tuple[Any, ...]:
    """There is one monitor of a type and severity on a variable (N04.FR.10)."""
    return (*key(line), line["type"], line["severity"])


def placed(line: Payload, asked: Payload) -> PlacedMonitor:
    return PlacedMonitor(
        **named(line),
        status=line["status"],
        kind=line["type"],
        value=asked["value"],
        severity=line["severity"],
        monitor_id=line.get("id", asked.get("id")),
        during_transaction=asked.get("transaction", False),
        reason=reason(line.get("statusInfo")),
    )


def heed_clear_variable_monitoring(session: Session, wish: Payload, sent: Payload, answer: Payload) -> None:
    """Which monitors are gone (N06)."""
    lines = tuple(
        RemovedMonitor(monitor_id=line["id"], status=line["status"], reason=reason(line.get("statusInfo")))
        for line in answer["clearMonitoringResult"]
    )
    tell(session, Device.MonitorsRemoved, monitors=lines)


def heed_set_monitoring_base(session: Session, wish: Payload, sent: Payload, answer: Payload) -> None:
    if answer["status"] == "Accepted":
        tell(session, Device.MonitoringBaseChosen, base=sent["monitoringBase"])


def heed_set_monitoring_level(session: Session, wish: Payload, sent: Payload, answer: Payload) -> None:
    if answer["status"] == "Accepted":
        tell(session, Device.MonitoringLevelChosen, severity=sent["severity"])


HEAR: dict[str, Hear] = {
    "NotifyEvent": event,
    "NotifyMonitoringReport": report,
}
SAY: dict[str, Say] = {
    "getMonitoringReport": say_get_monitoring_report,
    "setVariableMonitoring": say_set_variable_monitoring,
    "clearVariableMonitoring": say_clear_variable_monitoring,
    "setMonitoringBase": say_set_monitoring_base,
    "setMonitoringLevel": say_set_monitoring_level,
}
HEED: dict[str, Heed] = {
    "getMonitoringReport": heed_get_monitoring_report,
    "setVariableMonitoring": heed_set_variable_monitoring,
    "clearVariableMonitoring": heed_clear_variable_monitoring,
    "setMonitoringBase": heed_set_monitoring_base,
    "setMonitoringLevel": heed_set_monitoring_level,
}
