"""OCPP 2.0.1: what its messages mean here, and how our commands are said in it."""

from __future__ import annotations

from adapters.ocpp.dialect import EMPTY, Dialect, Hear, Payload, Said, Say, dump, given, stamp
from adapters.ocpp.sample import readings2, when
from application.session import Session, end_register
from domain.event import Refusal
from domain.station import ConnectorStatus, Notice, Station
from domain.transaction import ChargingState

STATUS: dict[str, ConnectorStatus] = {
    "Available": "AVAILABLE",
    "Occupied": "OCCUPIED",
    "Reserved": "RESERVED",
    "Unavailable": "UNAVAILABLE",
    "Faulted": "FAULTED",
}
STATE: dict[str, ChargingState] = {
    "Charging": "CHARGING",
    "EVConnected": "EV_CONNECTED",
    "SuspendedEV": "SUSPENDED_EV",
    "SuspendedEVSE": "SUSPENDED_EVSE",
    "Idle": "IDLE",
}
TRIGGERS = {
    "BootNotification",
    "LogStatusNotification",
    "FirmwareStatusNotification",
    "Heartbeat",
    "MeterValues",
    "SignChargingStationCertificate",
    "SignV2GCertificate",
    "StatusNotification",
    "TransactionEvent",
    "SignCombinedCertificate",
    "PublishFirmwareStatusNotification",
}


def boot(session: Session, payload: Payload) -> bytes:
    """BootNotification (B01 to B03)."""
    station = payload["chargingStation"]
    modem = station.get("modem", {})
    status, interval = session.boot(
        vendor=station["vendorName"],
        model=station["model"],
        reason=payload["reason"],
        serial_number=station.get("serialNumber"),
        firmware_version=station.get("firmwareVersion"),
        iccid=modem.get("iccid") or None,
        imsi=modem.get("imsi") or None,
    )
    return dump({"currentTime": stamp(session.now), "interval": interval, "status": status})


def heartbeat(session: Session, payload: Payload) -> bytes:
    """Heartbeat (G02)."""
    session.tell(Station.HeartbeatReceived)
    return b'{"currentTime":"' + stamp(session.now).encode() + b'"}'


def status(session: Session, payload: Payload) -> bytes:
    """StatusNotification (G01); details of a fault come by NotifyEvent."""
    session.tell(
        Station.StatusReported,
        evse_id=payload["evseId"],
        connector_id=payload["connectorId"],
        status=STATUS[payload["connectorStatus"]],
        occurred_at=when(payload["timestamp"], session.now),
    )
    return EMPTY


def authorize(session: Session, payload: Payload) -> bytes:
    """Authorize (C01)."""
    token = payload["idToken"]
    return dump({"idTokenInfo": {"status": session.check(token["idToken"], token["type"])}})


def transaction(session: Session, payload: Payload) -> bytes:
    """TransactionEvent (E01 to E15): order is by seqNo within a transaction, not by arrival."""
    facts, token = payload["transactionInfo"], payload.get("idToken")
    occurred_at = when(payload["timestamp"], session.now)
    badge = token["idToken"] if token else None
    if payload["eventType"] == "Started":
        started(session, payload, badge)
    else:
        later(session, payload, badge)
    known = session.station.find(facts["transactionId"])
    if known is not None and (state := facts.get("chargingState")) is not None:
        session.report_state(session.load(known), STATE[state], occurred_at)
    if badge is None:
        return EMPTY
    return dump({"idTokenInfo": {"status": session.rules.badges.verdict(badge, session.now)}})


def started(session: Session, payload: Payload, badge: str | None) -> None:
    facts, evse = payload["transactionInfo"], payload.get("evse", {})
    session.start(
        facts["transactionId"],
        when(payload["timestamp"], session.now),
        badge,
        readings2(payload.get("meterValue", ()), session.now),
        payload["seqNo"],
        evse_id=evse.get("id", 0),
        connector_id=evse.get("connectorId"),
        remote_start_id=facts.get("remoteStartId"),
        reservation_id=payload.get("reservationId"),
        offline=payload.get("offline", False),
    )


def later(session: Session, payload: Payload, badge: str | None) -> None:
    facts, evse = payload["transactionInfo"], payload.get("evse", {})
    occurred_at = when(payload["timestamp"], session.now)
    found = session.find(facts["transactionId"], occurred_at, evse.get("id"), evse.get("connectorId"))
    if badge is not None and payload["eventType"] == "Updated":
        found.present(badge, session.rules.badges.verdict(badge, session.now), occurred_at, session.cause, session.now)
    readings = readings2(payload.get("meterValue", ()), session.now)
    seq_no, offline = payload["seqNo"], payload.get("offline", False)
    if payload["eventType"] == "Ended":
        reason = facts.get("stoppedReason", "Local")
        session.end(found, occurred_at, reason, end_register(readings), badge, readings, seq_no, offline)
    else:
        found.meter(readings, session.cause, session.now, seq_no, offline)


def meter(session: Session, payload: Payload) -> bytes:
    """MeterValues (J01): readings outside transactions."""
    readings = readings2(payload["meterValue"], session.now)
    session.tell(Station.Metered, evse_id=payload["evseId"], readings=readings)
    return EMPTY


def data(session: Session, payload: Payload) -> bytes:
    """DataTransfer (P02): kept whole; no vendor extension is installed, and we say so."""
    session.tell(
        Station.DataTransferred,
        vendor_id=payload["vendorId"],
        status="UnknownVendorId",
        vendor_message_id=payload.get("messageId"),
        content=payload.get("data"),
    )
    return b'{"status":"UnknownVendorId"}'


