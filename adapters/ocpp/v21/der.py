"""OCPP 2.1: control of distributed energy resources (block R)."""

from __future__ import annotations

from uuid import uuid4

import msgspec

from adapters.ocpp.dialect import EMPTY, Hear, Heed, Payload, Said, Say, explain, given
from adapters.ocpp.sample import when
from adapters.ocpp.schedule import Part, Words, hear, say, wished
from application.session import Session
from domain.der import SETTING, Control, Der, Selection, stream

TIMED: Words = {"priority": "priority", "starts_at": "startTime", "duration_seconds": "duration"}
CURVE: Words = {
    **TIMED,
    "points": Part("curveData", {"x": "x", "y": "y"}),
    "unit": "yUnit",
    "response_seconds": "responseTime",
    "hysteresis": Part(
        "hysteresis",
        {
            "high": "hysteresisHigh",
            "low": "hysteresisLow",
            "delay_seconds": "hysteresisDelay",
            "gradient": "hysteresisGradient",
        },
        listed=False,
    ),
    "reactive_power": Part(
        "reactivePowerParams",
        {
            "reference_voltage": "vRef",
            "autonomous": "autonomousVRefEnable",
            "time_constant_seconds": "autonomousVRefTimeConstant",
        },
        listed=False,
    ),
    "mean_voltage": Part(
        "voltageParams",
        {
            "limit": "hv10MinMeanValue",
            "trip_delay_seconds": "hv10MinMeanTripDelay",
            "ceased_power": "powerDuringCessation",
        },
        listed=False,
    ),
}
FACTOR: Words = {**TIMED, "displacement": "displacement", "excitation": "excitation"}
WORDS: dict[str, Words] = {
    "curve": CURVE,
    "enter_service": {
        "priority": "priority",
        "high_voltage": "highVoltage",
        "low_voltage": "lowVoltage",
        "high_frequency": "highFreq",
        "low_frequency": "lowFreq",
        "delay_seconds": "delay",
        "random_delay_seconds": "randomDelay",
        "ramp_rate": "rampRate",
    },
    "fixed_power_factor": FACTOR,
    "fixed_var": {**TIMED, "setpoint": "setpoint", "unit": "unit"},
    "frequency_droop": {
        **TIMED,
        "over_frequency": "overFreq",
        "under_frequency": "underFreq",
        "over_droop": "overDroop",
        "under_droop": "underDroop",
        "response_seconds": "responseTime",
    },
    "gradient": {"priority": "priority", "gradient": "gradient", "soft_gradient": "softGradient"},
    "discharge_limit": {
        **TIMED,
        "percent": "pctMaxDischargePower",
        "must_trip": Part("powerMonitoringMustTrip", CURVE, listed=False),
    },
}
FIELD = {
    "EnterService": "enterService",
    "FixedPFAbsorb": "fixedPFAbsorb",
    "FixedPFInject": "fixedPFInject",
    "FixedVar": "fixedVar",
    "FreqDroop": "freqDroop",
    "Gradients": "gradient",
    "LimitMaxDischarge": "limitMaxDischarge",
}
"""Type of control → the field of its settings; all other types are in `curve`."""

LISTS = {field: (kind, field) for kind, field in FIELD.items()} | {
    "fixedPFAbsorb": ("FixedPFAbsorb", "fixedPF"),
    "fixedPFInject": ("FixedPFInject", "fixedPF"),
}
"""List of a report → type of its controls, and the field of their settings."""


def report(session: Session, payload: Payload) -> bytes:
    """ReportDERControl (R04.FR.31 to R04.FR.35)."""
    known = book(session)
    curves = [reported(line["curveType"], line, "curve") for line in payload.get("curve", ())]
    others = [reported(kind, line, at) for name, (kind, at) in LISTS.items() for line in payload.get(name, ())]
    known.report(payload["requestId"], (*curves, *others), payload.get("tbc", False), session.cause, session.now)
    return EMPTY


def reported(kind: str, line: Payload, field: str) -> Control:
    """One control of a report; those that can only be defaults do not say so."""
    name = SETTING.get(kind, "curve")
    facts = {
        "id": line["id"],
        "control_type": kind,
        "default": line.get("isDefault", True),
        "superseded": line.get("isSuperseded", False),
        "settings": {name: hear(line[field], WORDS[name])},
    }
    return msgspec.convert(facts, Control, strict=False)