def firmware(session: Session, payload: Payload) -> bytes:
    """FirmwareStatusNotification (L01)."""
    session.tell(Station.FirmwareProgressed, status=payload["status"], request_id=payload.get("requestId"))
    return EMPTY


def log(session: Session, payload: Payload) -> bytes:
    """LogStatusNotification (N01)."""
    session.tell(Station.LogUploadProgressed, status=payload["status"], request_id=payload.get("requestId"))
    return EMPTY


def security(session: Session, payload: Payload) -> bytes:
    """SecurityEventNotification (A04)."""
    session.tell(
        Station.SecurityEventReported,
        kind=payload["type"],
        occurred_at=when(payload["timestamp"], session.now),
        detail=payload.get("techInfo"),
    )
    return EMPTY


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


def say_start(session: Session, wish: Payload) -> Said:
    """RequestStartTransaction (F01, F02); the remote start id is never used twice."""
    token = {"idToken": wish["badge"], "type": session.rules.badges.kind(wish["badge"])}
    return Said(
        "RequestStartTransaction",
        given(idToken=token, remoteStartId=session.rules.numbers.take(), evseId=wish.get("evse_id")),
    )


def say_stop(session: Session, wish: Payload) -> Said:
    """RequestStopTransaction (F03)."""
    known = session.known(wish["transaction_id"])
    if known is None:
        raise Refusal("this station has no such transaction")
    return Said("RequestStopTransaction", {"transactionId": known.station_transaction_id})


def say_reset(session: Session, wish: Payload) -> Said:
    """Reset (B11, B12)."""
    kind = "Immediate" if wish["kind"] == "HARD" else "OnIdle"
    return Said("Reset", given(type=kind, evseId=wish.get("evse_id")))


def say_unlock(session: Session, wish: Payload) -> Said:
    """UnlockConnector (F05)."""
    return Said("UnlockConnector", {"evseId": wish["evse_id"], "connectorId": wish.get("connector_id") or 1})


def say_availability(session: Session, wish: Payload) -> Said:
    """ChangeAvailability (G03, G04)."""
    kind = "Operative" if wish["operative"] else "Inoperative"
    return Said("ChangeAvailability", given(operationalStatus=kind, evse=evse(wish)))


def say_trigger(session: Session, wish: Payload) -> Said:
    """TriggerMessage (F06)."""
    if wish["message"] not in TRIGGERS:
        raise Refusal(f"OCPP 2.x can trigger {', '.join(sorted(TRIGGERS))}; not {wish['message']}")
    return Said("TriggerMessage", given(requestedMessage=wish["message"], evse=evse(wish)))


def say_get_variables(session: Session, wish: Payload) -> Said:
    """GetVariables (B06)."""
    return Said("GetVariables", {"getVariableData": [variable(line) for line in wish["variables"]]})


def say_set_variables(session: Session, wish: Payload) -> Said:
    """SetVariables (B05)."""
    lines = [{**variable(line), "attributeValue": line["value"]} for line in wish["variables"]]
    return Said("SetVariables", {"setVariableData": lines})


def evse(wish: Payload) -> Payload | None:
    if not wish.get("evse_id"):
        return None
    return given(id=wish["evse_id"], connectorId=wish.get("connector_id"))


def variable(line: Payload) -> Payload:
    component = given(name=line["component"], instance=line.get("component_instance"), evse=evse(line))
    name = given(name=line["variable"], instance=line.get("variable_instance"))
    return given(component=component, variable=name, attributeType=line.get("attribute_type"))


HEAR: dict[str, Hear] = {
    "BootNotification": boot,
    "Heartbeat": heartbeat,
    "StatusNotification": status,
    "Authorize": authorize,
    "TransactionEvent": transaction,
    "MeterValues": meter,
    "DataTransfer": data,
    "FirmwareStatusNotification": firmware,
    "LogStatusNotification": log,
    "SecurityEventNotification": security,
    "NotifyEvent": event,
}
KEPT = {
    "ClearedChargingLimit": EMPTY,
    "Get15118EVCertificate": b'{"status":"Failed","exiResponse":""}',
    "GetCertificateStatus": b'{"status":"Failed"}',
    "NotifyChargingLimit": EMPTY,
    "NotifyCustomerInformation": EMPTY,
    "NotifyDisplayMessages": EMPTY,
    "NotifyEVChargingNeeds": b'{"status":"Rejected"}',
    "NotifyEVChargingSchedule": b'{"status":"Accepted"}',
    "NotifyMonitoringReport": EMPTY,
    "NotifyReport": EMPTY,
    "PublishFirmwareStatusNotification": EMPTY,
    "ReportChargingProfiles": EMPTY,
    "ReservationStatusUpdate": EMPTY,
    "SignCertificate": b'{"status":"Rejected"}',
}
SAY: dict[str, Say] = {
    "remoteStart": say_start,
    "remoteStop": say_stop,
    "reset": say_reset,
    "unlockConnector": say_unlock,
    "changeAvailability": say_availability,
    "triggerMessage": say_trigger,
    "getVariables": say_get_variables,
    "setVariables": say_set_variables,
}
CANNOT = {
    "getConfiguration": "OCPP 2.x has variables, not configuration keys: use getVariables",
    "changeConfiguration": "OCPP 2.x has variables, not configuration keys: use setVariables",
}

DIALECT = Dialect(version="2.0.1", hear=HEAR, kept=KEPT, say=SAY, cannot=CANNOT)