def progress(session: Session, payload: Payload) -> bytes:
    """NotifyDERStartStop (R04.FR.20 to R04.FR.22)."""
    known, facts = book(session), moment(session, payload)
    if payload["started"]:
        superseded = tuple(payload.get("supersededIds", ()))
        known.record(
            Der.ControlStarted,
            session.cause,
            session.now,
            control_id=payload["controlId"],
            superseded_ids=superseded,
            **facts,
        )
    else:
        known.record(Der.ControlStopped, session.cause, session.now, control_id=payload["controlId"], **facts)
    return EMPTY


def alarm(session: Session, payload: Payload) -> bytes:
    """NotifyDERAlarm (R05)."""
    known = book(session)
    known.record(
        Der.AlarmEnded if payload.get("alarmEnded") else Der.AlarmRaised,
        session.cause,
        session.now,
        control_type=payload["controlType"],
        fault=payload.get("gridEventFault"),
        detail=payload.get("extraInfo"),
        **moment(session, payload),
    )
    return EMPTY


def moment(session: Session, payload: Payload) -> Payload:
    return {"occurred_at": when(payload["timestamp"], session.now)}


def book(session: Session) -> Der:
    """What we know of the controls of this station."""
    return session.of(Der, stream(session.station_id))


def say_set(session: Session, wish: Payload) -> Said:
    """SetDERControl (R04); without an id it gets a new one."""
    control = meant(wish, wish.get("control_id") or str(uuid4()))
    control.check()
    name = SETTING.get(control.control_type, "curve")
    setting = say(getattr(control.settings, name), WORDS[name], None)
    return Said(
        "SetDERControl",
        {
            "isDefault": control.default,
            "controlId": control.id,
            "controlType": control.control_type,
            FIELD.get(control.control_type, "curve"): setting,
        },
    )


def meant(wish: Payload, control_id: str) -> Control:
    return wished(wish | {"id": control_id}, Control)


def say_get(session: Session, wish: Payload) -> Said:
    """GetDERControl (R04); the answer comes as ReportDERControl with the same number."""
    return Said("GetDERControl", {"requestId": session.rules.numbers.take(), **selected(wish)})


def say_clear(session: Session, wish: Payload) -> Said:
    """ClearDERControl (R04.FR.44, R04.FR.45): of the defaults, or of the others."""
    return Said("ClearDERControl", selected(wish))


def selected(wish: Payload) -> Payload:
    one = wished(wish, Selection)
    return given(isDefault=one.default, controlType=one.control_type, controlId=one.control_id)


def heed_set(session: Session, wish: Payload, sent: Payload, answer: Payload) -> None:
    known, control, status = book(session), meant(wish, sent["controlId"]), answer["status"]
    if status == "Accepted":
        superseded = tuple(answer.get("supersededIds", ()))
        control = msgspec.structs.replace(control, superseded=control.id in superseded)
        known.record(Der.ControlSet, session.cause, session.now, control=control, superseded_ids=superseded)
        return
    known.record(
        Der.ControlRefused,
        session.cause,
        session.now,
        control_id=control.id,
        control_type=control.control_type,
        status=status,
        reason=explain(status, answer.get("statusInfo")),
    )


def heed_get(session: Session, wish: Payload, sent: Payload, answer: Payload) -> None:
    """NotFound is a complete answer: none of those we thought set is (R04.FR.30)."""
    known, facts = book(session), {"request_id": sent["requestId"], "selection": wished(wish, Selection)}
    if answer["status"] in ("Accepted", "NotFound"):
        known.record(Der.ReportRequested, session.cause, session.now, **facts)
    if answer["status"] == "NotFound":
        known.miss(sent["requestId"], session.cause, session.now)


def heed_clear(session: Session, wish: Payload, sent: Payload, answer: Payload) -> None:
    known, status = book(session), answer["status"]
    if status in ("Accepted", "NotFound"):
        known.clear(wished(wish, Selection), status == "Accepted", session.cause, session.now)


HEAR: dict[str, Hear] = {
    "ReportDERControl": report,
    "NotifyDERStartStop": progress,
    "NotifyDERAlarm": alarm,
}
SAY: dict[str, Say] = {
    "setDERControl": say_set,
    "getDERControl": say_get,
    "clearDERControl": say_clear,
}
HEED: dict[str, Heed] = {
    "setDERControl": heed_set,
    "getDERControl": heed_get,
    "clearDERControl": heed_clear,
}
